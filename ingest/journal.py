"""Replays the journal: what a restored database has forgotten of withdrawals and deletions happens again.

An entry is known where the database has its erasure, which was committed with it: a person who came back since is not
withdrawn once more. All others are carried out as they were asked for, under the same id, so that a second replay finds
them known. It runs before the port opens, and after a restore; what it cannot read keeps the port shut.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import structlog
from sqlalchemy.orm import Session

from corpus.collaborators import Collaborators
from corpus.queries import lock_account
from corpus.words import AccountId, ConsentActor, ConsentMethod, ErasureKind
from ingest import close_account, delete_recordings, withdraw
from ingest.erasures import entries, queries
from ingest.erasures.begin import capability, lookup_of
from ingest.erasures.entries import Entry
from ingest.erasures.queries import Begun
from ingest.erasures.record import Counts, Reason

_log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Replayed:
    """What a replay did."""

    again: int = 0
    """Erasures that happened again."""


def replay(house: Collaborators) -> Replayed:
    """Raises `JournalUnreadable` or a `StoreError`: then nothing may be served."""
    listed = entries.ids(house)
    with house.database.reading() as session:
        unknown = listed - queries.known(session, listed)
        unjournaled = queries.unjournaled(session)
    entries.write(house, unjournaled)
    waiting = sorted((entries.read(house, each) for each in unknown), key=lambda entry: (entry.at, entry.id))
    people = _people(house) if waiting else {}
    again = sum(_happens_again(house, entry, people.get(entry.account)) for entry in waiting)
    if waiting:
        _log.warning("a restored database: withdrawals and deletions happened again", erasures=again)
    return Replayed(again)


def _people(house: Collaborators) -> Mapping[str, AccountId]:
    with house.database.reading() as session:
        return {entries.account_digest(house, each): each for each in queries.account_ids(session)}


def _happens_again(house: Collaborators, entry: Entry, account_id: AccountId | None) -> bool:
    with house.database.writing() as session:
        if queries.known(session, [entry.id]):  # another process was quicker
            return False
        begun = _as_begun(house, entry, account_id)
        if account_id is None:
            queries.add(session, begun, lookup_of(capability(house, entry.id)))
            return False
        _carry_out(session, house, entry, begun, account_id)
        return True


def _carry_out(session: Session, house: Collaborators, entry: Entry, begun: Begun, account_id: AccountId) -> None:
    method, actor = ConsentMethod.OPERATOR, ConsentActor.OPERATOR
    match entry.kind:
        case ErasureKind.VOICE | ErasureKind.PURPOSES:
            withdraw.close_gate(session, house, account_id, entry.purposes, method, actor, replayed=begun)
        case ErasureKind.RECORDINGS:
            key_id = lock_account(session, account_id).voice_key_id
            own = queries.recordings_of(session, account_id)
            gone = [each for each in own if entries.recording_digest(house, each) in entry.recordings]
            delete_recordings.remove(
                session,
                house,
                account_id,
                gone,
                Reason.DELETED,
                key_id or entry.voice_key_id,
                everything=len(gone) == len(own),
                replayed=begun,
            )
        case ErasureKind.ACCOUNT:
            close_account.close_gate(session, house, account_id, method, actor, replayed=begun)


def _as_begun(house: Collaborators, entry: Entry, account_id: AccountId | None) -> Begun:
    """Of nobody that we know it is done: what its objects were, the sweep finds that no row names."""
    now = house.clock()
    return Begun(
        id=entry.id,
        kind=entry.kind,
        account_id=account_id,
        voice_key_id=entry.voice_key_id if account_id else None,
        requested_at=entry.at,
        stop_took_ms=None,
        erased_at=None,
        done_at=None if account_id else now,
        entry_id=None,
        journaled_at=now,
        counts=Counts(purposes=tuple(sorted(entry.purposes))),
    )
