"""The names of stored objects: the one module that builds and parses them.

    voices/<account>/<voice key>/utterances/<utterance>-<attempt>   what a device sent, sealed
    voices/<account>/<voice key>/clips/<clip>-<attempt>             canonical PCM, sealed
    releases/<name>/<version>/…                         open releases; what a re-cut makes anew lies in <version>/r2/…
    releases/<name>/state.json, tombstones.csv          how they stand; as it was: state/<serial>.json, tombstones/…
    ledger/heads/<size>.json                            signed heads of the ledger, copied outside the database
    ledger/keys/<key id>.json                           the public keys that signed them
    journal/<erasure>.json                              withdrawals and deletions, for a restored database
    certificates/<digest of its secret>.json            erasure certificates, for who has none of ours any more
    accounts/<account>/<key>                            wrapped account keys, in the key store; <key>.1 once the
                                                        wrapping key was rotated once, and so on

An attempt is random: two writers of one thing never meet in one name, and the loser erases its own.
The voice key stands in the name, so that an erasure lists exactly what was sealed under the key it destroyed: a person
who comes back has a new key, and a late erasure of the old one touches nothing new.
"""

import re

from corpus.errors import BadObjectKey
from corpus.words import AccountId, ClipId, KeyId, UtteranceId, new_id

VOICES = "voices/"
JOURNAL = "journal/"
CERTIFICATES = "certificates/"
ACCOUNT_KEYS = "accounts/"
STATE_JSON = "state.json"
TOMBSTONES_CSV = "tombstones.csv"
RESERVED = frozenset({"state", "tombstones", STATE_JSON, TOMBSTONES_CSV})
"""What lies beside the versions of a release, and so is the name of none."""
_REVISION = re.compile(r"r[0-9]+")
HEADS = "ledger/heads/"
PUBLIC_KEYS = "ledger/keys/"
_ACCOUNT_KEY = re.compile(rf"{ACCOUNT_KEYS}([0-9a-f]{{32}})/([0-9a-f]{{32}})(?:\.([1-9][0-9]{{0,5}}))?")
_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")


def head_copy(size: int) -> str:
    return f"{HEADS}{size:012d}.json"


def public_key(key_id: str) -> str:
    return f"{PUBLIC_KEYS}{key_id}.json"


def account_keys(account_id: AccountId) -> str:
    """All of an account's wrapped keys lie under this prefix of the key store."""
    return f"{ACCOUNT_KEYS}{account_id}/"


def account_key(account_id: AccountId, key_id: KeyId, generation: int = 0) -> str:
    """All names of one key begin with the name of its first generation, and no other key's does."""
    return f"{account_keys(account_id)}{key_id}{f'.{generation}' if generation else ''}"


def account_key_named(object_key: str) -> tuple[AccountId, KeyId, int] | None:
    """(account, key, generation) of a name in the key store; None for what is not ours."""
    ours = _ACCOUNT_KEY.fullmatch(object_key)
    return (AccountId(ours[1]), KeyId(ours[2]), int(ours[3] or 0)) if ours else None


def voice_prefix(account_id: AccountId, key_id: KeyId) -> str:
    """All that is sealed under one voice key lies under this prefix."""
    return f"{VOICES}{account_id}/{key_id}/"


def voices_of(account_id: AccountId) -> str:
    """All that was ever sealed under any voice key of an account lies under this prefix."""
    return f"{VOICES}{account_id}/"


def journal_key(erasure_id: str) -> str:
    return f"{JOURNAL}{erasure_id}.json"


def erasure_of(journal_key: str) -> str:
    """The erasure that a name in the journal tells of. Raises `BadObjectKey`."""
    named = re.fullmatch(rf"{JOURNAL}([0-9a-f]{{32}})\.json", journal_key)
    if named is None:
        raise BadObjectKey(journal_key)
    return named[1]


def certificate_key(capability_lookup: str) -> str:
    return f"{CERTIFICATES}{capability_lookup}.json"


def new_utterance_key(account_id: AccountId, key_id: KeyId, utterance_id: UtteranceId) -> str:
    return f"{voice_prefix(account_id, key_id)}utterances/{utterance_id}-{new_id()}"


def new_clip_key(account_id: AccountId, key_id: KeyId, clip_id: ClipId) -> str:
    return f"{voice_prefix(account_id, key_id)}clips/{clip_id}-{new_id()}"


def is_release_word(text: str) -> bool:
    """Whether a release may have this name or version: lower case letters, digits, dot, dash, underscore; ≤ 64."""
    return _NAME.fullmatch(text) is not None and ".." not in text


def is_release_version(text: str) -> bool:
    """Whether a version may be called so: a release word, and none that means something where versions lie."""
    return is_release_word(text) and text not in RESERVED and _REVISION.fullmatch(text) is None


def release_file(name: str, version: str, revision: int, path: str) -> str:
    """Where a file lies that a revision of a version made."""
    return f"{release_prefix(name, version)}{revision_folder(revision)}{path}"


def revision_folder(revision: int) -> str:
    """Below its version: the first revision has no folder of its own."""
    return "" if revision == 1 else f"r{revision}/"


def revision_of(path: str) -> int:
    """Which revision made what lies there, below its version."""
    folder, _, below = path.partition("/")
    return int(folder[1:]) if below and _REVISION.fullmatch(folder) else 1


def release_state(name: str, serial: int | None = None) -> str:
    """The signed state of a name: the newest under a name that stays, and each under its own."""
    return release_prefix(name) + (STATE_JSON if serial is None else f"state/{serial}.json")


def release_tombstones(name: str, serial: int | None = None) -> str:
    return release_prefix(name) + (TOMBSTONES_CSV if serial is None else f"tombstones/{serial}.csv")


def release_prefix(name: str, version: str | None = None) -> str:
    """Where a release lies, or one version of it. Raises `BadObjectKey` for a name that could leave its folder."""
    for word in (name, version or name):
        if not is_release_word(word):
            raise BadObjectKey(word)
    return f"releases/{name}/" if version is None else f"releases/{name}/{version}/"
