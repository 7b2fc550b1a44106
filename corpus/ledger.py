"""Salted commitments: what the append-only log keeps of a consent event, which tells nothing once the salt is gone.

A leaf is SHA-256(0x00 ‖ salt ‖ canonical JSON): the leaf hash of RFC 9162, section 2.1.1, over a salted entry.
"""

import hashlib
import json
import secrets
from collections.abc import Mapping

SALT_BYTES = 32
LEAF_PREFIX = b"\x00"


def new_salt() -> str:
    """32 random bytes, as hexadecimal digits."""
    return secrets.token_hex(SALT_BYTES)


def leaf_hash(salt: str, content: Mapping[str, str | int | None]) -> str:
    """The commitment to an event's content, as 64 hexadecimal digits."""
    canonical = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
    return hashlib.sha256(LEAF_PREFIX + bytes.fromhex(salt) + canonical).hexdigest()
