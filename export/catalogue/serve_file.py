"""Serves one file of a current release, asking before the bytes go out, and while they do, whether they still may.

The gate is asked after the first bytes were read and right before they are sent; a long answer asks again every few
megabytes and every second, and breaks off where the answer has become no. A key is never taken from a request: the path
must be one that the release itself names.
"""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

from corpus import object_keys
from corpus.collaborators import Collaborators
from corpus.errors import (
    NotFound,
    ObjectAbsent,
    ObjectCorrupt,
    ReleaseAwaitsRecut,
    ReleaseSuperseded,
    ReleaseWithdrawn,
    UnknownRelease,
)
from corpus.words import ReleaseId, ReleaseState
from export.catalogue import queries

CHUNK_BYTES = 262_144
ASKED_EVERY_BYTES = 4_194_304
ASKED_EVERY_S = 1.0


@dataclass(frozen=True, slots=True)
class ServableFile:
    """One file of a current release: where it lies, and how large it is."""

    release_id: ReleaseId
    release_revision: int
    path: str
    object_key: str
    size_bytes: int
    sha256: str

    @property
    def etag(self) -> str:
        return f'"{self.sha256}"'


def find_file(house: Collaborators, name: str, version: str, path: str) -> ServableFile:
    """Raises `UnknownRelease`, `ReleaseSuperseded`, `ReleaseWithdrawn`, or `NotFound` for a path it does not name."""
    found = _of_current(house, name, version, path)
    if found.revision is None or found.size_bytes is None or found.sha256 is None:
        raise NotFound("This release has no such file: release.json names those that it has.")
    key = object_keys.release_file(name, version, found.revision, path)
    return ServableFile(found.release_id, found.release_revision, path, key, found.size_bytes, found.sha256)


def check_may_be_served(house: Collaborators, file: ServableFile) -> None:
    """The gate. Raises `ReleaseSuperseded` where a newer version came meanwhile, and `ReleaseWithdrawn`."""
    with house.database.reading() as session:
        if not queries.may_be_served(session, file.release_id, file.path, file.sha256, house.clock()):
            raise _refusal(*queries.standing(session, file.release_id)) or ReleaseWithdrawn()


def open_span(house: Collaborators, file: ServableFile, start: int, stop: int) -> Iterator[bytes]:
    """Asks the gate, then gives the bytes from `start` up to, not including, `stop` in chunks.

    Raises what `check_may_be_served` raises, here where the gate is closed and later from the iterator, and
    `ReleaseWithdrawn` where the object is gone. An answer that was begun is then broken off, shorter than it promised,
    which no client takes for the file.
    """
    try:
        source = house.store.open(file.object_key, start)
    except ObjectAbsent as error:
        raise ReleaseWithdrawn from error
    try:
        first = source.read(min(CHUNK_BYTES, stop - start))
        check_may_be_served(house, file)
    except BaseException:
        source.close()
        raise
    return _chunks(house, file, source, first, stop - start)


def _chunks(
    house: Collaborators, file: ServableFile, source: BinaryIO, first: bytes, size_bytes: int
) -> Iterator[bytes]:
    with source:
        chunk, left_bytes = first, size_bytes
        sent_bytes, asked_at_s = 0, time.monotonic()
        while chunk:
            yield chunk
            left_bytes -= len(chunk)
            sent_bytes += len(chunk)
            chunk = source.read(min(CHUNK_BYTES, left_bytes)) if left_bytes else b""
            if chunk and (sent_bytes >= ASKED_EVERY_BYTES or time.monotonic() - asked_at_s >= ASKED_EVERY_S):
                check_may_be_served(house, file)
                sent_bytes, asked_at_s = 0, time.monotonic()
        if left_bytes:
            raise ObjectCorrupt(file.object_key, "The object is shorter than its release says.")


def _of_current(house: Collaborators, name: str, version: str, path: str) -> queries.FoundFile:
    if not (object_keys.is_release_word(name) and object_keys.is_release_word(version)):
        raise UnknownRelease
    with house.database.reading() as session:
        found = queries.found(session, name, version, path)
    if found is None or found.state is ReleaseState.DRAFT:
        raise UnknownRelease
    refusal = _refusal(found.state, found.awaits_recut)
    if refusal is not None:
        raise refusal
    return found


def _refusal(state: ReleaseState | None, awaits_recut: bool) -> ReleaseSuperseded | ReleaseWithdrawn | None:
    """What a version's state alone has against its being served."""
    if state is ReleaseState.SUPERSEDED:
        return ReleaseSuperseded()
    if state is not ReleaseState.CURRENT:
        return ReleaseWithdrawn()
    return ReleaseAwaitsRecut() if awaits_recut else None
