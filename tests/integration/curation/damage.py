"""What becomes of sealed recordings: one is damaged, one is lost, and a key goes at the wrong moment."""

from pathlib import Path

from corpus.collaborators import Collaborators
from corpus.keys import AccountKey, KeyKind, Keyring
from corpus.object_store import DirectoryStore
from corpus.tables import Clip
from corpus.words import AccountId, ClipId, KeyId
from tests.factories import withdraw_consent


def damage(house: Collaborators, clip_id: ClipId) -> None:
    """Its object is there, and its bytes are not the ones that were sealed."""
    object_key = _object_key(house, clip_id)
    with house.store.open(object_key) as file:
        sealed = file.read()
    house.store.erase(object_key)
    house.store.put(object_key, sealed[:-1] + bytes([sealed[-1] ^ 1]))


def lose(house: Collaborators, clip_id: ClipId) -> None:
    """A row names its object, and the store has none."""
    house.store.erase(_object_key(house, clip_id))


def keys_that_go(house: Collaborators, account_id: AccountId) -> Keyring:
    """A keyring before which the account's withdrawal always comes first."""

    class Going(Keyring):
        def unwrap(self, account_id_: AccountId, key_id: KeyId, kind: KeyKind) -> AccountKey:
            if account_id_ == account_id and kind is KeyKind.VOICE:
                withdraw_consent(house, account_id)
                self.destroy(account_id, key_id)
            return super().unwrap(account_id_, key_id, kind)

    return Going(house.master, DirectoryStore(Path(house.settings.resolved_key_store())))


def _object_key(house: Collaborators, clip_id: ClipId) -> str:
    with house.database.reading() as session:
        object_key = session.get_one(Clip, clip_id).object_key
    assert object_key is not None
    return object_key
