"""Tells a database that was restored what the world has seen of its releases since: the signed states in the store.

The journal knows what people took back. What was published, revoked or cut anew since stands in the newest signed state
of each name, and its tombstones beside it. Tombstones come back as they were told: nobody's copy may find one missing.
A version that was revoked stays revoked. A version without a row can be kept for nobody, since whoever leaves could not
be erased from it: it is revoked too, and its files go. On a database that is up to date it changes nothing.
"""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import structlog

from corpus import ledger_queries, object_keys, release_queries, signing
from corpus.collaborators import Collaborators
from corpus.errors import BadSignature
from corpus.object_store import erase_below
from corpus.release_queries import lock_name
from corpus.release_state import STATE, TombstoneLine, parse_tombstones
from export import queries
from export.state import content, digest_of, serials

RELEASES = "releases/"
_log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class _Seen:
    """What the world has seen last of a name."""

    serial: int
    versions: list[Mapping[str, Any]]
    tombstones: list[TombstoneLine]


def recall_releases(house: Collaborators) -> None:
    """Before the journal is replayed, so that a tombstone keeps the day that it was told with; signs what has changed.

    Raises `BadSignature` where a stored state is not ours, or a `StoreError`.
    """
    stored = _versions_in_store(house)
    with house.database.reading() as session:
        if not queries.knows_anybody(session):  # a new one, or the wrong one: nobody can leave it
            return
    for name, versions in sorted(stored.items()):
        seen = _last_seen(house, name)
        if seen is not None:
            _recall(house, name, seen)
        with house.database.reading() as session:
            known = {facts.version for facts in queries.releases(session, name)}
        for version in sorted(versions - known):
            _log.warning("a version of which nothing is known is erased", release=name, version=version)
            erase_below(house.store, object_keys.release_prefix(name, version))


def _versions_in_store(house: Collaborators) -> Mapping[str, set[str]]:
    """Listed before the rows are read: a row is there before its first file."""
    found = defaultdict[str, set[str]](set)
    for info in house.store.list(RELEASES):
        name, _, below = info.key.removeprefix(RELEASES).partition("/")
        version, _, _ = below.partition("/")
        if object_keys.is_release_word(name):
            found[name] |= {version} if object_keys.is_release_version(version) else set()
    return found


def _last_seen(house: Collaborators, name: str) -> _Seen | None:
    serial = max(serials(house, name), default=0)
    document = content(house, object_keys.release_state(name, serial)) if serial else None
    with house.database.reading() as session:
        row = release_queries.state_row(session, name)
        keys = {**ledger_queries.public_keys(session), house.signer.key_id: house.signer.public_key}
    if document is None or (row is not None and row.document == document):
        return None
    told = signing.verify(document, STATE, keys)
    tombstones = content(house, object_keys.release_tombstones(name, serial)) or ""
    if told["name"] != name or digest_of(tombstones) != told["tombstones"]["sha256"]:
        raise BadSignature(f"The stored state {serial} of {name} and its tombstones are not of one another.")
    return _Seen(serial, told["versions"], parse_tombstones(tombstones))


def _recall(house: Collaborators, name: str, seen: _Seen) -> None:
    now = house.clock()
    with house.database.writing() as session:
        lock_name(session, name)
        known = set(release_queries.tombstones(session, name))
        lost = [line for line in seen.tombstones if line not in known]
        queries.put_tombstones(session, name, lost, seen.serial)
        changed = [queries.recall_version(session, name, told, now) for told in seen.versions]
        if lost or any(changed):
            _log.warning("a restored database: releases stand again as the world saw them", release=name)
            lasts = house.settings.release_state_lasts
            release_queries.renew_state(session, house.signer, name, now, lasts, above=seen.serial)
