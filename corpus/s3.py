"""Objects in a bucket of any S3-compatible store: the only importer of boto3.

A put is conditional (`If-None-Match: *`) and carries the SHA-256 of its bytes, which is compared with the one the
server answers, or, where it answers none, with the bytes read back. An erasure removes every version and checks.
Durability is the server's: an answered put is as durable as the bucket.
"""

import base64
import hashlib
import io
import itertools
import secrets
import time
from collections.abc import Callable, Collection, Iterable, Iterator, MutableSequence, Sequence, Set
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import timedelta
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, BinaryIO

import boto3  # type: ignore[import-untyped]
from botocore.config import Config  # type: ignore[import-untyped]
from botocore.exceptions import (  # type: ignore[import-untyped]
    BotoCoreError,
    ClientError,
    CredentialRetrievalError,
    FlexibleChecksumError,
    NoCredentialsError,
    PartialCredentialsError,
)
from botocore.parsers import ResponseParserError  # type: ignore[import-untyped]

from corpus.errors import (
    ObjectAbsent,
    ObjectCorrupt,
    ObjectExists,
    ObjectForbidden,
    StoreError,
    StoreUnavailable,
    Unsupported,
    UploadGone,
    WriteConflict,
)
from corpus.object_store import ObjectInfo, check_object_key, check_prefix, is_object_key
from corpus.s3_errors import meaning

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer
    from botocore.response import StreamingBody  # type: ignore[import-untyped]
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_s3.type_defs import CompletedPartTypeDef, GetObjectRequestTypeDef, ObjectIdentifierTypeDef

_CONNECT_TIMEOUT = timedelta(seconds=5)
_READ_TIMEOUT = timedelta(seconds=10)  # a store that hangs holds up an upload for one write and one look: twice this
_READ_ATTEMPTS = 3
_WRITE_PAUSES_S = (0.1, 0.5, 2.0, 0.0)  # one attempt before each pause
_ERASE_ATTEMPTS = 3
_BATCH_KEYS = 1000  # the most that one DeleteObjects takes
_READ_BYTES = 1 << 20

_CLAIMS = ".completing/"
_CLAIM_PAUSE_S = 0.1
_CLAIM_PATIENCE = timedelta(seconds=60)
_CLAIM_STALE_AFTER = timedelta(minutes=15)  # far longer than every attempt of one completion can take

PART_SIZE_BYTES = 8 << 20  # S3 takes 10,000 parts: an object of 80 GB


@dataclass(frozen=True, slots=True)
class Credentials:
    access_key_id: str
    secret_access_key: str = field(repr=False)


class S3Connection:
    """One server, seen as one account. Making it takes a tenth of a second; stores may share it, and so may threads.

    Without `endpoint_url` the server is AWS's; without `credentials` they are the usual `AWS_…` ones.
    """

    def __init__(self, endpoint_url: str | None = None, credentials: Credentials | None = None) -> None:
        session = (
            boto3.session.Session(credentials.access_key_id, credentials.secret_access_key)
            if credentials
            else boto3.session.Session()
        )
        self.client = _client(session, endpoint_url, _READ_ATTEMPTS)
        # A conditional write that boto3 repeats unseen may be refused because of its own first attempt.
        self.writer = _client(session, endpoint_url, attempts=1)


@dataclass(frozen=True, slots=True)
class _Written:
    """What the server should hold. `checksum` is as S3 writes it; of a multi-part object, the digest of its parts'."""

    size_bytes: int
    sha256: str
    checksum: str


class S3Store:
    """An `ObjectStore` in `bucket`, below `prefix`."""

    def __init__(
        self,
        bucket: str,
        prefix: str = "",
        connection: S3Connection | None = None,
        part_size_bytes: int = PART_SIZE_BYTES,
    ) -> None:
        connection = connection or S3Connection()
        self._bucket = bucket
        self._prefix = f"{prefix.strip('/')}/" if prefix.strip("/") else ""
        self._part_size_bytes = part_size_bytes
        self._client = connection.client
        self._writer = connection.writer

    def put(self, key: str, data: bytes | memoryview | Iterable[bytes]) -> ObjectInfo:
        check_object_key(key)
        if isinstance(data, bytes | memoryview):
            return self._put_whole(key, bytes(data))  # boto3 takes no view
        parts = _parts(data, self._part_size_bytes)
        first, second = next(parts, b""), next(parts, None)
        if second is None:
            return self._put_whole(key, first)
        return self._put_in_parts(key, itertools.chain((first, second), parts))

    def open(self, key: str, offset: int = 0) -> BinaryIO:
        if offset < 0:
            raise ValueError(f"offset {offset} is negative")
        check_object_key(key)
        # A range of an empty object, or past an end, is an error to S3: such a range is never asked for.
        if offset and offset >= self.head(key).size_bytes:
            return io.BytesIO()
        return self._open(key, offset)

    def head(self, key: str) -> ObjectInfo:
        check_object_key(key)
        size_bytes, checksum = self._held(key)
        return ObjectInfo(key, size_bytes, _hexadecimal(checksum))

    def list(self, prefix: str) -> Iterator[ObjectInfo]:
        check_prefix(prefix)
        return self._listed(prefix)

    def erase(self, key: str) -> None:
        check_object_key(key)
        self._abort_uploads(key)
        self._erase(key)

    def erase_all(self, keys: Collection[str]) -> None:
        folders: dict[str, set[str]] = {}
        for key in keys:
            check_object_key(key)
            folders.setdefault(key.rpartition("/")[0], set()).add(key)
        for folder, within in folders.items():
            if len(within) == 1:
                self.erase(within.pop())
            else:
                self._erase_in(f"{folder}/" if folder else "", within)

    def with_versions(self, prefix: str) -> Iterable[str]:
        """Every key below the prefix of which a version is left: a delete marker hides it from `list`."""
        check_prefix(prefix)
        pages = self._client.get_paginator("list_object_versions").paginate(
            Bucket=self._bucket, Prefix=self._name(prefix)
        )
        try:
            with _translated(prefix):
                names = {version["Key"] for page in pages for version in page.get("Versions", ())}
        except Unsupported:
            return ()
        return {key for key in (name.removeprefix(self._prefix) for name in names) if is_object_key(key)}

    def _erase_in(self, folder: str, keys: Set[str]) -> None:
        """Of one folder, whose listings tell of all of them together."""
        for key, upload_id in self._uploads(folder):
            if key in keys:
                self._abort(key, upload_id)
        for _ in range(_ERASE_ATTEMPTS):
            left = self._objects(folder, keys)
            if not left:
                return
            self._delete_objects(folder, left)
        if self._objects(folder, keys):
            raise StoreUnavailable(folder, "Objects are still there after they were erased.")

    def _objects(self, folder: str, keys: Set[str]) -> "Sequence[ObjectIdentifierTypeDef]":
        """What there is of these keys, all below one folder: every version and delete marker, and what has none."""
        names = {self._name(key) for key in keys}
        found = self._versions_of(folder, names)
        seen = {each["Key"] for each in found}
        with_no_version = (self._name(info.key) for info in self._listed(folder) if info.key in keys)
        return [*found, *({"Key": name} for name in with_no_version if name not in seen)]  # type: ignore[list-item]

    def _uploads(self, prefix: str) -> Sequence[tuple[str, str]]:
        """(key, upload id) of every unfinished upload whose key starts so; none where the store cannot tell."""
        pages = self._client.get_paginator("list_multipart_uploads").paginate(
            Bucket=self._bucket, Prefix=self._name(prefix)
        )
        try:
            with _translated(prefix):
                return [
                    (upload["Key"].removeprefix(self._prefix), upload["UploadId"])
                    for page in pages
                    for upload in page.get("Uploads", ())
                ]
        except Unsupported:
            return ()

    def _name(self, key: str) -> str:
        return self._prefix + key

    def _put_whole(self, key: str, body: bytes) -> ObjectInfo:
        digest = hashlib.sha256(body)
        written = _Written(len(body), digest.hexdigest(), _base64(digest.digest()))

        def send() -> str | None:
            answer = self._writer.put_object(
                Bucket=self._bucket,
                Key=self._name(key),
                Body=body,
                ChecksumSHA256=written.checksum,
                IfNoneMatch="*",
            )
            return answer.get("ChecksumSHA256")

        self._write(key, written, send)
        return ObjectInfo(key, written.size_bytes, written.sha256)

    def _put_in_parts(self, key: str, parts: Iterable[bytes]) -> ObjectInfo:
        if self._is_there(key):  # known early, for what it would cost to find out at the end
            raise ObjectExists(key)
        with _translated(key):
            upload_id = self._client.create_multipart_upload(
                Bucket=self._bucket, Key=self._name(key), ChecksumAlgorithm="SHA256"
            )["UploadId"]
        try:
            written, sent = self._send_parts(key, upload_id, parts)
            self._complete(key, upload_id, written, sent)
        except BaseException:
            # Best effort, and what it hides is less than what it would replace: `erase` aborts uploads too.
            with suppress(StoreError):
                self._abort(key, upload_id)
            raise
        return ObjectInfo(key, written.size_bytes, written.sha256)

    def _send_parts(
        self, key: str, upload_id: str, parts: Iterable[bytes]
    ) -> "tuple[_Written, Sequence[CompletedPartTypeDef]]":
        whole, composite = hashlib.sha256(), hashlib.sha256()
        size_bytes = 0
        sent: MutableSequence[CompletedPartTypeDef] = []
        for number, part in enumerate(parts, start=1):
            digest = hashlib.sha256(part).digest()
            with _translated(key):
                answer = self._client.upload_part(
                    Bucket=self._bucket,
                    Key=self._name(key),
                    UploadId=upload_id,
                    PartNumber=number,
                    Body=part,
                    ChecksumSHA256=_base64(digest),
                )
            if answer.get("ChecksumSHA256", _base64(digest)) != _base64(digest):
                raise ObjectCorrupt(key)
            whole.update(part)
            composite.update(digest)
            size_bytes += len(part)
            sent.append({"PartNumber": number, "ETag": answer["ETag"], "ChecksumSHA256": _base64(digest)})
        checksum = f"{_base64(composite.digest())}-{len(sent)}"
        return _Written(size_bytes, whole.hexdigest(), checksum), sent

    def _complete(self, key: str, upload_id: str, written: _Written, sent: "Sequence[CompletedPartTypeDef]") -> None:
        def send() -> None:
            # What it answers is not used: the size and the checksum are asked of the object itself.
            self._writer.complete_multipart_upload(
                Bucket=self._bucket,
                Key=self._name(key),
                UploadId=upload_id,
                MultipartUpload={"Parts": sent},
                IfNoneMatch="*",
            )

        # AWS decides between two completions atomically. SeaweedFS 4.48 looks and then writes: of four that race, up
        # to four "win", the last one's bytes stay. Its conditional PutObject is atomic, so that makes the queue.
        with self._claimed(key):
            self._write(key, written, send)

    def _write(self, key: str, written: _Written, send: Callable[[], str | None]) -> None:
        """Send a conditional write until its outcome is known.

        Once an answer was lost, "it exists already" may be about our own bytes, and so they are compared.
        """
        lost = False
        for pause_s in _WRITE_PAUSES_S:
            try:
                with _translated(key):
                    checksum = send()
                break
            except WriteConflict:
                time.sleep(pause_s)
            except ObjectExists:
                if lost and self._holds(key, written):
                    return
                raise
            except StoreUnavailable:
                lost = True
                if self._holds(key, written, self._writer):  # looks once: the caller has waited for the store already
                    return
                time.sleep(pause_s)
        else:
            raise StoreUnavailable(key)
        if checksum != written.checksum and not self._holds(key, written):
            self._erase(key)  # ours, as the condition held; left there, it would refuse the right bytes for ever
            raise ObjectCorrupt(key)

    def _holds(self, key: str, written: _Written, client: "S3Client | None" = None) -> bool:
        try:
            size_bytes, checksum = self._held(key, client)
            if size_bytes != written.size_bytes or checksum == written.checksum:
                return size_bytes == written.size_bytes
            with self._open(key) as file:
                return hashlib.file_digest(file, "sha256").hexdigest() == written.sha256
        except ObjectAbsent:
            return False

    def _held(self, key: str, client: "S3Client | None" = None) -> tuple[int, str | None]:
        """Size in bytes and, where the server tells, SHA-256 as S3 writes it. Raises `ObjectAbsent`."""
        with _translated(key):
            answer = (client or self._client).head_object(
                Bucket=self._bucket, Key=self._name(key), ChecksumMode="ENABLED"
            )
        return answer["ContentLength"], answer.get("ChecksumSHA256")

    def _is_there(self, key: str) -> bool:
        try:
            self._held(key)
        except ObjectAbsent:
            return False
        return True

    def _open(self, key: str, offset: int = 0) -> io.BufferedReader:
        request: GetObjectRequestTypeDef = {"Bucket": self._bucket, "Key": self._name(key)}
        if offset:
            request["Range"] = f"bytes={offset}-"
        with _translated(key):
            answer = self._client.get_object(**request)
        return io.BufferedReader(_Body(key, answer["Body"], answer["ContentLength"]), _READ_BYTES)

    def _listed(self, prefix: str) -> Iterator[ObjectInfo]:
        pages = self._client.get_paginator("list_objects_v2").paginate(Bucket=self._bucket, Prefix=self._name(prefix))
        with _translated(prefix):
            for page in pages:
                for found in page.get("Contents", ()):
                    key = found["Key"].removeprefix(self._prefix)
                    if is_object_key(key):  # neither a claim, nor a folder that another program has marked
                        yield ObjectInfo(key, found["Size"], modified_at=found["LastModified"])

    def _erase(self, key: str) -> None:
        for _ in range(_ERASE_ATTEMPTS):
            versions = self._versions(key)
            if not versions and not self._is_there(key):
                return
            self._delete(self._client, key, versions)
        if self._versions(key) or self._is_there(key):
            raise StoreUnavailable(key, "The object is still there after it was erased.")

    def _versions(self, key: str) -> "Sequence[ObjectIdentifierTypeDef]":
        """Every version and delete marker of one object; none where the store has no versions."""
        return self._versions_of(key, {self._name(key)})

    def _versions_of(self, prefix: str, names: Set[str]) -> "Sequence[ObjectIdentifierTypeDef]":
        """Of these objects, whose keys all start so."""
        pages = self._client.get_paginator("list_object_versions").paginate(
            Bucket=self._bucket, Prefix=self._name(prefix)
        )
        try:
            with _translated(prefix):
                return [
                    {"Key": version["Key"], "VersionId": version["VersionId"]}
                    for page in pages
                    for version in (*page.get("Versions", ()), *page.get("DeleteMarkers", ()))
                    if version["Key"] in names
                ]
        except Unsupported:
            return ()

    def _delete(self, client: "S3Client", key: str, versions: "Sequence[ObjectIdentifierTypeDef]") -> None:
        with _translated(key):
            if not versions:
                client.delete_object(Bucket=self._bucket, Key=self._name(key))
        self._delete_objects(key, versions, client)

    def _delete_objects(
        self, key: str, objects: "Sequence[ObjectIdentifierTypeDef]", client: "S3Client | None" = None
    ) -> None:
        with _translated(key):
            for start in range(0, len(objects), _BATCH_KEYS):
                batch = objects[start : start + _BATCH_KEYS]
                answer = (client or self._client).delete_objects(
                    Bucket=self._bucket, Delete={"Objects": batch, "Quiet": True}
                )
                for refused in answer.get("Errors", ()):
                    raise meaning(refused.get("Code", ""), 0, key)

    def _abort_uploads(self, key: str) -> None:
        for named, upload_id in self._uploads(key):
            if named == key:
                self._abort(key, upload_id)

    def _abort(self, key: str, upload_id: str) -> None:
        with suppress(UploadGone), _translated(key):
            self._client.abort_multipart_upload(Bucket=self._bucket, Key=self._name(key), UploadId=upload_id)

    @contextmanager
    def _claimed(self, key: str) -> Iterator[None]:
        """Hold the only right to complete an upload of `key`: an object that one writer can make."""
        claim = _CLAIMS + hashlib.sha256(key.encode()).hexdigest()
        deadline_s = time.monotonic() + _CLAIM_PATIENCE.total_seconds()
        while not self._claim(claim):
            if time.monotonic() > deadline_s:
                raise StoreUnavailable(key, "Another upload of the same object is being completed.")
            time.sleep(_CLAIM_PAUSE_S)
        try:
            yield
        finally:
            # Once, and never checked: what is there a moment later may be the next one's. A claim that this leaves
            # behind goes stale.
            with suppress(StoreError):
                self._delete(self._writer, claim, self._versions(claim))

    def _claim(self, claim: str) -> bool:
        try:
            self._put_whole(claim, secrets.token_bytes(16))
        except ObjectExists:
            if self._is_stale(claim):
                self._delete(self._writer, claim, self._versions(claim))
            return False
        return True

    def _is_stale(self, claim: str) -> bool:
        """By the server's clock on both sides."""
        try:
            with _translated(claim):
                answer = self._client.head_object(Bucket=self._bucket, Key=self._name(claim))
        except ObjectAbsent:
            return False
        now = parsedate_to_datetime(answer["ResponseMetadata"]["HTTPHeaders"]["date"])
        return now - answer["LastModified"] > _CLAIM_STALE_AFTER


class _Body(io.RawIOBase):
    """An answer's body as a file, which notices when it is cut short."""

    def __init__(self, key: str, body: "StreamingBody", size_bytes: int) -> None:
        self._key = key
        self._body = body
        self._missing_bytes = size_bytes

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: "WriteableBuffer") -> int:
        view = memoryview(buffer).cast("B")
        with _translated(self._key):
            chunk = self._body.read(len(view))
        self._missing_bytes -= len(chunk)
        if not chunk and self._missing_bytes:
            raise StoreUnavailable(self._key, "The object's bytes stopped short: try again in a moment.")
        view[: len(chunk)] = chunk
        return len(chunk)

    def close(self) -> None:
        self._body.close()
        super().close()


def make_bucket(bucket: str, connection: S3Connection, *, versioned: bool = False) -> None:
    """For a server of one's own: the demo's and the tests'. In production, buckets are the operator's to make."""
    with _translated(bucket):
        connection.client.create_bucket(Bucket=bucket)
        if versioned:
            connection.client.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})


def _client(session: boto3.session.Session, endpoint_url: str | None, attempts: int) -> "S3Client":
    config = Config(
        connect_timeout=_CONNECT_TIMEOUT.total_seconds(),
        read_timeout=_READ_TIMEOUT.total_seconds(),
        retries={"mode": "standard", "total_max_attempts": attempts},
        response_checksum_validation="when_supported",
        max_pool_connections=32,
        # Names of hosts below a bucket's are AWS's; a server of one's own has one name.
        s3={"addressing_style": "path" if endpoint_url else "auto"},
    )
    client: S3Client = session.client(
        "s3", endpoint_url=endpoint_url, region_name=session.region_name or "us-east-1", config=config
    )
    return client


@contextmanager
def _translated(key: str) -> Iterator[None]:
    """Raises a `StoreError` about `key` for whatever the server, or the way to it, refuses."""
    try:
        yield
    except ClientError as error:
        status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
        raise meaning(error.response.get("Error", {}).get("Code", ""), status, key) from error
    except FlexibleChecksumError as error:
        raise ObjectCorrupt(key) from error
    except (NoCredentialsError, PartialCredentialsError, CredentialRetrievalError) as error:
        raise ObjectForbidden(key, f"The object store's credentials are missing: {error}") from error
    except (BotoCoreError, ResponseParserError) as error:
        # No connection, a time-out, an answer cut short: the server may or may not have done what was asked.
        raise StoreUnavailable(key) from error


def _parts(chunks: Iterable[bytes], size_bytes: int) -> Iterator[bytes]:
    """The same bytes in pieces of one size, but for the last: however they came, the parts are the same."""
    waiting = bytearray()
    for chunk in chunks:
        waiting += chunk
        while len(waiting) >= size_bytes:
            with memoryview(waiting) as view:
                part = bytes(view[:size_bytes])
            del waiting[:size_bytes]
            yield part
    if waiting:
        yield bytes(waiting)


def _base64(digest: bytes) -> str:
    return base64.b64encode(digest).decode()


def _hexadecimal(checksum: str | None) -> str | None:
    """A whole object's digest. Of a multi-part one S3 knows only its parts', and marks that by a dash."""
    return None if checksum is None or "-" in checksum else base64.b64decode(checksum).hex()
