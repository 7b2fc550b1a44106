"""Reads how the versions of a release stand: the signed `state.json`, and `tombstones.csv`, whose digest it holds."""

import csv
import hashlib
import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from corpus.errors import BadRelease
from export.client import contents as layout
from export.client import proofs
from export.client.contents import is_clip_name, is_sha256, is_word
from export.client.proofs import Keys

LARGEST_STATE_BYTES = 16_000_000
LARGEST_TOMBSTONES_BYTES = 1_000_000_000
COLUMNS = ["version", "revision", "wav_filename", "wav_sha256", "date", "reason"]


@dataclass(frozen=True, slots=True)
class VersionState:
    """How one version stands. While it awaits its re-cut, its files are not served."""

    version: str
    state: str
    revision: int
    manifest_sha256: str
    awaits_recut: bool


@dataclass(frozen=True, slots=True)
class State:
    """A name's state, whose signature was checked. `keys` are all that sign or signed in the operator's name."""

    name: str
    serial: int
    expires_at: datetime
    versions: Mapping[str, VersionState]
    keys: Keys
    signed_by: bytes
    tombstones_sha256: str
    tombstones: int

    @property
    def current(self) -> VersionState | None:
        return next((each for each in self.versions.values() if each.state == "current"), None)


@dataclass(frozen=True, slots=True)
class Tombstone:
    """A clip that was withdrawn. `revision` is the last one that held it."""

    version: str
    revision: int
    wav_filename: str
    wav_sha256: str


def read_state(raw: bytes, pinned: bytes | None) -> State:
    """Raises `BadRelease`, and `UntrustedKey` where it is signed by a key that the pinned one has not endorsed.

    Where none is pinned yet, the key that signed it is taken at its word.
    """
    told, signature = proofs.take_apart(raw, proofs.STATE)
    try:
        listed = [(each["public_key"], each["endorsement"]) for each in told["keys"]]
        keys = {proofs.key_id(key): key for key in (proofs.parse_key(public_key) for public_key, _ in listed)}
        trusted = keys if pinned is None else proofs.with_endorsed({proofs.key_id(pinned): pinned}, listed)
        proofs.read_signed(raw, proofs.STATE, trusted)
        versions = {each["version"]: VersionState(**each) for each in told["versions"]}
        state = State(
            name=told["name"],
            serial=told["serial"],
            expires_at=datetime.fromisoformat(told["expires_at"]),
            versions=versions,
            keys=keys,
            signed_by=trusted[signature["key_id"]],
            tombstones_sha256=told["tombstones"]["sha256"],
            tombstones=told["tombstones"]["count"],
        )
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise BadRelease(f"cannot be understood: {type(error).__name__} {error}") from error
    if not is_word(state.name) or type(state.serial) is not int or state.expires_at.tzinfo is None:
        raise BadRelease("has a name, a serial or an end that cannot be one")
    if not all(_is_version(each) for each in versions.values()):
        raise BadRelease("tells of a version that cannot be one")
    return state


def _is_version(told: VersionState) -> bool:
    return (
        is_word(told.version)
        and told.state in ("current", "superseded", "revoked")
        and type(told.revision) is int
        and is_sha256(told.manifest_sha256)
        and isinstance(told.awaits_recut, bool)
    )


def read_tombstones(raw: bytes, state: State) -> list[Tombstone]:
    """Raises `BadRelease` where they are not those that the state counts."""
    if hashlib.sha256(raw).hexdigest() != state.tombstones_sha256:
        raise BadRelease(f"is not the one that {layout.STATE} names")
    try:
        header, *rows = csv.reader(io.StringIO(raw.decode(), newline=""), strict=True)
        stones = [Tombstone(version, int(revision), name, digest) for version, revision, name, digest, _, _ in rows]
    except (ValueError, csv.Error) as error:
        raise BadRelease(f"cannot be read: {error}") from error
    sound = header == COLUMNS and len(stones) == state.tombstones
    if not sound or not all(is_clip_name(each.wav_filename) for each in stones):
        raise BadRelease("has columns, rows or names that cannot be right")
    return stones


def of_release(stones: Sequence[Tombstone], version: str, revision: int) -> dict[str, str]:
    """SHA-256 by name of the clips that this revision of a version held, and that are withdrawn."""
    return {
        each.wav_filename: each.wav_sha256 for each in stones if each.version == version and each.revision >= revision
    }


def peek_serial(raw: bytes) -> int:
    """The serial that a state claims, unchecked; 0 where it cannot be read."""
    try:
        serial = json.loads(raw)["serial"]
    except (ValueError, KeyError, TypeError):
        return 0
    return serial if type(serial) is int else 0
