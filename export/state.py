"""Keeps the signed state of each name fresh, serves it, and copies it beside the releases in the object store.

A serial never goes back. A database that was restored may have forgotten some: `settle` compares it with the copies in
the store, and goes on above both.
"""

import json
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256

from corpus import object_keys, release_queries
from corpus.collaborators import Collaborators
from corpus.errors import ObjectAbsent, ObjectExists, UnknownRelease
from corpus.release_queries import lock_name
from corpus.release_state import format_tombstones


@dataclass(frozen=True, slots=True)
class State:
    """The signed state.json of a name."""

    serial: int
    document: str


def current_state(house: Collaborators, name: str) -> State:
    """The state as it is now, signed anew where it runs out soon. Raises `UnknownRelease`."""
    if not object_keys.is_release_word(name):
        raise UnknownRelease
    with house.database.reading() as session:
        row = release_queries.state_row(session, name)
        if row is not None and not _runs_out_soon(house, row.document):
            return State(row.serial, row.document)
        if row is None and not release_queries.was_published(session, name):
            raise UnknownRelease
    with house.database.writing() as session:
        lock_name(session, name)
        row = release_queries.state_row(session, name)
        if row is None or _runs_out_soon(house, row.document):
            row = release_queries.renew_state(
                session, house.signer, name, house.clock(), house.settings.release_state_lasts
            )
        return State(row.serial, row.document)


def tombstones_csv(house: Collaborators, name: str) -> str:
    """As the newest state counts them. Raises `UnknownRelease`."""
    current_state(house, name)
    with house.database.reading() as session:
        return format_tombstones(release_queries.tombstones(session, name))


def refresh_states(house: Collaborators) -> None:
    """Signs anew what runs out soon, and copies into the store what has changed since. Run it as often as you like."""
    with house.database.reading() as session:
        names = release_queries.published_names(session)
    for name in names:
        current_state(house, name)
        _copy(house, name)


def settle_serials(house: Collaborators) -> None:
    """At start-up: goes on above the newest serial that the store has seen, if the database knows less, or another."""
    with house.database.reading() as session:
        names = release_queries.published_names(session)
    for name in names:
        held = current_state(house, name)
        seen = max(serials(house, name), default=0)
        if seen > held.serial or (
            seen == held.serial and content(house, object_keys.release_state(name, seen)) != held.document
        ):
            with house.database.writing() as session:
                lock_name(session, name)
                release_queries.renew_state(
                    session, house.signer, name, house.clock(), house.settings.release_state_lasts, above=seen
                )
    refresh_states(house)


def _runs_out_soon(house: Collaborators, document: str) -> bool:
    if not document:
        return True
    expires_at = datetime.fromisoformat(json.loads(document)["expires_at"])
    return expires_at - house.clock() < house.settings.release_state_lasts / 2


def _copy(house: Collaborators, name: str) -> None:
    """Each state stays under its serial. Whoever holds the newest rewrites the names that everyone knows.

    Nothing keeps two processes apart here, and the slower may leave an older state: so what lies there is looked at
    each time, and what is not the newest is replaced by the next run.
    """
    with house.database.reading() as session:
        row = release_queries.state_row(session, name)
    if row is None or (row.copied_serial >= row.serial and _is_copied(house, name, row.document)):
        return
    serial, document = row.serial, row.document
    with house.database.reading() as session:
        tombstones = format_tombstones(release_queries.tombstones(session, name))
    if _digest_in(document) != digest_of(tombstones):  # changed between two looks: the next run has both
        return
    for key, text in (
        (object_keys.release_tombstones(name, serial), tombstones),
        (object_keys.release_state(name, serial), document),
    ):
        try:
            house.store.put(key, text.encode())
        except ObjectExists:
            continue
    known = ((object_keys.release_tombstones(name), tombstones), (object_keys.release_state(name), document))
    for key, text in known:
        house.store.erase(key)
        try:
            house.store.put(key, text.encode())
        except ObjectExists:  # another process was quicker, with this one or a newer
            continue
    if all(content(house, key) == text for key, text in known):
        with house.database.writing() as session:
            release_queries.copied(session, name, serial)


def _is_copied(house: Collaborators, name: str, document: str) -> bool:
    """Tombstones are only ever added: their size tells which they are, without reading them each minute."""
    try:
        size_bytes = house.store.head(object_keys.release_tombstones(name)).size_bytes
    except ObjectAbsent:
        return False
    is_newest = size_bytes == json.loads(document)["tombstones"]["size_bytes"]
    return is_newest and content(house, object_keys.release_state(name)) == document


def serials(house: Collaborators, name: str) -> list[int]:
    """Of every state that the store has of a name."""
    prefix = object_keys.release_prefix(name) + "state/"
    names = [info.key.removeprefix(prefix).removesuffix(".json") for info in house.store.list(prefix)]
    return [int(each) for each in names if each.isdecimal()]


def content(house: Collaborators, key: str) -> str | None:
    """What lies there, or None."""
    try:
        with house.store.open(key) as file:
            return file.read().decode()
    except ObjectAbsent:
        return None


def _digest_in(document: str) -> str:
    return str(json.loads(document)["tombstones"]["sha256"])


def digest_of(text: str) -> str:
    return sha256(text.encode()).hexdigest()
