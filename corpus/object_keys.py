"""The names of stored objects: the one module that builds and parses them.

    voices/<account>/<voice key>/utterances/<utterance>-<attempt>   what a device sent, sealed
    voices/<account>/<voice key>/clips/<clip>-<attempt>             canonical PCM, sealed
    releases/<name>/…                                   open releases
    accounts/<account>/<key>                            wrapped account keys, in the key store

An attempt is random: two writers of one thing never meet in one name, and the loser erases its own.
The voice key stands in the name, so that an erasure lists exactly what was sealed under the key it destroyed: a person
who comes back has a new key, and a late erasure of the old one touches nothing new.
"""

import re

from corpus.errors import BadObjectKey
from corpus.words import AccountId, ClipId, KeyId, UtteranceId, new_id

VOICES = "voices/"
_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")


def account_key(account_id: AccountId, key_id: KeyId) -> str:
    return f"accounts/{account_id}/{key_id}"


def voice_prefix(account_id: AccountId, key_id: KeyId) -> str:
    """All that is sealed under one voice key lies under this prefix."""
    return f"{VOICES}{account_id}/{key_id}/"


def new_utterance_key(account_id: AccountId, key_id: KeyId, utterance_id: UtteranceId) -> str:
    return f"{voice_prefix(account_id, key_id)}utterances/{utterance_id}-{new_id()}"


def new_clip_key(account_id: AccountId, key_id: KeyId, clip_id: ClipId) -> str:
    return f"{voice_prefix(account_id, key_id)}clips/{clip_id}-{new_id()}"


def is_release_word(text: str) -> bool:
    """Whether a release may have this name or version: lower case letters, digits, dot, dash, underscore; ≤ 64."""
    return _NAME.fullmatch(text) is not None and ".." not in text


def release_prefix(name: str, version: str | None = None) -> str:
    """Where a release lies, or one version of it. Raises `BadObjectKey` for a name that could leave its folder."""
    for word in (name, version or name):
        if not is_release_word(word):
            raise BadObjectKey(word)
    return f"releases/{name}/" if version is None else f"releases/{name}/{version}/"
