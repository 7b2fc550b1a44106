"""Removes what a withdrawal left behind: key, objects, releases and rows. Run it as often as you like.

It acts on what `withdraw` committed (unfinished erasures, revoked releases), so a crash between the two loses nothing:
it runs at start-up before the port opens, after each withdrawal, and in `loanword sweep`. A slow upload or a worker
that began before the withdrawal may still store an object after the first look, though nobody can commit a row for it
or open it. So an erasure counts as done only when a look that began `LATE_WRITERS` after it was asked for has found and
erased the rest.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta

import structlog

from corpus import object_keys
from corpus.collaborators import Collaborators
from corpus.erasure_queries import delete_recordings
from corpus.errors import LoanwordError, StoreError, Transient
from corpus.object_store import erase_below
from corpus.queries import lock_account
from corpus.words import AccountId
from ingest import queries
from ingest.queries import UnfinishedErasure

LATE_WRITERS = timedelta(minutes=15)
_log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Erased:
    """What one run removed."""

    objects: int = 0
    utterances: int = 0
    finished: int = 0
    """Erasures that are done with; the others are looked at again."""


def finish_erasures(house: Collaborators, account_id: AccountId | None = None) -> Erased:
    """Carries every erasure (or one account's) as far as it can go now. Raises the first `StoreError` or `Transient`
    that it met, after everything else is done; then run it again.

    Keys first, all of them: what a key sealed is beyond reach once it is gone, however long the rest takes.
    """
    with house.database.reading() as session:
        unfinished = queries.unfinished_erasures(session, account_id)
        revoked = queries.revoked_releases(session)
    trouble = _Trouble()
    for erasure in unfinished:
        with trouble.put_by():
            house.keyring.destroy(erasure.account_id, erasure.voice_key_id)
    objects = utterances = finished = 0
    for name, version in revoked:  # served no more, so its bytes have no reason to stay; gone, it costs one listing
        with trouble.put_by():
            objects += erase_below(house.store, object_keys.release_prefix(name, version))
    for erasure in unfinished:
        began_late_enough = house.clock() >= erasure.requested_at + LATE_WRITERS
        with trouble.put_by():
            objects += erase_below(house.store, object_keys.voice_prefix(erasure.account_id, erasure.voice_key_id))
            utterances += _delete_rows(house, erasure, done=began_late_enough)
            finished += began_late_enough
    trouble.raise_first()
    return Erased(objects, utterances, finished)


class _Trouble:
    """Errors put by until the end, so that one object that cannot be erased holds up nobody else's erasure."""

    def __init__(self) -> None:
        self._errors: list[LoanwordError] = []

    @contextmanager
    def put_by(self) -> Iterator[None]:
        try:
            yield
        except (StoreError, Transient) as error:
            self._errors.append(error)

    def raise_first(self) -> None:
        if self._errors:
            raise self._errors[0]


def try_to_finish_erasures(house: Collaborators, account_id: AccountId) -> None:
    """After a withdrawal was answered: what fails now is tried again by start-up and sweep."""
    try:
        finish_erasures(house, account_id)
    except (StoreError, Transient) as error:
        _log.warning("an erasure is unfinished", account_id=account_id, error=type(error).__name__)


def _delete_rows(house: Collaborators, erasure: UnfinishedErasure, *, done: bool) -> int:
    with house.database.writing() as session:
        lock_account(session, erasure.account_id)
        which = queries.of_voice(erasure.account_id, erasure.voice_key_id)
        utterances = queries.count_utterances(session, which)
        delete_recordings(session, which)
        if done:
            queries.finish_erasure(session, erasure.id, house.clock())
    return utterances
