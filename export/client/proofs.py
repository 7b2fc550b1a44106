"""Checks signatures and proofs: Ed25519 (RFC 8032) over canonical JSON, and the Merkle tree of RFC 9162.

Written from the formats alone, as all of the client is. A signed document is one JSON object, written in one way, whose
`signature` is over the rest of it and whose `type` says what it is. A leaf is SHA-256(0x00 ‖ salt ‖ canonical JSON).
"""

import base64
import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from corpus.errors import BadRelease, UntrustedKey

RELEASE = "loanword/release/1"
STATE = "loanword/release-state/1"
TREE_HEAD = "loanword/tree-head/1"
KEY_ENDORSEMENT = "loanword/key-endorsement/1"

Keys = Mapping[str, bytes]
"""Raw public keys, by key id."""


def key_id(public_key: bytes) -> str:
    return hashlib.sha256(public_key).hexdigest()[:16]


def fingerprint(public_key: bytes) -> str:
    """For people to compare: the whole SHA-256 of the raw key, in groups of four."""
    digits = hashlib.sha256(public_key).hexdigest()
    return " ".join(digits[at : at + 4] for at in range(0, len(digits), 4))


def parse_key(told: str) -> bytes:
    """A raw public key from 64 hexadecimal digits. Raises `BadRelease`."""
    try:
        key = bytes.fromhex(told.strip())
    except ValueError as error:
        raise BadRelease(f"{told[:80]!r} is no public key: 64 hexadecimal digits are.") from error
    if len(key) != 32:
        raise BadRelease(f"{told[:80]!r} is no public key: 64 hexadecimal digits are.")
    return key


def canonical(content: object) -> bytes:
    return json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode()


def read_signed(raw: bytes, kind: str, keys: Keys) -> dict[str, Any]:
    """What a document says that one of these keys signed. Raises `BadRelease`, or `UntrustedKey` for another key."""
    told, signature = take_apart(raw, kind)
    key = keys.get(signature["key_id"])
    if key is None or key_id(key) != signature["key_id"]:
        raise UntrustedKey(f"is signed by the key {signature['key_id']}, which is not one that is trusted here")
    try:
        value = base64.b64decode(signature["value"], validate=True)
        if base64.b64encode(value).decode() != signature["value"]:  # base64 has bits that decoding does not look at
            raise BadRelease("has a signature that was changed in its form")
        Ed25519PublicKey.from_public_bytes(key).verify(value, canonical(told))
    except (InvalidSignature, ValueError) as error:
        raise BadRelease("has a signature that is not of this document") from error
    return told


def take_apart(raw: bytes, kind: str) -> tuple[dict[str, Any], dict[str, str]]:
    """A signed document's content and its signature, nothing of them checked but their form. Raises `BadRelease`."""
    try:
        told = json.loads(raw)
        whole = isinstance(told, dict) and canonical(told) == raw
        signature = told.pop("signature")
        formed = signature.keys() == {"algorithm", "key_id", "value"} and signature["algorithm"] == "Ed25519"
        formed = formed and all(isinstance(each, str) for each in signature.values())
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise BadRelease("is no signed document") from error
    if not whole or not formed:
        raise BadRelease("is no signed document, or was changed in its form")
    if told.get("type") != kind:
        raise BadRelease(f"is a {told.get('type')!r}, and not a {kind!r}")
    return told, signature


def with_endorsed(pinned: Keys, told: Iterable[tuple[str, str | None]]) -> dict[str, bytes]:
    """The pinned keys, and those of (public key, endorsement) that one of them, or one so found, has endorsed.

    They stand in the order in which they were made.
    """
    trusted = dict(pinned)
    for public_key, endorsement in told:
        try:
            key = parse_key(public_key)
            if endorsement is not None and key_id(key) not in trusted:
                endorsed = read_signed(endorsement.encode(), KEY_ENDORSEMENT, trusted)
                if endorsed.get("public_key") == public_key:
                    trusted[key_id(key)] = key
        except BadRelease:
            continue
    return trusted


def leaf_hash(salt: str, content: object) -> str:
    """Raises `ValueError` for a salt that is not written as it must be."""
    return hashlib.sha256(b"\x00" + _unhex(salt) + canonical(content)).hexdigest()


def includes(leaf: str, index: int, size: int, path: Sequence[str], root: str) -> bool:
    """Whether the path leads from the leaf at this index to the root of a tree of that size (RFC 9162, 2.1.3.2).

    Raises `ValueError` for a step that is not written as it must be.
    """
    if not 0 <= index < size:
        return False
    at, last, reached = index, size - 1, _unhex(leaf)
    for step in path:
        sibling = _unhex(step)
        if last == 0:
            return False
        if at % 2 == 1 or at == last:
            reached = _node(sibling, reached)
            while at % 2 == 0 and at != 0:
                at, last = at // 2, last // 2
        else:
            reached = _node(reached, sibling)
        at, last = at // 2, last // 2
    return last == 0 and reached.hex() == root


def _unhex(digits: str) -> bytes:
    """Bytes have one form here: `bytes.fromhex` reads capitals and spaces too, and whoever put them would go unseen."""
    value = bytes.fromhex(digits)
    if value.hex() != digits:
        raise ValueError(f"{digits[:80]!r} is not written in small hexadecimal digits")
    return value


def _node(left: bytes, right: bytes) -> bytes:
    return hashlib.sha256(b"\x01" + left + right).digest()
