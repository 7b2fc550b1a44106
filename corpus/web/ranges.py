"""Reads a `Range` header (RFC 9110, section 14.2), of which one range of bytes is answered."""

import re

from corpus.errors import RangeUnsatisfiable

_ONE_RANGE = re.compile(r"bytes=(\d{0,18})-(\d{0,18})")


def byte_range(header: str | None, size_bytes: int) -> tuple[int, int] | None:
    """The half-open range of bytes asked for, or None where all of them should be sent.

    Other units, several ranges and nonsense are ignored, as the RFC allows. Raises `RangeUnsatisfiable`.
    """
    asked = _ONE_RANGE.fullmatch((header or "").replace(" ", ""))
    if asked is None or asked.groups() == ("", ""):
        return None
    first, last = asked.groups()
    if not first:
        start, stop = max(0, size_bytes - int(last)), size_bytes
    else:
        start, stop = int(first), min(size_bytes, int(last) + 1 if last else size_bytes)
        if last and int(last) < int(first):
            return None
    if start >= stop:
        raise RangeUnsatisfiable(size_bytes)
    return start, stop
