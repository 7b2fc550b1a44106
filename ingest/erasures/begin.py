"""The first half of every erasure: what its own commit writes down, and what is done before anybody is answered."""

import hashlib
import time
from collections.abc import Iterable
from dataclasses import replace

from sqlalchemy import Select
from sqlalchemy.orm import Session

from corpus import queries as consent
from corpus.collaborators import Collaborators
from corpus.head_copies import try_to_copy_heads
from corpus.release_queries import entomb
from corpus.words import AccountId, ClipId, ErasureKind, KeyId, Purpose, TombstoneReason, new_id
from ingest.erasures import entries, queries
from ingest.erasures.queries import Begun
from ingest.erasures.record import Counts, Reason


class Stopwatch:
    """From the request on, by a clock that nobody sets."""

    def __init__(self) -> None:
        self._began_s = time.monotonic()

    def took_ms(self) -> int:
        return round(1000 * (time.monotonic() - self._began_s))


def capability(house: Collaborators, erasure_id: str) -> str:
    """The secret in the address of an erasure's certificate: told to its owner again and again, and kept nowhere."""
    return house.master.digest("certificate", erasure_id.encode())


def lookup_of(secret: str) -> str:
    """By which a row and an object are found. The secret cannot be found from it."""
    return hashlib.sha256(secret.encode()).hexdigest()


def begin(
    session: Session,
    house: Collaborators,
    account_id: AccountId | None,
    kind: ErasureKind,
    reason: Reason,
    *,
    clips: Select[ClipId] | None = None,
    voice_key_id: KeyId | None = None,
    purposes: Iterable[Purpose] = (),
    erasure_id: str | None = None,
) -> Begun:
    """Takes the clips out of every release, and writes the erasure down. The caller holds the account's lock.

    With an `erasure_id` it is one that the journal has already.
    """
    now = house.clock()
    counts = Counts(reason=reason, purposes=tuple(sorted(purpose.value for purpose in purposes)))
    if clips is not None:
        counts = _entombed(session, house, counts, clips)
    is_journaled = erasure_id is not None or reason is Reason.RETENTION  # what a clock does, it does again
    begun = Begun(
        id=erasure_id or new_id(),
        kind=kind,
        account_id=account_id,
        voice_key_id=voice_key_id,
        requested_at=now,
        stop_took_ms=None,
        erased_at=None,
        done_at=None,
        entry_id=None,
        journaled_at=now if is_journaled else None,
        counts=counts,
    )
    queries.add(session, begun, lookup_of(capability(house, begun.id)))
    return begun


def note_events(session: Session, begun: Begun, event_ids: list[int]) -> None:
    """Of the withdrawal that it is part of, appended last: the ledger's lock is the last one that is taken."""
    if begun.journaled_at is None:
        leaves = consent.leaf_hashes(session, event_ids)
        queries.note(session, begun.id, counts=replace(begun.counts, leaves=leaves))


def before_the_answer(house: Collaborators, account_id: AccountId, begun_id: str | None, took_ms: int) -> None:
    """Destroys the keys, and tells the journal. Raises `StoreError`: the gate is closed then, and one asks again."""
    with house.database.reading() as session:
        unfinished = queries.unfinished(session, account_id)
    for each in unfinished:
        destroy_keys(house, each)
    entries.write(house, unfinished)
    if begun_id is not None:
        with house.database.writing() as session:
            queries.note(session, begun_id, stop_took_ms=took_ms)
    try_to_copy_heads(house)


def destroy_keys(house: Collaborators, begun: Begun) -> None:
    """Done twice is done once."""
    if begun.account_id is None:
        return
    if begun.kind is ErasureKind.ACCOUNT:
        house.keyring.destroy_all(begun.account_id)
    elif begun.kind is ErasureKind.VOICE and begun.voice_key_id is not None:
        house.keyring.destroy(begun.account_id, begun.voice_key_id)


def _entombed(session: Session, house: Collaborators, counts: Counts, clips: Select[ClipId]) -> Counts:
    releases = queries.releases_with(session, clips, published=True)
    drafts = queries.releases_with(session, clips, published=False)
    lasts = house.settings.release_state_lasts
    entombed = entomb(session, house.signer, clips, TombstoneReason.WITHDRAWN, house.clock(), lasts)
    return replace(counts, tombstones=entombed.tombstones, releases=releases, drafts=drafts)
