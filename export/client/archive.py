"""Reads the clips out of a release's archive: a plain tar of small regular files, and nothing else.

The reader is our own, and refuses whatever a release does not need: links, folders, devices, long-name and pax headers,
sparse files, sizes that are no clip's. So a hostile archive has nothing to hide in: what it names is a clip, or it is
refused, and no member is larger than a clip may be. Format: POSIX.1-1988 ustar.
"""

from collections.abc import Iterator
from typing import BinaryIO

from corpus.errors import BadRelease
from export.client.contents import is_clip_name
from export.client.wav_header import BYTES_PER_SAMPLE, HEADER_BYTES, SAMPLE_RATE_HZ

LONGEST_CLIP_S = 20
LARGEST_WAV_BYTES = HEADER_BYTES + LONGEST_CLIP_S * SAMPLE_RATE_HZ * BYTES_PER_SAMPLE
LARGEST_TEXT_BYTES = 16_384
BLOCK_BYTES = 512

_END = bytes(BLOCK_BYTES)
_REGULAR = b"0"
_CHECKSUM = slice(148, 156)


def members(archive: BinaryIO) -> Iterator[tuple[str, bytes]]:
    """Each member's name and content, in the archive's order. Raises `BadRelease` at the first that is no clip."""
    while (header := archive.read(BLOCK_BYTES)) != _END:
        name, size_bytes = _parse(header)
        padded_bytes = -(-size_bytes // BLOCK_BYTES) * BLOCK_BYTES
        content = archive.read(padded_bytes)
        if len(content) != padded_bytes:
            raise BadRelease(f"The archive ends in the middle of {name}.")
        yield name, content[:size_bytes]


def _parse(header: bytes) -> tuple[str, int]:
    if len(header) != BLOCK_BYTES:
        raise BadRelease("The archive ends in the middle.")
    summed = sum(header) - sum(header[_CHECKSUM]) + 8 * ord(" ")
    if _octal(header[_CHECKSUM]) != summed:
        raise BadRelease("The archive has a header whose checksum is wrong.")
    name = header[:100].rstrip(b"\0").decode("latin-1")
    size_bytes = _octal(header[124:136])
    is_wav, is_text = is_clip_name(name), is_clip_name(name, "txt")
    if header[156:157] != _REGULAR or header[345:500].strip(b"\0") or not (is_wav or is_text):
        raise BadRelease(f"The archive has a member that is no clip: {name!r}")
    if size_bytes > (LARGEST_WAV_BYTES if is_wav else LARGEST_TEXT_BYTES):
        raise BadRelease(f"The archive has a member larger than a clip may be: {name}, {size_bytes} bytes")
    return name, size_bytes


def _octal(field: bytes) -> int:
    digits = field.strip(b" \0")
    if not digits or digits.strip(b"01234567"):
        raise BadRelease("The archive has a header whose numbers cannot be read.")
    return int(digits, 8)
