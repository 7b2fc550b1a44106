"""Looks for what should not be: objects that no row names, rows whose object is gone, erasures left unfinished.

An object without a row is what a crash between the two, or a commit of unknown outcome, leaves. It may also be an
upload that is under way, so only an object older than `ORPHAN_AGE` by the store's own clock is erased. A row without
its object is a loss, and is reported, never mended in silence. What has no name of ours is reported and left alone.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby

import structlog

from corpus import head_copies, object_keys
from corpus.collaborators import Collaborators
from corpus.errors import ObjectAbsent
from corpus.object_store import ObjectInfo
from corpus.words import AccountId, KeyId
from ingest import queries
from ingest.erase import Erased, finish_erasures

ORPHAN_AGE = timedelta(hours=1)
_log = structlog.get_logger()

Voice = tuple[AccountId, KeyId]
_OURS = re.compile(rf"{object_keys.VOICES}([0-9a-f]{{32}})/([0-9a-f]{{32}})/.+", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Swept:
    """What a sweep found. In a dry run nothing was erased."""

    erased: Erased
    orphans: tuple[str, ...]
    """Objects that no row names, old enough to be erased."""
    young: int
    """Objects that no row names yet: uploads under way, or the next sweep's orphans."""
    missing: tuple[str, ...]
    """Objects that a row names and the store does not have: a loss."""
    foreign: tuple[str, ...]
    """Objects that lie where voices are kept and have no name of ours: left alone."""


def sweep(house: Collaborators, *, dry_run: bool = False) -> Swept:
    """Finishes erasures, erases orphans, reports losses. Raises `Transient` errors; then run it again."""
    if not dry_run:
        head_copies.complete(house)
    erased = Erased() if dry_run else finish_erasures(house)
    orphans: list[str] = []
    missing: list[str] = []
    foreign: list[str] = []
    seen: set[Voice] = set()
    young = 0
    for voice, objects in _voices_in_store(house):
        if voice is None:
            foreign += [info.key for info in objects]
            continue
        seen.add(voice)
        found, unnamed, lost = _compare(house, voice, objects)
        orphans += found
        young += unnamed
        missing += lost
    with house.database.reading() as session:
        unseen = queries.voices(session) - seen
    for voice in sorted(unseen):
        missing += _compare(house, voice, [])[2]
    for key in orphans if not dry_run else ():
        house.store.erase(key)
    for key in missing:
        _log.error("an object is missing", object_key=key)
    return Swept(erased, tuple(orphans), young, tuple(missing), tuple(foreign))


def _voices_in_store(house: Collaborators) -> Iterator[tuple[Voice | None, list[ObjectInfo]]]:
    """The objects of one voice key at a time, or of none: never the whole store's in memory."""
    listed = ((_voice_of(info.key), info) for info in house.store.list(object_keys.VOICES))
    for voice, group in groupby(listed, key=lambda pair: pair[0]):
        yield voice, [info for _, info in group]


def _voice_of(key: str) -> Voice | None:
    ours = _OURS.fullmatch(key)
    return (AccountId(ours[1]), KeyId(ours[2])) if ours else None


def _compare(house: Collaborators, voice: Voice, objects: Iterable[ObjectInfo]) -> tuple[list[str], int, list[str]]:
    """(orphans, young objects without a row, missing objects) of one voice."""
    with house.database.reading() as session:
        named = queries.object_keys_of(session, *voice)
    there = {info.key: info for info in objects}
    unnamed = [there[key] for key in sorted(there.keys() - named)]
    old = [info.key for info in unnamed if _is_old(info.modified_at, house.clock())]
    missing = [key for key in sorted(named - there.keys()) if _is_lost(house, voice, key)]
    return old, len(unnamed) - len(old), missing


def _is_old(modified_at: datetime | None, now: datetime) -> bool:
    return modified_at is not None and modified_at + ORPHAN_AGE <= now


def _is_lost(house: Collaborators, voice: Voice, key: str) -> bool:
    """Asked again, for the object may have come after the listing, and the row may have gone since."""
    try:
        house.store.head(key)
    except ObjectAbsent:
        with house.database.reading() as session:
            return key in queries.object_keys_of(session, *voice)
    return False
