"""Shards: which clip stands in which archive, and the archives' bytes.

A shard is a USTAR archive of `clips/ab/<clip>.wav` and `.txt`, with no time or owner, in the order of names: the same
clips are the same bytes on any machine. It is laid out first, so that its clips can be opened in their places, several
at a time; and it is put whole, with one call: a multi-part put is neither atomic nor known by one digest on every S3
server.
"""

import mmap
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import groupby

from corpus.words import Split
from export import wav

BLOCK_BYTES = 512
RECORD_BYTES = 20 * BLOCK_BYTES
"""What `tar` reads at a time: an archive is a whole number of them."""

_CHECKSUM = slice(148, 156)
_SIZE = slice(124, 136)
_NAME_BYTES = 100


@dataclass(frozen=True, slots=True)
class Member:
    """What the plan needs to know of one clip."""

    speaker: str
    wav_filename: str
    samples: int
    transcript_size_bytes: int

    @property
    def size_bytes(self) -> int:
        """In an archive: two headers, and two files padded to whole blocks."""
        return 2 * BLOCK_BYTES + _padded(wav.size_bytes(self.samples)) + _padded(self.transcript_size_bytes)


def shard_name(split: Split, number: int) -> str:
    return f"archives/{split}-{number:05d}.tar"


def plan(split: Split, members: Iterable[Member], shard_max_bytes: int) -> Iterator[tuple[Member, str]]:
    """Each member with its shard. A speaker who fits in one is never in two: a withdrawal then costs one archive."""
    room_bytes = shard_max_bytes - RECORD_BYTES
    number, used_bytes = 0, 0
    ordered = sorted(members, key=lambda member: (member.speaker, member.wav_filename))
    for _, group in groupby(ordered, key=lambda member: member.speaker):
        of_speaker = list(group)
        if used_bytes and used_bytes + sum(member.size_bytes for member in of_speaker) > room_bytes:
            number, used_bytes = number + 1, 0
        for member in of_speaker:
            if used_bytes and used_bytes + member.size_bytes > room_bytes:
                number, used_bytes = number + 1, 0
            used_bytes += member.size_bytes
            yield member, shard_name(split, number)


@dataclass(frozen=True, slots=True)
class LaidOut:
    """An archive, and the room in it for what each of its files holds: to be filled in any order, by any thread."""

    content: memoryview
    rooms: Sequence[memoryview]


class Memory:
    """What archives are laid out in, one after the other.

    Straight from the system, and used again: to touch fresh memory at first takes longer than to fill it. In small
    pages 64 MB take 50 ms, in huge ones 7 and more.
    """

    def __init__(self, most_bytes: int) -> None:
        self._most_bytes = most_bytes
        self._free: list[mmap.mmap] = []

    def take(self, size_bytes: int) -> memoryview:
        """That many bytes, whatever stands in them."""
        fitting = next((memory for memory in self._free if len(memory) >= size_bytes), None)
        if fitting is None:
            fitting = _from_system(max(size_bytes, self._most_bytes))
        else:
            self._free.remove(fitting)
        return memoryview(fitting)[:size_bytes]

    def give_back(self, content: memoryview) -> None:
        """To be written over: nobody may read `content` any more."""
        assert isinstance(content.obj, mmap.mmap)
        self._free.append(content.obj)


def lay_out(files: Sequence[tuple[str, int]], memory: Memory) -> LaidOut:
    """The archive of files of these names and sizes in bytes, with all but what they hold."""
    used_bytes = sum(BLOCK_BYTES + _padded(size_bytes) for _, size_bytes in files) + 2 * BLOCK_BYTES
    content = memory.take(used_bytes + -used_bytes % RECORD_BYTES)
    rooms, end = [], 0
    for name, size_bytes in files:
        start = end + BLOCK_BYTES
        content[end:start] = member_header(name, size_bytes)
        rooms.append(content[start : start + size_bytes])
        end = start + _padded(size_bytes)
        content[start + size_bytes : end] = bytes(end - start - size_bytes)
    content[end:] = bytes(len(content) - end)
    return LaidOut(content, rooms)


def _from_system(size_bytes: int) -> mmap.mmap:
    memory = mmap.mmap(-1, size_bytes, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    if sys.platform == "linux":
        with suppress(OSError):  # a kernel without huge pages
            memory.madvise(mmap.MADV_HUGEPAGE)
    return memory


def member_header(name: str, size_bytes: int) -> bytes:
    """A USTAR header (POSIX.1-1988): a regular file, mode 0644, of nobody, from 1970.

    Packed here and not by `tarfile`, which takes longer over it than copying the clip does; a test holds the two equal.
    """
    encoded = name.encode("ascii")
    if len(encoded) > _NAME_BYTES:
        raise ValueError(f"{name!r} is longer than a USTAR name")
    block = bytearray(_EMPTY_HEADER)
    block[: len(encoded)] = encoded
    block[_SIZE] = size = b"%011o\0" % size_bytes
    block[_CHECKSUM] = b"%06o\0 " % (_EMPTY_SUM + sum(encoded) + sum(size))
    return bytes(block)


def _empty_header() -> bytes:
    """All that no member changes; the checksum is taken over spaces in its own place."""
    fields = (
        bytes(_NAME_BYTES),
        b"0000644\0",
        b"0000000\0" * 2,
        bytes(12),
        b"%011o\0" % 0,
        b" " * 8,
        b"0",
        bytes(100),
        b"ustar\x0000",
        bytes(247),
    )
    return b"".join(fields)


_EMPTY_HEADER = _empty_header()
_EMPTY_SUM = sum(_EMPTY_HEADER)


def _padded(size_bytes: int) -> int:
    return size_bytes + -size_bytes % BLOCK_BYTES
