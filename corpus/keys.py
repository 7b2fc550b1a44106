"""Keys: one master key, and for each account a voice key and an identity key wrapped by it.

The wrapped account keys live in an object store of their own, outside the database and its backups: destroying one
there reaches every copy of what was sealed under it. AES-256-GCM throughout, with random nonces of 96 bits (a key seals
far fewer than 2^32 times). An unwrapped key lives for one request or one batch and is kept nowhere.
"""

import hmac
import os
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from corpus import object_keys
from corpus.errors import KeyDestroyed, Misconfigured, ObjectAbsent, ObjectExists, SealBroken
from corpus.object_store import ObjectInfo, ObjectStore, erase_below
from corpus.sealed import SealedBytes
from corpus.secret_files import read_secret, replace_secret, write_secret
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
    """The operator's secret. All that is keyed derives from its first 32 bytes (HKDF-SHA256, RFC 5869), a label a use.

    Each further 32 bytes are a generation of the wrapping key: the last one wraps account keys, and all unwrap. Only
    the wrapping key can be rotated: look-ups and pseudonyms stay what they are.
    """

    def __init__(self, secret: bytes, path: Path | None = None) -> None:
        if not secret or len(secret) % KEY_BYTES:
            raise Misconfigured(f"The master key is {len(secret)} bytes, and must be {KEY_BYTES}, or a multiple.")
        self._secret, self._wrapping = secret[:KEY_BYTES], secret[KEY_BYTES:]
        self._path = path
        self._derived: dict[str, bytes] = {}

    @classmethod
    def read(cls, path: Path) -> "MasterKey":
        """Raises `Misconfigured` where the file is absent, of another size, or readable by others."""
        return cls(read_secret(path, "master key"), path)

    @staticmethod
    def write_new(path: Path) -> None:
        """Makes a random master key, durable, and never over an old one (raises FileExistsError)."""
        write_secret(path, os.urandom(KEY_BYTES))

    @classmethod
    def rotate(cls, path: Path) -> "MasterKey":
        """Adds a generation of the wrapping key to the file: whole or not at all."""
        replace_secret(path, read_secret(path, "master key") + os.urandom(KEY_BYTES))
        return cls.read(path)

    @property
    def generation(self) -> int:
        """The newest: how often the wrapping key was rotated."""
        return len(self._wrapping) // KEY_BYTES

    def wrapping_key(self, generation: int) -> bytes:
        start = (generation - 1) * KEY_BYTES
        return self._wrapping[start : start + KEY_BYTES] if generation else self.derive("wrap account keys")

    def again(self) -> "MasterKey":
        """As its file is now: another process may have rotated it."""
        return MasterKey.read(self._path) if self._path else self

    def derive(self, label: str) -> bytes:
        """32 bytes that only this label and this master key give. Kept, as the master key is."""
        known = self._derived.get(label)
        if known is None:
            hkdf = HKDF(algorithm=SHA256(), length=KEY_BYTES, salt=None, info=f"loanword/{label}".encode())
            known = self._derived[label] = hkdf.derive(self._secret)
        return known

    def digest(self, label: str, message: bytes) -> str:
        """HMAC-SHA256 under the label's key, as 64 hexadecimal digits: equal for equal messages, telling no more."""
        return hmac.digest(self.derive(label), message, "sha256").hex()


class Keyring:
    """Makes, unwraps and destroys account keys. `wrapped_keys` must be unversioned or erase all versions."""

    def __init__(self, master: MasterKey, wrapped_keys: ObjectStore) -> None:
        self._wrapped_keys = wrapped_keys
        self._use(master)

    def with_master(self, master: MasterKey) -> "Keyring":
        """Over the same keys."""
        return Keyring(master, self._wrapped_keys)

    def create(self, account_id: AccountId, kind: KeyKind) -> KeyId:
        """Stores a new random key, durable, and returns its id. A key that no row names is harmless."""
        key_id = KeyId(new_id())
        secret = AESGCM.generate_key(bit_length=8 * KEY_BYTES)
        self._wrap(AccountKey(key_id, account_id, secret), kind, self._master.generation)
        return key_id

    def unwrap(self, account_id: AccountId, key_id: KeyId, kind: KeyKind) -> AccountKey:
        """Raises `KeyDestroyed` where the key is gone."""
        known = len(self._wrapping)
        for generation in reversed(range(known)):
            with suppress(ObjectAbsent):
                return self._unwrap(account_id, key_id, kind, generation)
        self._use(self._master.again())
        for generation in reversed(range(known, len(self._wrapping))):
            with suppress(ObjectAbsent):
                return self._unwrap(account_id, key_id, kind, generation)
        raise KeyDestroyed

    def destroy(self, account_id: AccountId, key_id: KeyId) -> None:
        """Erases the wrapped key, of whatever generation; done twice is done once."""
        self._wrapped_keys.erase(object_keys.account_key(account_id, key_id))
        erase_below(self._wrapped_keys, object_keys.account_key(account_id, key_id))

    def destroy_all(self, account_id: AccountId) -> None:
        """Erases every key that an account ever had; done twice is done once."""
        erase_below(self._wrapped_keys, object_keys.account_keys(account_id))

    def stored(self) -> Iterator[ObjectInfo]:
        """Every wrapped key that there is: for a sweep to compare with the rows."""
        return self._wrapped_keys.list(object_keys.ACCOUNT_KEYS)

    def erase_stored(self, object_key: str) -> None:
        """One of `stored`, that no row names."""
        self._wrapped_keys.erase(object_key)

    # Rotation

    def behind(self) -> list[tuple[AccountId, KeyId, int]]:
        """Every key that an older generation wraps: (account, key, generation)."""
        found = (object_keys.account_key_named(info.key) for info in self._wrapped_keys.list(object_keys.ACCOUNT_KEYS))
        return [each for each in found if each is not None and each[2] < self._master.generation]

    def wrap_anew(
        self, account_id: AccountId, key_id: KeyId, generation: int, is_named: Callable[[AccountId, KeyId], bool]
    ) -> bool:
        """Wraps a key of that generation in the newest, if a row still names it once that is done.

        `is_named` is asked under the account's lock: a withdrawal that came before it may have missed the new name,
        which is erased again then; one that comes after finds both.
        """
        newest = self._master.generation
        try:
            key, kind = self._unwrap_either(account_id, key_id, generation)
        except ObjectAbsent:
            return False  # destroyed meanwhile
        with suppress(ObjectExists):  # a rotation that was interrupted
            self._wrap(key, kind, newest)
        if not is_named(account_id, key_id):
            self._wrapped_keys.erase(object_keys.account_key(account_id, key_id, newest))
            return False
        self._wrapped_keys.erase(object_keys.account_key(account_id, key_id, generation))
        return True

    def _use(self, master: MasterKey) -> None:
        self._wrapping = [AESGCM(master.wrapping_key(number)) for number in range(master.generation + 1)]
        self._master = master

    def _wrap(self, key: AccountKey, kind: KeyKind, generation: int) -> None:
        object_key = object_keys.account_key(key.account_id, key.key_id, generation)
        nonce = os.urandom(NONCE_BYTES)
        wrapped = self._wrapping[generation].encrypt(nonce, key.secret, f"{object_key}|{kind}".encode())
        self._wrapped_keys.put(object_key, nonce + wrapped)

    def _unwrap_either(self, account_id: AccountId, key_id: KeyId, generation: int) -> tuple[AccountKey, KeyKind]:
        """Its name does not say which kind of key it is."""
        try:
            return self._unwrap(account_id, key_id, KeyKind.VOICE, generation), KeyKind.VOICE
        except SealBroken:
            return self._unwrap(account_id, key_id, KeyKind.IDENTITY, generation), KeyKind.IDENTITY

    def _unwrap(self, account_id: AccountId, key_id: KeyId, kind: KeyKind, generation: int) -> AccountKey:
        object_key = object_keys.account_key(account_id, key_id, generation)
        with self._wrapped_keys.open(object_key) as file:
            stored = file.read()
        associated = f"{object_key}|{kind}".encode()
        try:
            secret = self._wrapping[generation].decrypt(stored[:NONCE_BYTES], stored[NONCE_BYTES:], associated)
        except (InvalidTag, ValueError) as error:
            raise SealBroken from error
        return AccountKey(key_id, account_id, secret)
