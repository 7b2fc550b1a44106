"""Looks for what should not be: objects that no row names, rows whose object is gone, erasures left unfinished.

An object without a row is what a crash between the two, or a commit of unknown outcome, leaves. It may also be an
upload that is under way, so only an object older than `ORPHAN_AGE` by the store's own clock is erased. A row without
its object is a loss, and is reported, never mended in silence. What has no name of ours is reported and left alone.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import groupby

import structlog

from corpus import object_keys
from corpus.collaborators import Collaborators
from corpus.errors import Transient
from corpus.object_store import ObjectInfo
from ingest import queries
from ingest.erase import Erased, finish_erasures
from ingest.erasures import queries as erasures
from ingest.erasures.orphans import Voice, compare, is_old, voice_of
from ingest.erasures.retention import Expired, keep_clocks

ORPHAN_AGE = timedelta(hours=1)
REWRITTEN_FOR = timedelta(days=3)
"""After an erasure, by each sweep: one of them may fail."""

_log = structlog.get_logger()


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
    expired: Expired = field(default_factory=Expired)
    """What reached its retention clock."""
    keys: int = 0
    """Wrapped keys that no row names, old enough to be nobody's who is just opting in."""


def sweep(house: Collaborators, *, dry_run: bool = False) -> Swept:
    """Keeps the clocks, finishes erasures, erases orphans, reports losses. Raises `Transient` errors; run it again."""
    erased, expired = Erased(), Expired()
    if not dry_run:
        expired = keep_clocks(house)
        erased = finish_erasures(house)
        house.database.empty_log()
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
        compared = compare(house, voice, objects, ORPHAN_AGE)
        orphans += compared.orphans
        young += compared.young
        missing += compared.missing
    with house.database.reading() as session:
        unseen = queries.voices(session) - seen
    for voice in sorted(unseen):
        missing += compare(house, voice, [], ORPHAN_AGE).missing
    keys = _keys_of_nobody(house)
    if not dry_run:
        house.store.erase_all(orphans)
        for key in keys:
            house.keyring.erase_stored(key)
        _rewrite_where_erased(house)
    for key in missing:  # the name of whose it was stays out of the log
        _log.error("an object is missing", object=key.rpartition("/")[2])
    return Swept(erased, tuple(orphans), young, tuple(missing), tuple(foreign), expired, len(keys))


def _rewrite_where_erased(house: Collaborators) -> None:
    """Whatever hinders it, all else is swept, and the next sweep tries again."""
    with house.database.reading() as session:
        if not erasures.any_done_since(session, house.clock() - REWRITTEN_FOR):
            return
    try:
        house.database.rewrite()
    except Transient as error:
        _log.warning("the database could not be written anew", error=type(error).__name__)


def _voices_in_store(house: Collaborators) -> Iterator[tuple[Voice | None, list[ObjectInfo]]]:
    """The objects of one voice key at a time, or of none: never the whole store's in memory."""
    listed = ((voice_of(info.key), info) for info in house.store.list(object_keys.VOICES))
    for voice, group in groupby(listed, key=lambda pair: pair[0]):
        yield voice, [info for _, info in group]


def _keys_of_nobody(house: Collaborators) -> list[str]:
    """Listed first: a key is made before its row."""
    stored = [info.key for info in house.keyring.stored() if is_old(info.modified_at, house.clock(), ORPHAN_AGE)]
    if not stored:
        return []
    with house.database.reading() as session:
        named = queries.named_keys(session)
    ours = ((key, object_keys.account_key_named(key)) for key in stored)
    return sorted(key for key, found in ours if found is not None and found[:2] not in named)
