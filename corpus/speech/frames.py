"""What the decoder and its child say to each other: a header in JSON and a payload of bytes, lengths first.

Kept apart so that the parent never imports the libraries that read hostile bytes.
"""

import json
import struct
from collections.abc import Mapping

LENGTHS = struct.Struct("!II")
"""Size of the header and size of the payload, in bytes."""

HEADER_MAX_BYTES = 4096

Header = Mapping[str, object]


class BadFrame(Exception):
    """The other side wrote something that is no frame. It never leaves the decoder."""


def frame_start(header: Header, payload_bytes: int) -> bytes:
    """Everything of a frame but its payload, which follows."""
    encoded = json.dumps(header).encode()
    return LENGTHS.pack(len(encoded), payload_bytes) + encoded


def parse_lengths(encoded: bytes, payload_max_bytes: int) -> tuple[int, int]:
    """(header size, payload size). Raises `BadFrame`: whoever wrote this may have been taken over by a recording."""
    header_bytes, payload_bytes = LENGTHS.unpack(encoded)
    if header_bytes > HEADER_MAX_BYTES or payload_bytes > payload_max_bytes:
        raise BadFrame
    return header_bytes, payload_bytes


def parse_header(encoded: bytes) -> Header:
    """Raises `BadFrame`."""
    try:
        header = json.loads(encoded)
    except ValueError as error:
        raise BadFrame from error
    if not isinstance(header, dict):
        raise BadFrame
    return header


def text(header: Header, name: str) -> str:
    """Raises `BadFrame`."""
    value = header.get(name)
    if not isinstance(value, str):
        raise BadFrame
    return value


def count(header: Header, name: str) -> int:
    """Raises `BadFrame`."""
    value = header.get(name)
    if type(value) is not int or value < 0:
        raise BadFrame
    return value
