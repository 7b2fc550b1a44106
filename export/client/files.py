"""Opens and hashes the files of a local copy, none of them through a link."""

import hashlib
import io
import os
import stat
from pathlib import Path

BUFFER_BYTES = 1 << 20
_FLAGS = os.O_RDONLY | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)


def open_regular(path: str | Path) -> io.BufferedReader | None:
    """The file, or None where there is none: a link, a folder or a pipe is none."""
    descriptor = _opened(path)
    return None if descriptor is None else io.BufferedReader(io.FileIO(descriptor), BUFFER_BYTES)


def read_regular(path: str | Path, at_most_bytes: int) -> bytes | None:
    """The whole file, None where there is none; of a larger file its first `at_most_bytes + 1` bytes."""
    descriptor = _opened(path)
    if descriptor is None:
        return None
    try:
        wanted_bytes = min(os.fstat(descriptor).st_size, at_most_bytes + 1)
        content = os.read(descriptor, wanted_bytes)
        while len(content) < wanted_bytes and (more := os.read(descriptor, wanted_bytes - len(content))):
            content += more
        return content
    finally:
        os.close(descriptor)


def sha256_of(path: str | Path) -> tuple[int, str] | None:
    """A file's size in bytes and its digest in hexadecimal, or None where there is none."""
    file = open_regular(path)
    if file is None:
        return None
    with file:
        digest = hashlib.file_digest(file, "sha256")
        return file.tell(), digest.hexdigest()


def _opened(path: str | Path) -> int | None:
    try:
        descriptor = os.open(path, _FLAGS)
    except OSError:
        return None
    if stat.S_ISREG(os.fstat(descriptor).st_mode):
        return descriptor
    os.close(descriptor)
    return None
