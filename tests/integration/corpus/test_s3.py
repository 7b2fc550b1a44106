"""What S3 adds to the contract: versions, credentials, and a network that loses answers. On a real server."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from urllib.parse import urlsplit
from uuid import uuid4

import pytest

from corpus.errors import BucketMissing, ObjectAbsent, ObjectExists, ObjectForbidden, StoreUnavailable
from corpus.object_store import ObjectStore, erase_below
from corpus.s3 import Credentials, S3Connection, S3Store
from corpus.seaweedfs import SeaweedFS
from tests.fixtures.stores import s3_store

VERBS: list[object] = [
    pytest.param(lambda store: store.put("a/1", b"x"), id="put"),
    pytest.param(lambda store: store.put("a/1", (b"x" * (1 << 20) for _ in range(9))), id="put-in-parts"),
    pytest.param(lambda store: store.open("a/1"), id="open"),
    pytest.param(lambda store: store.head("a/1"), id="head"),
    pytest.param(lambda store: list(store.list("a/")), id="list"),
    pytest.param(lambda store: store.erase("a/1"), id="erase"),
]
Fault = Callable[[str], bool]


@contextmanager
def proxy(upstream_url: str, loses_answer: Fault, cuts_body: Fault, hides_checksum: bool) -> Iterator[str]:
    """Passes requests on to a real server, and spoils the answers to those whose method a fault names."""
    upstream = urlsplit(upstream_url)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def pass_on(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            connection = HTTPConnection(upstream.hostname or "", upstream.port or 0, timeout=20)
            # The Host header passes unchanged: the request is signed with it.
            connection.putrequest(self.command, self.path, skip_host=True, skip_accept_encoding=True)
            for name, value in self.headers.items():
                if name != "Expect":
                    connection.putheader(name, value)
            connection.endheaders(body)
            answer = connection.getresponse()
            content = answer.read()
            self.close_connection = True
            if not loses_answer(self.command):
                self.answer_with(answer.status, answer.getheaders(), content)
            connection.close()

        def answer_with(self, status: int, headers: list[tuple[str, str]], content: bytes) -> None:
            self.send_response_only(status)
            for name, value in headers:
                if not (hides_checksum and name.lower().startswith("x-amz-checksum")):
                    self.send_header(name, value)
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(content[: len(content) // 2] if cuts_body(self.command) else content)

        def log_message(self, format: str, *args: object) -> None:
            pass

        do_GET = do_HEAD = do_PUT = do_POST = do_DELETE = pass_on

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def once(method: str) -> Fault:
    left = [method]
    return lambda seen: seen in left and bool(left.pop())


def never(method: str) -> bool:
    return False


@contextmanager
def spoiled(
    server: SeaweedFS,
    *,
    loses_answer: Fault = never,
    cuts_body: Fault = never,
    hides_checksum: bool = False,
    prefix: str = "",
) -> Iterator[S3Store]:
    with proxy(server.endpoint_url, loses_answer, cuts_body, hides_checksum) as endpoint_url:
        connection = S3Connection(endpoint_url, Credentials(server.access_key, server.secret_key))
        yield S3Store("plain", prefix or uuid4().hex, connection)


def test_an_erasure_removes_every_version_and_delete_marker(s3_connection: S3Connection) -> None:
    store = S3Store("versioned", "erased", s3_connection)
    client = s3_connection.client
    store.put("a/1", b"first")
    for body in (b"second", b"third"):
        client.put_object(Bucket="versioned", Key="erased/a/1", Body=body)
    client.delete_object(Bucket="versioned", Key="erased/a/1")
    client.put_object(Bucket="versioned", Key="erased/a/1", Body=b"after the marker")
    client.put_object(Bucket="versioned", Key="erased/a/10", Body=b"a neighbour")

    store.erase("a/1")

    left = client.list_object_versions(Bucket="versioned", Prefix="erased/")
    assert [version["Key"] for version in left.get("Versions", [])] == ["erased/a/10"]
    assert left.get("DeleteMarkers", []) == []


def test_erasing_many_removes_every_version_of_each(s3_connection: S3Connection) -> None:
    store = S3Store("versioned", "many", s3_connection)
    client = s3_connection.client
    for key in ("a/1", "a/2", "a/10"):
        store.put(key, b"first")
        client.put_object(Bucket="versioned", Key=f"many/{key}", Body=b"second")
    client.delete_object(Bucket="versioned", Key="many/a/2")
    upload = client.create_multipart_upload(Bucket="versioned", Key="many/a/1")
    client.upload_part(Bucket="versioned", Key="many/a/1", UploadId=upload["UploadId"], PartNumber=1, Body=b"a voice")

    store.erase_all(["a/1", "a/2"])

    left = client.list_object_versions(Bucket="versioned", Prefix="many/")
    assert [version["Key"] for version in left.get("Versions", [])] == ["many/a/10", "many/a/10"]
    assert left.get("DeleteMarkers", []) == []
    assert client.list_multipart_uploads(Bucket="versioned", Prefix="many/").get("Uploads", []) == []


def test_erasing_below_a_prefix_reaches_what_delete_markers_hide(s3_connection: S3Connection) -> None:
    store = S3Store("versioned", "hidden-below", s3_connection)
    for key in ("voices/a/1", "voices/a/2", "voices/b/1"):
        store.put(key, b"a voice")
    s3_connection.client.delete_object(Bucket="versioned", Key="hidden-below/voices/a/1")

    assert erase_below(store, "voices/a/") == 2

    left = s3_connection.client.list_object_versions(Bucket="versioned", Prefix="hidden-below/")
    assert [version["Key"] for version in left.get("Versions", [])] == ["hidden-below/voices/b/1"]
    assert left.get("DeleteMarkers", []) == []


def test_an_erasure_reaches_what_a_delete_marker_hides(s3_connection: S3Connection) -> None:
    store = S3Store("versioned", "hidden", s3_connection)
    store.put("a/1", b"a voice")
    s3_connection.client.delete_object(Bucket="versioned", Key="hidden/a/1")

    store.erase("a/1")

    left = s3_connection.client.list_object_versions(Bucket="versioned", Prefix="hidden/")
    assert left.get("Versions", []) == []
    assert left.get("DeleteMarkers", []) == []


def test_an_erasure_aborts_unfinished_uploads_of_the_object(s3_connection: S3Connection) -> None:
    store = S3Store("plain", "unfinished", s3_connection)
    client = s3_connection.client
    for key in ("unfinished/a/1", "unfinished/a/10"):
        upload = client.create_multipart_upload(Bucket="plain", Key=key)
        client.upload_part(Bucket="plain", Key=key, UploadId=upload["UploadId"], PartNumber=1, Body=b"a voice")

    store.erase("a/1")

    left = client.list_multipart_uploads(Bucket="plain", Prefix="unfinished/").get("Uploads", [])
    assert [upload["Key"] for upload in left] == ["unfinished/a/10"]


@pytest.mark.parametrize("bucket", ["plain", "versioned"])
def test_an_upload_in_parts_leaves_its_object_and_nothing_else(s3_connection: S3Connection, bucket: str) -> None:
    store = S3Store(bucket, "tidy", s3_connection)

    store.put("a/1", (b"x" * (1 << 20) for _ in range(9)))

    left = s3_connection.client.list_object_versions(Bucket=bucket, Prefix="tidy/")
    assert [version["Key"] for version in left.get("Versions", [])] == ["tidy/a/1"]
    assert left.get("DeleteMarkers", []) == []
    uploads = s3_connection.client.list_multipart_uploads(Bucket=bucket, Prefix="tidy/")
    assert uploads.get("Uploads", []) == []


@pytest.mark.parametrize("act", VERBS)
def test_wrong_credentials_are_forbidden_and_not_absent(
    seaweedfs: SeaweedFS, act: Callable[[ObjectStore], object]
) -> None:
    store = s3_store(S3Connection(seaweedfs.endpoint_url, Credentials(seaweedfs.access_key, "wrong")), "plain")

    with pytest.raises(ObjectForbidden):
        act(store)


@pytest.mark.parametrize("act", VERBS)
def test_a_server_that_is_down_is_unavailable_and_not_absent(act: Callable[[ObjectStore], object]) -> None:
    nobody_listens_here = "http://127.0.0.1:9"
    store = s3_store(S3Connection(nobody_listens_here, Credentials("any", "any")), "plain")

    with pytest.raises(StoreUnavailable):
        act(store)


def test_erasing_from_a_bucket_that_is_not_there_is_no_success(s3_connection: S3Connection) -> None:
    store = s3_store(s3_connection, "mistyped")

    with pytest.raises(BucketMissing):
        store.erase("a/1")


@pytest.mark.parametrize(
    ("method", "size_mib"),
    [
        pytest.param("PUT", 1, id="put"),
        pytest.param("PUT", 9, id="a-part"),
        pytest.param("POST", 9, id="beginning-of-parts"),
    ],
)
def test_a_put_whose_answer_is_lost_is_found_done(seaweedfs: SeaweedFS, method: str, size_mib: int) -> None:
    with spoiled(seaweedfs, loses_answer=once(method)) as store:
        info = store.put("a/1", (b"x" * (1 << 20) for _ in range(size_mib)))

        assert store.head("a/1").size_bytes == info.size_bytes == size_mib << 20


def test_a_completion_whose_answer_is_lost_is_found_done(seaweedfs: SeaweedFS) -> None:
    seen: list[str] = []

    def second_post(method: str) -> bool:
        seen.append(method)
        return method == "POST" and seen.count("POST") == 2

    with spoiled(seaweedfs, loses_answer=second_post) as store:
        store.put("a/1", (b"x" * (1 << 20) for _ in range(9)))

        assert store.head("a/1").size_bytes == 9 << 20


def test_a_lost_answer_does_not_claim_what_another_wrote(seaweedfs: SeaweedFS, s3_connection: S3Connection) -> None:
    with spoiled(seaweedfs, loses_answer=once("PUT"), prefix="contended") as store:
        S3Store("plain", "contended", s3_connection).put("a/1", b"theirs")

        with pytest.raises(ObjectExists):
            store.put("a/1", b"mine!!")


@pytest.mark.parametrize("size_mib", [pytest.param(1, id="whole"), pytest.param(9, id="in-parts")])
def test_where_the_server_tells_no_digest_the_bytes_are_read_back(seaweedfs: SeaweedFS, size_mib: int) -> None:
    with spoiled(seaweedfs, hides_checksum=True) as store:
        store.put("a/1", (b"x" * (1 << 20) for _ in range(size_mib)))

        assert store.head("a/1").sha256 is None
        assert store.head("a/1").size_bytes == size_mib << 20


def test_a_body_cut_short_is_unavailable_and_never_a_short_read(seaweedfs: SeaweedFS) -> None:
    with spoiled(seaweedfs, cuts_body=lambda method: method == "GET") as store:
        store.put("a/1", b"hello world")

        with store.open("a/1") as file, pytest.raises(StoreUnavailable):
            file.read()


def test_an_absent_object_is_absent_for_a_reader_with_the_right_credentials(s3_connection: S3Connection) -> None:
    store = s3_store(s3_connection, "plain")

    with pytest.raises(ObjectAbsent):
        store.head("a/1")
