"""Removes what a withdrawal, a deletion or a closing left behind: keys, objects, releases and rows. Run it often.

It acts on what their commits wrote down (unfinished erasures, withdrawn release files), so a crash between the two
loses nothing: it runs at start-up, after each of them, each minute, and in `loanword sweep`. A slow upload or a worker
that began before may still store an object after the first look, though nobody can commit a row for it. So an erasure
counts as done only when a look that began `LATE_WRITERS` after it was asked for has found and erased the rest; then its
certificate is signed, and of a closed account the last row goes.
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog
from sqlalchemy.orm import Session

from corpus import object_keys
from corpus.collaborators import Collaborators
from corpus.erasure_queries import delete_recordings
from corpus.errors import LoanwordError, StoreError, Transient, UnknownAccount
from corpus.object_store import erase_below
from corpus.queries import lock_account
from corpus.withdrawn_releases import Emptied, Version, empty_withdrawn
from corpus.words import AccountId, ErasureKind
from ingest import queries
from ingest.erasures import begin, entries, orphans
from ingest.erasures import queries as erasures
from ingest.erasures.certificates import certify
from ingest.erasures.queries import Begun

LATE_WRITERS = timedelta(minutes=15)
_log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Erased:
    """What one run removed."""

    objects: int = 0
    utterances: int = 0
    finished: int = 0
    """Erasures that are done with; the others are looked at again."""

    def __add__(self, other: "Erased") -> "Erased":
        return Erased(self.objects + other.objects, self.utterances + other.utterances, self.finished + other.finished)


def finish_erasures(house: Collaborators, account_id: AccountId | None = None) -> Erased:
    """Carries every erasure (or one account's) as far as it can go now. Raises the first `StoreError` or `Transient`
    that it met, after everything else is done; then run it again.

    One account's are done while others wait for answers, so it looks at those versions alone which that account left.
    Keys first, all of them: what a key sealed is beyond reach once it is gone, however long the rest takes.
    """
    with house.database.reading() as session:
        unfinished = erasures.unfinished(session, account_id)
    trouble, erased = _Trouble(), Erased()
    for each in unfinished:
        with trouble.put_by(each):
            begin.destroy_keys(house, each)
            entries.write(house, [each])
    emptied = empty_withdrawn(house, None if account_id is None else _left(unfinished))
    erased += Erased(objects=emptied.objects)
    trouble.note(emptied.first_error)
    held_up = _held_up(unfinished, emptied)
    for each in unfinished:
        with trouble.put_by(each):
            erased += _carry_on(house, each, is_held_up=each.id in held_up)
    trouble.raise_first()
    return erased


def last_look_at(begun: Begun) -> datetime:
    """When no writer that began before the erasure can still be at work, and all that it left is old enough to tell."""
    if begun.kind is ErasureKind.PURPOSES:
        return begun.requested_at
    return begun.requested_at + LATE_WRITERS * (2 if begun.kind is ErasureKind.RECORDINGS else 1)


def try_to_finish_erasures(house: Collaborators, account_id: AccountId) -> None:
    """After a withdrawal was answered: what fails now is tried again each minute, by start-up and by the sweep."""
    try:
        finish_erasures(house, account_id)
    except (StoreError, Transient) as error:
        _log.warning("an erasure is unfinished", error=type(error).__name__)


class _Trouble:
    """Errors put by until the end, so that one object that cannot be erased holds up nobody else's erasure."""

    def __init__(self) -> None:
        self._errors: list[LoanwordError] = []

    @contextmanager
    def put_by(self, begun: Begun | None = None) -> Iterator[None]:
        try:
            yield
        except (StoreError, Transient) as error:
            self.note(error, begun)

    def note(self, error: LoanwordError | None, begun: Begun | None = None) -> None:
        if error is not None:
            _log.warning("an erasure is held up", erasure=begun and begun.id, error=type(error).__name__)
            self._errors.append(error)

    def raise_first(self) -> None:
        if self._errors:
            raise self._errors[0]


def _left(unfinished: Iterable[Begun]) -> set[Version]:
    """The versions, published or drafts, that held what these erasures take back."""
    named = (name for each in unfinished for name in (*each.counts.releases, *each.counts.drafts))
    return {(name, version) for name, _, version in (each.partition(" ") for each in named)}


def _held_up(unfinished: Iterable[Begun], emptied: Emptied) -> set[str]:
    """Erasures of whose recordings some may lie in a release still: none of them is over, nor is certified.

    All of a person's are, if one is: who withdrew from releases first and closes the account then has left them once.
    """
    lying = [each for each in unfinished if not emptied.refused.isdisjoint(_left([each]))]
    ids, people = {each.id for each in lying}, {each.account_id for each in lying if each.account_id}
    return ids | {each.id for each in unfinished if each.account_id in people}


def _carry_on(house: Collaborators, begun: Begun, *, is_held_up: bool) -> Erased:
    is_last_look = house.clock() >= last_look_at(begun)
    objects = _erase_objects(house, begun, is_last_look=is_last_look)
    if begun.erased_at is not None and not objects and not is_last_look:  # its rows are gone, and nobody can add one
        return Erased()
    try:
        with house.database.writing() as session:
            utterances = _delete_rows(session, house, begun, objects, is_held_up=is_held_up)
    except UnknownAccount:  # another process has just done the last of it
        return Erased(objects)
    return Erased(objects, utterances, int(is_last_look and not is_held_up and certify(house, begun.id)))


def _erase_objects(house: Collaborators, begun: Begun, *, is_last_look: bool) -> int:
    match begun.kind:
        case ErasureKind.VOICE if begun.account_id and begun.voice_key_id:
            return erase_below(house.store, object_keys.voice_prefix(begun.account_id, begun.voice_key_id))
        case ErasureKind.ACCOUNT if begun.account_id:
            return erase_below(house.store, object_keys.voices_of(begun.account_id))
        case ErasureKind.RECORDINGS:
            with house.database.reading() as session:
                doomed = erasures.doomed_objects(session, begun.id)
            house.store.erase_all(doomed)
            return len(doomed) + (_erase_strays(house, begun) if is_last_look else 0)
    return 0


def _erase_strays(house: Collaborators, begun: Begun) -> int:
    """What a late writer made of a deleted recording has a name of its own, and no row."""
    if begun.account_id is None or begun.voice_key_id is None:
        return 0
    voice = (begun.account_id, begun.voice_key_id)
    found = orphans.compare(house, voice, house.store.list(object_keys.voice_prefix(*voice)), LATE_WRITERS)
    house.store.erase_all(found.orphans)
    return len(found.orphans)


def _delete_rows(session: Session, house: Collaborators, begun: Begun, objects: int, *, is_held_up: bool) -> int:
    """Returns how many recordings still had rows. Raises `UnknownAccount`."""
    if begun.account_id is not None:
        lock_account(session, begun.account_id)
    current = erasures.locked(session, begun.id)
    if current is None:
        return 0
    recordings = rows = 0
    if begun.account_id is not None and begun.kind in (ErasureKind.VOICE, ErasureKind.ACCOUNT):
        which = queries.of_account(begun.account_id)
        if begun.kind is ErasureKind.VOICE:
            which = queries.of_voice(begun.account_id, begun.voice_key_id)
        recordings = queries.count_utterances(session, which)
        rows = delete_recordings(session, which)
    if begun.kind is ErasureKind.RECORDINGS:
        erasures.forget_doomed(session, begun.id)
    if recordings or rows or objects:
        counts = current.counts.plus(recordings=recordings, objects=objects, rows=rows)
        erasures.note(session, begun.id, counts=counts)
    if current.erased_at is None and not is_held_up:
        erasures.note(session, begun.id, erased_at=house.clock())
    return recordings
