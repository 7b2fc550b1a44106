"""The vault: objects sealed under an account's key, in a store that sees ciphertext only."""

from collections.abc import Sequence

from corpus.errors import ObjectCorrupt
from corpus.keys import SEAL_BYTES, AccountKey
from corpus.object_store import ObjectStore, PutsTogether


class Vault:
    """Seals on the way in and opens on the way out. The object's key and its account are bound to the bytes."""

    def __init__(self, store: ObjectStore) -> None:
        self._store = store

    def put(self, key: AccountKey, object_key: str, plaintext: bytes) -> None:
        """Durable when it returns. Raises `ObjectExists` rather than write over anything."""
        self._store.put(object_key, key.seal(plaintext, object_key))

    def put_each(self, puts: Sequence[tuple[AccountKey, str, bytes]]) -> list[Exception | None]:
        """`put`, of several key, object key and plaintext: for each its error, or None."""
        sealed = ((object_key, key.seal(plaintext, object_key)) for key, object_key, plaintext in puts)
        if isinstance(self._store, PutsTogether):
            return [each if isinstance(each, Exception) else None for each in self._store.put_each(list(sealed))]
        return [self._put_sealed(object_key, content) for object_key, content in sealed]

    def get(self, key: AccountKey, object_key: str) -> bytes:
        """Raises `ObjectAbsent`, or `SealBroken` where the bytes are not the ones that were put there."""
        with self._store.open(object_key) as file:
            return key.open(file.read(), object_key)

    def get_into(self, room: memoryview, key: AccountKey, object_key: str) -> None:
        """`get` to a place of its own size, without a copy. Raises `ObjectCorrupt` too, where it is of another."""
        with self._store.open(object_key) as file:
            sealed = file.read()
        if len(sealed) != len(room) + SEAL_BYTES:
            raise ObjectCorrupt(object_key)
        key.open_into(room, sealed, object_key)

    def _put_sealed(self, object_key: str, sealed: bytes) -> Exception | None:
        try:
            self._store.put(object_key, sealed)
        except Exception as error:  # its own: the others go on
            return error
        return None

    def erase(self, object_key: str) -> None:
        """Done twice is done once."""
        self._store.erase(object_key)
