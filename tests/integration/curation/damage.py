"""What becomes of sealed recordings: damaged, lost, given another sound; and a key that goes at the wrong moment."""

from pathlib import Path

from corpus import object_keys
from corpus.collaborators import Collaborators
from corpus.keys import AccountKey, KeyKind, Keyring
from corpus.object_store import DirectoryStore
from corpus.tables import Clip, Utterance
from corpus.words import AccountId, ClipId, KeyId
from curation.duplicate_queries import forget_sound
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


def resound(house: Collaborators, clip_id: ClipId, pcm: bytes) -> None:
    """Puts another sound in the clip's place, as a redaction does."""
    old = _object_key(house, clip_id)
    with house.database.writing() as session:
        clip = session.get_one(Clip, clip_id)
        utterance = session.get_one(Utterance, clip.utterance_id)
        key = house.keyring.unwrap(utterance.account_id, utterance.voice_key_id, KeyKind.VOICE)
        clip.object_key = object_keys.new_clip_key(key.account_id, key.key_id, clip_id)
        clip.pcm_digest = house.master.digest("pcm", pcm)
        house.vault.put(key, clip.object_key, pcm)
        forget_sound(session, clip_id)
    house.store.erase(old)


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
