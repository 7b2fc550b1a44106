"""Compares what lies in the store under one voice key with what rows name of it."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from corpus import object_keys
from corpus.collaborators import Collaborators
from corpus.errors import ObjectAbsent
from corpus.object_store import ObjectInfo
from corpus.words import AccountId, KeyId
from ingest import queries

Voice = tuple[AccountId, KeyId]
_OURS = re.compile(rf"{object_keys.VOICES}([0-9a-f]{{32}})/([0-9a-f]{{32}})/.+", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Compared:
    """What one voice has too much, and what it lacks."""

    orphans: list[str]
    """Objects that no row names, old enough to be nobody's upload under way."""
    young: int
    missing: list[str]
    """Objects that a row names and the store does not have."""


def voice_of(key: str) -> Voice | None:
    ours = _OURS.fullmatch(key)
    return (AccountId(ours[1]), KeyId(ours[2])) if ours else None


def compare(house: Collaborators, voice: Voice, objects: Iterable[ObjectInfo], age: timedelta) -> Compared:
    """`objects` are all that the store has of the voice."""
    with house.database.reading() as session:
        named = queries.object_keys_of(session, *voice)
    there = {info.key: info for info in objects}
    unnamed = [there[key] for key in sorted(there.keys() - named)]
    old = [info.key for info in unnamed if is_old(info.modified_at, house.clock(), age)]
    missing = [key for key in sorted(named - there.keys()) if _is_lost(house, voice, key)]
    return Compared(old, len(unnamed) - len(old), missing)


def is_old(modified_at: datetime | None, now: datetime, age: timedelta) -> bool:
    return modified_at is not None and modified_at + age <= now


def _is_lost(house: Collaborators, voice: Voice, key: str) -> bool:
    """Asked again, for the object may have come after the listing, and the row may have gone since."""
    try:
        house.store.head(key)
    except ObjectAbsent:
        with house.database.reading() as session:
            return key in queries.object_keys_of(session, *voice)
    return False
