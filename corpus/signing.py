"""Signs what others must be able to check without us: Ed25519 (RFC 8032) over canonical JSON.

A signed document is one JSON object on one line. Its `type` says what it is, and is checked, so that a head can never
pass for a receipt; its `signature` is over the canonical JSON of all the rest. A reader writes it down again and
compares: not one byte of it may be different.
"""

import base64
import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from corpus.errors import BadSignature, Misconfigured
from corpus.ledger import canonical
from corpus.secret_files import read_secret, write_secret

SECRET_BYTES = 32
KEY_ID_DIGITS = 16
ALGORITHM = "Ed25519"


def key_id_of(public_key: bytes) -> str:
    """The first 16 hexadecimal digits of the SHA-256 of the raw public key."""
    return hashlib.sha256(public_key).hexdigest()[:KEY_ID_DIGITS]


def fingerprint_of(public_key: bytes) -> str:
    """For people to compare with what `loanword pull` prints: the SHA-256 of the raw public key, in groups of four.

    The client has its own, as it has of everything that it checks us by; a test holds the two to be the same.
    """
    digits = hashlib.sha256(public_key).hexdigest()
    return " ".join(digits[at : at + 4] for at in range(0, len(digits), 4))


@dataclass(frozen=True, slots=True, repr=False)
class Signer:
    """The key that signs now."""

    secret: bytes

    @classmethod
    def read(cls, path: Path) -> "Signer":
        """Raises `Misconfigured` where the file is absent, of another size, or readable by others."""
        secret = read_secret(path, "signing key")
        if len(secret) != SECRET_BYTES:
            raise Misconfigured(f"The signing key {path} is {len(secret)} bytes, and must be {SECRET_BYTES}.")
        return cls(secret)

    @staticmethod
    def write_new(path: Path) -> None:
        """Makes a random signing key, durable, and never over an old one (raises FileExistsError)."""
        write_secret(path, os.urandom(SECRET_BYTES))

    @property
    def public_key(self) -> bytes:
        """32 raw bytes."""
        return self._key().public_key().public_bytes_raw()

    @property
    def key_id(self) -> str:
        return key_id_of(self.public_key)

    def sign(self, kind: str, content: Mapping[str, object]) -> str:
        """The signed document of this `type`, as canonical JSON."""
        told = {**content, "type": kind}
        value = base64.b64encode(self._key().sign(canonical(told))).decode()
        signature = {"algorithm": ALGORITHM, "key_id": self.key_id, "value": value}
        return canonical({**told, "signature": signature}).decode()

    def _key(self) -> Ed25519PrivateKey:
        return Ed25519PrivateKey.from_private_bytes(self.secret)


def verify(document: str | bytes, kind: str, public_keys: Mapping[str, bytes]) -> dict[str, Any]:
    """What a signed document says, once its type and signature were checked. `public_keys` are raw, by key id.

    Raises `BadSignature`.
    """
    raw = document.encode() if isinstance(document, str) else document
    try:
        told = json.loads(raw)
        is_canonical = isinstance(told, dict) and canonical(told) == raw
        signature = told.pop("signature")
        value = base64.b64decode(signature["value"], validate=True)
        key_id, algorithm, told_kind = signature["key_id"], signature["algorithm"], told["type"]
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise BadSignature("This is no signed document.") from error
    written_back = base64.b64encode(value).decode()  # base64 has bits that decoding does not look at
    if not is_canonical or len(signature) != 3 or algorithm != ALGORITHM or written_back != signature["value"]:
        raise BadSignature("This signed document was changed in its form.")
    if told_kind != kind:
        raise BadSignature(f"This document is a {told_kind!r}, and not a {kind!r}.")
    if key_id not in public_keys or key_id != key_id_of(public_keys[key_id]):
        raise BadSignature(f"This document is signed by the key {key_id}, which is not one that is trusted here.")
    try:
        Ed25519PublicKey.from_public_bytes(public_keys[key_id]).verify(value, canonical(told))
    except InvalidSignature as error:
        raise BadSignature from error
    return {name: value for name, value in told.items() if name != "type"}
