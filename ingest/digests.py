"""Reads and writes `Repr-Digest` and `Content-Digest` (RFC 9530, a structured dictionary of RFC 8941).

Only sha-256 is checked. Other algorithms are ignored, as RFC 9530 section 2 allows; what cannot be parsed is refused.
"""

import base64
import binascii
import hashlib
import hmac
import re
from collections.abc import Iterable

from corpus.errors import BadDigestHeader, DigestMismatch

LONGEST_HEADER = 2048
HEADERS = ("repr-digest", "content-digest")

_MEMBER = re.compile(
    r"[ \t]*(?P<key>[a-z*][a-z0-9_.*-]*)=:(?P<value>[A-Za-z0-9+/]*={0,2}):"
    r"(?:;[ ]*[a-z*][a-z0-9_.*-]*(?:=[A-Za-z0-9_.*:/+?-]+)?)*[ \t]*(?:,|$)"
)


def parse(header: str) -> bytes | None:
    """The SHA-256 that the header announces, or None where it announces only others. Raises `BadDigestHeader`."""
    if len(header) > LONGEST_HEADER or not header.strip() or header.rstrip().endswith(","):
        raise BadDigestHeader
    announced, at = None, 0
    while at < len(header):
        member = _MEMBER.match(header, at)
        if member is None:
            raise BadDigestHeader
        value = _decoded(member["value"])
        if member["key"] == "sha-256":
            announced = value
        at = member.end()
    if announced is not None and len(announced) != hashlib.sha256().digest_size:
        raise BadDigestHeader
    return announced


def check(announced: Iterable[bytes], received: bytes) -> None:
    """Raises `DigestMismatch` unless what was received has each announced digest."""
    if not all(hmac.compare_digest(each, received) for each in announced):
        raise DigestMismatch


def header_for(body: bytes) -> str:
    """The header that announces this body."""
    return f"sha-256=:{base64.b64encode(hashlib.sha256(body).digest()).decode()}:"


def _decoded(text: str) -> bytes:
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
    except binascii.Error as error:
        raise BadDigestHeader from error
