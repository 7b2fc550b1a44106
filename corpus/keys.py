"""Keys: one master key, and for each account a voice key and an identity key wrapped by it.

The wrapped account keys live in an object store of their own, outside the database and its backups: destroying one
there reaches every copy of what was sealed under it. AES-256-GCM throughout, with random nonces of 96 bits (a key seals
far fewer than 2^32 times). An unwrapped key lives for one request or one batch and is kept nowhere.
"""

import hashlib
import hmac
import os
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from corpus import object_keys
from corpus.errors import KeyDestroyed, Misconfigured, ObjectAbsent, SealBroken
from corpus.object_store import ObjectStore
from corpus.sealed import SealedBytes
from corpus.secret_files import read_secret, write_secret
from corpus.words import AccountId, KeyId, new_id

KEY_BYTES = 32
NONCE_BYTES = 12
KEY_ID_BYTES = 16
VERSION = b"\x01"
HEADER_BYTES = len(VERSION) + KEY_ID_BYTES + NONCE_BYTES
SEAL_BYTES = HEADER_BYTES + 16
"""What a seal adds to the plaintext: all that stands before it, and its tag."""


class KeyKind(StrEnum):
    """`voice` seals audio, transcripts and notes; `identity` seals the e-mail address and the name."""

    VOICE = "voice"
    IDENTITY = "identity"


@dataclass(frozen=True, slots=True, repr=False)
class AccountKey:
    """One unwrapped account key."""

    key_id: KeyId
    account_id: AccountId
    secret: bytes

    def seal(self, plaintext: bytes, context: str) -> SealedBytes:
        """Encrypts. Opens only with the same `context`: the object key or `corpus.sealed.place` where it will stand."""
        nonce = os.urandom(NONCE_BYTES)
        ciphertext = AESGCM(self.secret).encrypt(nonce, plaintext, self._associated_data(context))
        return SealedBytes(b"".join((VERSION, bytes.fromhex(self.key_id), nonce, ciphertext)))

    def open(self, sealed: bytes, context: str) -> bytes:
        """Decrypts. Raises `SealBroken` for changed bytes, another place or another key."""
        nonce, ciphertext = self._taken_apart(sealed)
        try:
            return AESGCM(self.secret).decrypt(nonce, ciphertext, self._associated_data(context))
        except (InvalidTag, ValueError) as error:
            raise SealBroken from error

    def digest(self, label: str, message: bytes) -> str:
        """HMAC-SHA256 as 64 hexadecimal digits: what it commits to can be told by nobody once this key is gone."""
        return hmac.digest(self.secret, f"loanword/{label}|".encode() + message, "sha256").hex()

    def open_into(self, room: memoryview, sealed: bytes, context: str) -> None:
        """Decrypts to a place of the plaintext's size. After `SealBroken` what stands there is worthless."""
        nonce, ciphertext = self._taken_apart(sealed)
        try:
            AESGCM(self.secret).decrypt_into(nonce, ciphertext, self._associated_data(context), room)
        except (InvalidTag, ValueError) as error:
            raise SealBroken from error

    def _taken_apart(self, sealed: bytes) -> tuple[bytes, memoryview]:
        """Nonce, and ciphertext with its tag."""
        if sealed[: HEADER_BYTES - NONCE_BYTES] != VERSION + bytes.fromhex(self.key_id):
            raise SealBroken
        return sealed[HEADER_BYTES - NONCE_BYTES : HEADER_BYTES], memoryview(sealed)[HEADER_BYTES:]

    def _associated_data(self, context: str) -> bytes:
        return f"{self.account_id}|{context}".encode()


class MasterKey:
    """The operator's 32 secret bytes. All that is keyed derives from it by HKDF-SHA256 (RFC 5869), one label a use."""

    def __init__(self, secret: bytes) -> None:
        if len(secret) != KEY_BYTES:
            raise Misconfigured(f"The master key is {len(secret)} bytes, and must be {KEY_BYTES}.")
        self._secret = secret

    @classmethod
    def read(cls, path: Path) -> "MasterKey":
        """Raises `Misconfigured` where the file is absent, of another size, or readable by others."""
        return cls(read_secret(path, "master key"))

    @staticmethod
    def write_new(path: Path) -> None:
        """Makes a random master key, durable, and never over an old one (raises FileExistsError)."""
        write_secret(path, os.urandom(KEY_BYTES))

    def derive(self, label: str) -> bytes:
        """32 bytes that only this label and this master key give."""
        return HKDF(algorithm=SHA256(), length=KEY_BYTES, salt=None, info=f"loanword/{label}".encode()).derive(
            self._secret
        )

    def digest(self, label: str, message: bytes) -> str:
        """HMAC-SHA256 under the label's key, as 64 hexadecimal digits: equal for equal messages, telling no more."""
        return hmac.new(self.derive(label), message, hashlib.sha256).hexdigest()


class Keyring:
    """Makes, unwraps and destroys account keys. `wrapped_keys` must be unversioned or erase all versions."""

    def __init__(self, master: MasterKey, wrapped_keys: ObjectStore) -> None:
        self._wrapping = AESGCM(master.derive("wrap account keys"))
        self._wrapped_keys = wrapped_keys

    def create(self, account_id: AccountId, kind: KeyKind) -> KeyId:
        """Stores a new random key, durable, and returns its id. A key that no row names is harmless."""
        key_id = KeyId(new_id())
        nonce, secret = os.urandom(NONCE_BYTES), AESGCM.generate_key(bit_length=8 * KEY_BYTES)
        object_key = object_keys.account_key(account_id, key_id)
        wrapped = self._wrapping.encrypt(nonce, secret, f"{object_key}|{kind}".encode())
        self._wrapped_keys.put(object_key, nonce + wrapped)
        return key_id

    def unwrap(self, account_id: AccountId, key_id: KeyId, kind: KeyKind) -> AccountKey:
        """Raises `KeyDestroyed` where the key is gone."""
        object_key = object_keys.account_key(account_id, key_id)
        try:
            with self._wrapped_keys.open(object_key) as file:
                stored = file.read()
        except ObjectAbsent as error:
            raise KeyDestroyed from error
        try:
            secret = self._wrapping.decrypt(stored[:NONCE_BYTES], stored[NONCE_BYTES:], f"{object_key}|{kind}".encode())
        except (InvalidTag, ValueError) as error:
            raise SealBroken from error
        return AccountKey(key_id, account_id, secret)

    def destroy(self, account_id: AccountId, key_id: KeyId) -> None:
        """Erases the wrapped key; done twice is done once."""
        self._wrapped_keys.erase(object_keys.account_key(account_id, key_id))
