"""One contract, held by every object store. moto shows shape alone: it accepts wrong secrets and wrong digests."""

import hashlib
import tracemalloc
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import boto3  # type: ignore[import-untyped]
import pytest
from moto import mock_aws

from corpus.errors import BadObjectKey, ObjectAbsent, ObjectExists
from corpus.object_store import MAX_KEY_BYTES, MAX_NAME_BYTES, DirectoryStore, ObjectInfo, ObjectStore, erase_below
from corpus.s3 import PART_SIZE_BYTES, Credentials, S3Connection, S3Store
from tests.fixtures.stores import s3_store

REAL = ["directory", "seaweedfs", "seaweedfs-versioned"]
HOSTILE_KEYS = [
    pytest.param("", id="nothing"),
    pytest.param("/etc/passwd", id="absolute"),
    pytest.param("a/../../b", id="climbs-out"),
    pytest.param("a/./b", id="stands-still"),
    pytest.param("a//b", id="empty-name"),
    pytest.param("a/", id="a-folder"),
    pytest.param(".incoming/b", id="hides"),
    pytest.param("a/.b", id="hides-below"),
    pytest.param("a\0b", id="nul"),
    pytest.param("a\nb", id="line-break"),
    pytest.param("a\\b", id="backslash"),
    pytest.param("a/\udcff", id="not-utf-8"),
    pytest.param("a/" + "ü" * (MAX_NAME_BYTES // 2 + 1), id="name-too-long"),
    pytest.param("/".join(["a" * 99] * (MAX_KEY_BYTES // 100 + 1)), id="key-too-long"),
]


@pytest.fixture(params=REAL)
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[ObjectStore]:
    if request.param == "directory":
        yield DirectoryStore(tmp_path / "objects")
    elif request.param == "moto":
        with mock_aws():
            boto3.client("s3", region_name="us-east-1").create_bucket(Bucket="moto")
            yield S3Store("moto", "objects", S3Connection(credentials=Credentials("any", "any")))
    else:
        connection: S3Connection = request.getfixturevalue("s3_connection")
        yield s3_store(connection, "versioned" if request.param.endswith("versioned") else "plain")


in_shape_too = pytest.mark.parametrize("store", [*REAL, "moto"], indirect=True)


def read(store: ObjectStore, key: str, offset: int = 0) -> bytes:
    with store.open(key, offset) as file:
        return file.read()


def mebibytes(count: int, fill: bytes = b"m") -> Iterator[bytes]:
    chunk = fill * (1 << 20)
    return (chunk for _ in range(count))


@pytest.mark.parametrize(
    "body", [pytest.param(b"", id="empty"), pytest.param(b"\0\xff" * 5000, id="binary"), pytest.param(b"a", id="byte")]
)
def test_what_was_put_is_what_is_opened(store: ObjectStore, body: bytes) -> None:
    store.put("voices/ada/clips/one", body)

    assert read(store, "voices/ada/clips/one") == body


@in_shape_too
def test_put_tells_size_and_digest(store: ObjectStore) -> None:
    info = store.put("voices/ada/one", [b"hello ", b"", b"world"])

    assert info == ObjectInfo("voices/ada/one", 11, hashlib.sha256(b"hello world").hexdigest())


@in_shape_too
def test_a_view_is_put_as_the_same_bytes_are_and_in_one_piece(store: ObjectStore) -> None:
    body = b"loanword" * (9 << 17)
    put = store.put("voices/ada/bytes", body)

    info = store.put("voices/ada/view", memoryview(bytearray(b"-" + body + b"-"))[1:-1])

    assert read(store, "voices/ada/view") == body
    assert (info.size_bytes, info.sha256) == (put.size_bytes, put.sha256)
    assert store.head("voices/ada/view").sha256 == store.head("voices/ada/bytes").sha256


def test_head_tells_the_size(store: ObjectStore) -> None:
    store.put("voices/ada/one", b"hello")

    info = store.head("voices/ada/one")

    assert (info.key, info.size_bytes) == ("voices/ada/one", 5)
    assert info.sha256 in (None, hashlib.sha256(b"hello").hexdigest())


@pytest.mark.parametrize("key", ["voices/ü/ñ.wav", "a b+c%2F=&?#", "it's/~(ok)*!"])
def test_a_key_may_hold_any_printable_text(store: ObjectStore, key: str) -> None:
    store.put(key, b"hello")

    assert read(store, key) == b"hello"
    assert [info.key for info in store.list("")] == [key]


@in_shape_too
@pytest.mark.parametrize(
    "again",
    [pytest.param(lambda: b"second", id="whole"), pytest.param(lambda: mebibytes(9), id="in-parts")],
)
def test_an_object_is_never_overwritten(store: ObjectStore, again: Callable[[], bytes | Iterator[bytes]]) -> None:
    store.put("voices/ada/one", b"first")

    with pytest.raises(ObjectExists):
        store.put("voices/ada/one", again())

    assert read(store, "voices/ada/one") == b"first"


@pytest.mark.parametrize("size_mib", [pytest.param(1, id="whole"), pytest.param(9, id="in-parts")])
def test_of_writers_that_race_exactly_one_wins(store: ObjectStore, size_mib: int) -> None:
    start = Barrier(4)

    def write(fill: bytes) -> bytes | None:
        start.wait()
        try:
            store.put("voices/ada/raced", mebibytes(size_mib, fill))
        except ObjectExists:
            return None
        return fill

    with ThreadPoolExecutor(4) as pool:
        winners = [fill for fill in pool.map(write, (b"a", b"b", b"c", b"d")) if fill]

    assert len(winners) == 1
    assert read(store, "voices/ada/raced") == winners[0] * (size_mib << 20)


@in_shape_too
def test_an_iterable_larger_than_one_part_arrives_whole(store: ObjectStore) -> None:
    body = hashlib.shake_256(b"20 MB").digest(20_000_000)

    info = store.put("releases/a/1/train.tar", (body[at : at + 700_001] for at in range(0, len(body), 700_001)))

    assert info.sha256 == hashlib.sha256(body).hexdigest()
    assert read(store, "releases/a/1/train.tar") == body
    assert store.head("releases/a/1/train.tar").size_bytes == len(body)


def test_an_iterable_is_streamed_and_never_held(store: ObjectStore) -> None:
    size_mib = 96

    tracemalloc.start()
    try:
        store.put("releases/a/1/train.tar", mebibytes(size_mib))
        _, peak_bytes = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert peak_bytes < 6 * PART_SIZE_BYTES < size_mib << 20


@pytest.mark.parametrize("failing_after_mib", [pytest.param(1, id="first-part"), pytest.param(17, id="third-part")])
def test_an_iterable_that_fails_leaves_nothing(store: ObjectStore, failing_after_mib: int) -> None:
    def failing() -> Iterator[bytes]:
        yield from mebibytes(failing_after_mib)
        raise OSError("the source went away")

    with pytest.raises(OSError, match="went away"):
        store.put("releases/a/1/train.tar", failing())

    assert list(store.list("")) == []
    store.put("releases/a/1/train.tar", b"the name is still free")


@pytest.mark.parametrize("offset", [0, 1, 4, 5, 6])
def test_an_object_is_opened_from_an_offset_on(store: ObjectStore, offset: int) -> None:
    store.put("voices/ada/one", b"hello")

    assert read(store, "voices/ada/one", offset) == b"hello"[offset:]


@in_shape_too
def test_a_large_object_is_opened_in_its_middle(store: ObjectStore) -> None:
    store.put("releases/a/1/train.tar", [b"a" * PART_SIZE_BYTES, b"b" * PART_SIZE_BYTES])

    assert read(store, "releases/a/1/train.tar", PART_SIZE_BYTES - 1) == b"a" + b"b" * PART_SIZE_BYTES


@in_shape_too
@pytest.mark.parametrize("verb", ["open", "head"])
def test_an_object_that_is_not_there_is_absent(store: ObjectStore, verb: str) -> None:
    store.put("voices/ada/one", b"hello")

    for key in ("voices/ada/two", "voices/ada", "voices"):
        with pytest.raises(ObjectAbsent) as refusal:
            getattr(store, verb)(key)
        assert refusal.value.key == key


def test_a_listing_goes_past_a_thousand_objects(store: ObjectStore) -> None:
    keys = [f"voices/ada/{number:04}" for number in range(1010)]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda key: store.put(key, b"x"), reversed(keys)))

    listed = list(store.list("voices/"))

    assert [info.key for info in listed] == keys
    assert {info.size_bytes for info in listed} == {1}


@pytest.mark.parametrize(
    ("prefix", "expected"),
    [
        pytest.param("", ["a/b/1", "a/b2/1", "a/c", "b"], id="everything"),
        pytest.param("a/", ["a/b/1", "a/b2/1", "a/c"], id="folder"),
        pytest.param("a/b", ["a/b/1", "a/b2/1"], id="beginning-of-names"),
        pytest.param("a/b/", ["a/b/1"], id="folder-beside-its-namesake"),
        pytest.param("a/c", ["a/c"], id="an-object"),
        pytest.param("a/c/", [], id="below-an-object"),
        pytest.param("z/", [], id="nothing"),
    ],
)
def test_a_listing_holds_what_begins_with_its_prefix(store: ObjectStore, prefix: str, expected: list[str]) -> None:
    for key in ("b", "a/c", "a/b2/1", "a/b/1"):
        store.put(key, b"x")

    assert [info.key for info in store.list(prefix)] == expected


@in_shape_too
def test_an_erased_object_is_gone_and_its_neighbours_stay(store: ObjectStore) -> None:
    for key in ("a/1", "a/10", "a/2/3"):
        store.put(key, b"x")

    store.erase("a/1")

    assert [info.key for info in store.list("")] == ["a/10", "a/2/3"]
    with pytest.raises(ObjectAbsent):
        store.open("a/1")


@in_shape_too
def test_an_object_in_parts_is_erased_whole(store: ObjectStore) -> None:
    store.put("releases/a/1/train.tar", mebibytes(9))

    store.erase("releases/a/1/train.tar")

    assert list(store.list("")) == []


@in_shape_too
def test_erasing_twice_is_erasing_once(store: ObjectStore) -> None:
    store.put("a/1", b"x")

    store.erase("a/1")
    store.erase("a/1")
    store.erase("never/there")

    assert list(store.list("")) == []


@in_shape_too
def test_many_objects_are_erased_at_once_and_their_neighbours_stay(store: ObjectStore) -> None:
    for key in ("a/1", "a/10", "a/2", "b/1", "b/2"):
        store.put(key, b"x")

    store.erase_all(["a/1", "a/2", "b/1", "never/there", "never/either"])

    assert [info.key for info in store.list("")] == ["a/10", "b/2"]


def test_more_objects_are_erased_at_once_than_one_request_takes(store: ObjectStore) -> None:
    keys = [f"a/{number}" for number in range(1005)]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda key: store.put(key, b"x"), keys))

    assert erase_below(store, "a/") == 1005

    assert list(store.list("")) == []


def test_an_erased_name_may_be_used_again(store: ObjectStore) -> None:
    store.put("a/b/1", b"first")
    store.erase("a/b/1")

    store.put("a/b/1", b"second")

    assert read(store, "a/b/1") == b"second"


@pytest.mark.parametrize("key", HOSTILE_KEYS)
def test_a_hostile_key_is_refused_by_every_verb(store: ObjectStore, key: str) -> None:
    acts: list[Callable[[], object]] = [
        lambda: store.put(key, b"x"),
        lambda: store.open(key),
        lambda: store.head(key),
        lambda: store.erase(key),
        lambda: store.erase_all([key]),
    ]

    for act in acts:
        with pytest.raises(BadObjectKey):
            act()


@pytest.mark.parametrize("prefix", ["../", "/", "a//", ".incoming/", "a/../b"])
def test_a_hostile_prefix_is_refused(store: ObjectStore, prefix: str) -> None:
    with pytest.raises(BadObjectKey):
        store.list(prefix)
