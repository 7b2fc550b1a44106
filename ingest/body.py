"""Reads a request's body into bounded memory, and says no before that wherever it can.

Nothing here touches a disk. A body is held once while it arrives; the copy that the vault seals is its second, so that
a process needs about twice `upload_memory_bytes` at most.
"""

import asyncio
import hashlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta

from starlette.types import Receive

from corpus.errors import BadBody, Overloaded, TooLarge, UploadTimedOut
from ingest import digests


@dataclass(frozen=True, slots=True)
class Body:
    """What arrived, and the SHA-256s that were announced of it."""

    content: bytes
    announced: tuple[bytes, ...] = ()

    def checked_sha256(self) -> bytes:
        """Raises `DigestMismatch`. Takes a tenth of a millisecond, so not on the event loop."""
        sha256 = hashlib.sha256(self.content).digest()
        digests.check(self.announced, sha256)
        return sha256


@dataclass(frozen=True, slots=True)
class Limits:
    """What one body may be, and how long it may take."""

    max_bytes: int
    deadline: timedelta


class UploadMemory:
    """Counts the bodies that one process holds. Changed on the event loop alone, so it needs no lock."""

    def __init__(self) -> None:
        self.held_bytes = 0
        self.bodies = 0
        """Requests that may bring one, from before they are admitted until they have an answer."""

    @contextmanager
    def share(self, most_bytes: int) -> Iterator["Share"]:
        """One body's share, given back on leaving."""
        share = Share(self, most_bytes)
        self.bodies += 1
        try:
            yield share
        finally:
            self.bodies -= 1
            self.held_bytes -= share.held_bytes


class Share:
    """What one body holds of the memory."""

    def __init__(self, memory: UploadMemory, most_bytes: int) -> None:
        self._memory = memory
        self._most_bytes = most_bytes
        self.held_bytes = 0

    def take(self, size_bytes: int) -> None:
        """Raises `Overloaded` where all bodies together would hold too much."""
        if self._memory.held_bytes + size_bytes > self._most_bytes:
            raise Overloaded
        self._memory.held_bytes += size_bytes
        self.held_bytes += size_bytes


def announced_size(headers: Mapping[str, str], max_bytes: int) -> int | None:
    """The Content-Length. Raises `TooLarge` before a byte is read."""
    length = headers.get("content-length")
    if length is None:
        return None
    if not (length.isascii() and length.isdigit()):
        raise BadBody("Content-Length is not a number.")
    if len(length) > 18 or int(length) > max_bytes:
        raise TooLarge(max_bytes)
    return int(length)


def announced_digests(headers: Mapping[str, str]) -> tuple[bytes, ...]:
    """Raises `BadDigestHeader`."""
    found = [digests.parse(headers[name]) for name in digests.HEADERS if name in headers]
    return tuple(digest for digest in found if digest is not None)


async def read(receive: Receive, headers: Mapping[str, str], limits: Limits, share: Share) -> Body:
    """The whole body, in time; or an error, and nothing kept.

    Raises `TooLarge`, `Overloaded`, `UploadTimedOut`, `BadDigestHeader`, and `BadBody` for one that is cut short.
    """
    expected = announced_size(headers, limits.max_bytes)
    announced = announced_digests(headers)
    chunks, size_bytes = [], 0
    try:
        async with asyncio.timeout(limits.deadline.total_seconds()):
            more = True
            while more:
                message = await receive()
                if message["type"] != "http.request":
                    raise BadBody("The body was cut short.")
                chunk = message.get("body", b"")
                more = message.get("more_body", False)
                size_bytes += len(chunk)
                if size_bytes > limits.max_bytes:
                    raise TooLarge(limits.max_bytes)
                share.take(len(chunk))
                chunks.append(chunk)
    except TimeoutError as error:
        raise UploadTimedOut from error
    if expected is not None and size_bytes != expected:
        raise BadBody("The body was cut short.")
    return Body(b"".join(chunks), announced)
