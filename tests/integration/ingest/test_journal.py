"""A restored database has forgotten withdrawals; the journal in the object store has not."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import cast

import pytest
from sqlalchemy import select

from corpus import head_copies, object_keys, queries
from corpus.collaborators import Collaborators
from corpus.errors import JournalUnreadable, LoanwordError, StoreUnavailable
from corpus.object_store import ObjectStore
from corpus.tables import Account, Erasure, Tombstone
from corpus.words import AccountId, Purpose
from ingest import journal
from ingest.close_account import close_account
from ingest.delete_recordings import delete_recordings
from ingest.erase import LATE_WRITERS, finish_erasures
from ingest.give_consent import Agreement, give_consent
from ingest.withdraw import withdraw
from tests.factories import ALL_PURPOSES, Lender, make_clip, make_lender, make_utterance
from tests.fixtures.house import StillClock
from tests.integration.corpus.test_release_queries import make_release
from tests.integration.ingest.erasures import backup_of, reopened, tables_that_name, voices

ALL = Agreement("1", "en-US", frozenset(Purpose), adult=True)


def in_force(house: Collaborators, account_id: AccountId, purpose: Purpose) -> bool:
    with house.database.reading() as session:
        return session.execute(queries.usable_clips(purpose, house.clock())).first() is not None


def as_the_server_starts(house: Collaborators) -> Collaborators:
    """What `serve` does before its port opens."""
    house = replace(house, database=reopened(house))
    try:
        head_copies.complete(house)
        journal.replay(house)
    except LoanwordError:
        house.database.close()
        raise
    return house


@pytest.mark.parametrize("purpose", list(Purpose))
def test_a_withdrawal_holds_over_yesterdays_database(
    house: Collaborators, tmp_path: Path, clock: StillClock, purpose: Purpose
) -> None:
    lender = make_lender(house, purposes=[*ALL_PURPOSES, Purpose.DEMOGRAPHICS])
    make_release(house, [[make_clip(house, lender, label="lights on")]])
    restore = backup_of(house, tmp_path)
    withdraw(house, lender.account_id, [purpose])
    finish_erasures(house)
    clock.forward(timedelta(days=1))

    restore()
    house = as_the_server_starts(house)

    with house.database.reading() as session:
        last = {fact.purpose: fact.act.value for fact in queries.consent_facts(session, lender.account_id)}
        tombstones = session.scalars(select(Tombstone.wav_filename)).all()
    assert last[purpose] == "withdrawn"
    assert not in_force(house, lender.account_id, purpose) or purpose is Purpose.DEMOGRAPHICS
    assert len(tombstones) == (0 if purpose is Purpose.DEMOGRAPHICS else 1)
    finish_erasures(house)
    assert (voices(house, lender.account_id) == []) == (purpose is Purpose.COLLECT)
    house.database.close()


def test_a_deletion_holds_over_yesterdays_database(house: Collaborators, tmp_path: Path, clock: StillClock) -> None:
    lender = make_lender(house)
    gone, kept = make_utterance(house, lender), make_utterance(house, lender)
    restore = backup_of(house, tmp_path)
    delete_recordings(house, lender.account_id, [gone])

    restore()
    house = as_the_server_starts(house)

    assert tables_that_name(house, gone) == []
    assert "utterances" in tables_that_name(house, kept)
    house.database.close()


def test_a_closed_account_is_closed_again(house: Collaborators, tmp_path: Path, clock: StillClock) -> None:
    lender = make_lender(house)
    make_clip(house, lender)
    restore = backup_of(house, tmp_path)
    close_account(house, lender.account_id)
    finish_erasures(house)
    clock.forward(LATE_WRITERS)
    finish_erasures(house)

    restore()
    house = as_the_server_starts(house)

    with house.database.reading() as session:
        account = session.get_one(Account, lender.account_id)
        assert (account.email, account.email_lookup, account.voice_key_id) == (None, None, None)
    clock.forward(LATE_WRITERS)
    finish_erasures(house)
    assert tables_that_name(house, lender.account_id) == []
    house.database.close()


def test_who_came_back_is_not_withdrawn_again(house: Collaborators, tmp_path: Path, clock: StillClock) -> None:
    lender = make_lender(house)
    withdraw(house, lender.account_id)
    clock.forward(timedelta(hours=1))
    give_consent(house, lender.account_id, ALL)
    make_clip(house, _with_new_consent(lender))
    restore = backup_of(house, tmp_path)

    restore()
    house = as_the_server_starts(house)

    with house.database.reading() as session:
        last = {fact.purpose: fact.act.value for fact in queries.consent_facts(session, lender.account_id)}
        assert session.get_one(Account, lender.account_id).voice_key_id is not None
    assert set(last.values()) == {"given"}
    house.database.close()


def _with_new_consent(lender: Lender) -> Lender:
    return lender


def test_who_comes_back_after_a_replay_is_not_withdrawn_by_the_next(
    house: Collaborators, tmp_path: Path, clock: StillClock
) -> None:
    lender = make_lender(house)
    restore = backup_of(house, tmp_path)
    withdraw(house, lender.account_id)
    restore()
    house = as_the_server_starts(house)
    clock.forward(timedelta(hours=1))
    give_consent(house, lender.account_id, ALL)

    replayed = journal.replay(house)

    assert replayed.again == 0
    with house.database.reading() as session:
        assert session.get_one(Account, lender.account_id).voice_key_id is not None
    house.database.close()


def test_an_entry_of_nobody_we_know_is_noted_and_met_once(
    house: Collaborators, tmp_path: Path, clock: StillClock
) -> None:
    make_lender(house)
    restore = backup_of(house, tmp_path)
    lender = make_lender(house)
    withdraw(house, lender.account_id)
    restore()

    house = as_the_server_starts(house)

    assert journal.replay(house) == journal.Replayed()
    house.database.close()


def spoil(store: ObjectStore, change: Callable[[bytes], bytes]) -> None:
    [entry] = list(store.list(object_keys.JOURNAL))
    with store.open(entry.key) as file:
        content = file.read()
    store.erase(entry.key)
    store.put(entry.key, change(content))


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda content: content[:-1], id="cut-short"),
        pytest.param(lambda content: content.replace(b'"kind":"voice"', b'"kind":"account"'), id="another-wish"),
        pytest.param(lambda content: b"", id="empty"),
    ],
)
def test_what_cannot_be_read_keeps_the_port_shut(
    house: Collaborators, tmp_path: Path, change: Callable[[bytes], bytes]
) -> None:
    lender = make_lender(house)
    restore = backup_of(house, tmp_path)
    withdraw(house, lender.account_id)
    spoil(house.store, change)
    restore()

    with pytest.raises(JournalUnreadable):
        as_the_server_starts(house)


def test_a_name_in_the_journal_that_is_none_of_ours_keeps_the_port_shut(house: Collaborators) -> None:
    house.store.put(f"{object_keys.JOURNAL}notes.txt", b"x")

    with pytest.raises(JournalUnreadable):
        journal.replay(house)


class WithoutJournal:
    """A store in which the journal cannot be written until it is mended."""

    def __init__(self, store: ObjectStore) -> None:
        self.store = store

    def put(self, key: str, data: bytes) -> object:
        if key.startswith(object_keys.JOURNAL):
            raise StoreUnavailable(key)
        return self.store.put(key, data)

    def __getattr__(self, name: str) -> object:
        return getattr(self.store, name)


def test_nobody_is_answered_before_the_journal_knows_and_the_next_start_writes_what_is_missing(
    house: Collaborators,
) -> None:
    lender = make_lender(house)
    broken = replace(house, store=cast(ObjectStore, WithoutJournal(house.store)))
    with pytest.raises(StoreUnavailable):
        withdraw(broken, lender.account_id)

    journal.replay(house)

    with house.database.reading() as session:
        [erasure] = session.scalars(select(Erasure)).all()
    assert [info.key for info in house.store.list(object_keys.JOURNAL)] == [object_keys.journal_key(erasure.id)]
    assert erasure.journaled_at is not None


def test_the_journal_names_nobody(house: Collaborators) -> None:
    lender = make_lender(house)
    utterance = make_utterance(house, lender)
    delete_recordings(house, lender.account_id, [utterance])
    close_account(house, lender.account_id)

    for info in house.store.list(object_keys.JOURNAL):
        with house.store.open(info.key) as file:
            written = file.read().decode()
        assert lender.account_id not in written
        assert utterance not in written
