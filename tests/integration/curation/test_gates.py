"""The gates of curation against a withdrawal on another connection: just before, it is seen; just after, it waits.

Keys stay alive throughout, so that nothing but the gate can refuse.
"""

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from threading import Event
from typing import Any

import pytest
from structlog.testing import capture_logs

from corpus import queries as corpus_queries
from corpus.collaborators import Collaborators
from corpus.errors import ObjectForbidden, StoreError, StoreUnavailable
from corpus.keys import KeyKind
from corpus.speech.decoder import Decoder, Recording
from corpus.tables import Account, Clip, Verdict
from corpus.vault import Vault
from corpus.words import AccountId, ClipId, ConsentAct, ConsentMethod, Outcome, new_id
from curation import queries as curation_queries
from curation import run
from curation.counts import BatchCounts
from curation.examine import Workbench
from curation.record import claim
from curation.worker import curate_batch
from tests.factories import NOW, make_lender, make_utterance, tone, wav, withdraw_consent
from tests.integration.curation.endings import KEPT, clip_objects, endings, rows

NOTICED_WITHIN_S = 10.0
STILL_WAITS_AFTER_S = 0.3


@pytest.fixture
def aside() -> Iterator[ThreadPoolExecutor]:
    """Where the other side of a race runs."""
    with ThreadPoolExecutor(max_workers=2) as threads:
        yield threads


def waits(future: "Future[Any]") -> bool:
    """Whether it is still not done after a while."""
    done = Event()
    future.add_done_callback(lambda _: done.set())
    return not done.wait(STILL_WAITS_AFTER_S)


class Barrier:
    """A clock that stops whoever reads it for the `at`-th time, until told to go."""

    def __init__(self, now: datetime, at: int) -> None:
        self.now, self.left = now, at
        self.inside, self.go = Event(), Event()

    def __call__(self) -> datetime:
        self.left -= 1
        if self.left == 0:
            self.inside.set()
            assert self.go.wait(NOTICED_WITHIN_S)
        return self.now


@contextmanager
def withdrawal_under_way(house: Collaborators, account_id: AccountId) -> Iterator[None]:
    """A withdrawal that has locked the account and not committed; it commits at the end."""
    with house.database.writing() as session:
        corpus_queries.lock_account(session, account_id)
        facts = corpus_queries.consent_facts(session, account_id)
        events = [
            corpus_queries.NewConsentEvent(
                account_id,
                fact.purpose,
                ConsentAct.WITHDRAWN,
                house.clock(),
                None,
                1,
                ConsentMethod.API,
            )
            for fact in facts
        ]
        corpus_queries.append_consent_events(session, house.signer, events)
        yield


class Meanwhile(Decoder):
    """Decodes with another; something happens elsewhere after the first recording, between a claim and its commit."""

    def __init__(self, decoder: Decoder, happens: Callable[[], object]) -> None:
        super().__init__()  # starts no child before it decodes, and it never does
        self.decoder = decoder
        self.happens = [happens]

    def decode(self, recording: bytes, max_duration: timedelta) -> Recording:
        decoded = self.decoder.decode(recording, max_duration)
        if self.happens:
            self.happens.pop()()
        return decoded


# Claim


def test_a_claim_waits_for_a_withdrawal_under_way_and_then_refuses(
    house: Collaborators, elsewhere: Collaborators, aside: ThreadPoolExecutor
) -> None:
    lender = make_lender(house)
    utterance_id = make_utterance(house, lender)

    with withdrawal_under_way(elsewhere, lender.account_id):
        claiming = aside.submit(claim, house, [utterance_id], "a holder")
        waited = waits(claiming)

    assert waited
    assert claiming.result(NOTICED_WITHIN_S) == ([], BatchCounts(withdrawn=1))


def test_a_withdrawal_waits_for_a_claim_that_is_open(
    house: Collaborators, elsewhere: Collaborators, aside: ThreadPoolExecutor
) -> None:
    lender = make_lender(house)
    utterance_id = make_utterance(house, lender)
    barrier = Barrier(house.clock(), at=1)

    claiming = aside.submit(claim, replace(house, clock=barrier), [utterance_id], "a holder")
    assert barrier.inside.wait(NOTICED_WITHIN_S)
    withdrawing = aside.submit(withdraw_consent, elsewhere, lender.account_id)
    waited = waits(withdrawing)
    barrier.go.set()
    withdrawing.result(NOTICED_WITHIN_S)

    assert waited
    assert len(claiming.result()[0]) == 1


# Stage commit


def test_after_a_withdrawal_just_before_the_commit_nothing_is_stored(
    house: Collaborators, elsewhere: Collaborators, decoder: Decoder
) -> None:
    leaving, staying = make_lender(house), make_lender(house)
    gone, kept = make_utterance(house, leaving), make_utterance(house, staying)

    meanwhile = Meanwhile(decoder, lambda: withdraw_consent(elsewhere, leaving.account_id))
    counts = curate_batch(Workbench(house, meanwhile, recogniser=None), [gone, kept])

    assert counts == BatchCounts(passed=1, withdrawn=1)
    assert set(endings(house)) == {kept}
    assert len(clip_objects(house)) == 1


def test_after_a_return_under_a_new_key_nothing_of_the_old_one_is_recorded(
    house: Collaborators, elsewhere: Collaborators, decoder: Decoder
) -> None:
    lender = make_lender(house)
    utterance_id = make_utterance(house, lender)

    def new_key() -> None:
        key_id = elsewhere.keyring.create(lender.account_id, KeyKind.VOICE)
        with elsewhere.database.writing() as session:
            session.get_one(Account, lender.account_id).voice_key_id = key_id

    meanwhile = Meanwhile(decoder, new_key)
    counts = curate_batch(Workbench(house, meanwhile, recogniser=None), [utterance_id])

    assert counts == BatchCounts(withdrawn=1)
    assert (endings(house), clip_objects(house)) == ({}, [])


def test_a_key_destroyed_before_its_first_use_is_a_withdrawal_and_no_failure(
    house: Collaborators, elsewhere: Collaborators, decoder: Decoder
) -> None:
    leaving, other = make_lender(house), make_lender(house)
    first, second = sorted([make_utterance(house, leaving), make_utterance(house, other)])

    def withdraw_the_second() -> None:
        with elsewhere.database.reading() as session:
            account_id = next(iter(curation_queries.accounts_of(session, [second])))
            key_id = session.get_one(Account, account_id).voice_key_id
        withdraw_consent(elsewhere, account_id)
        assert key_id is not None
        elsewhere.keyring.destroy(account_id, key_id)

    meanwhile = Meanwhile(decoder, withdraw_the_second)
    counts = curate_batch(Workbench(house, meanwhile, recogniser=None), [first, second])

    assert counts == BatchCounts(passed=1, withdrawn=1)
    assert set(endings(house)) == {first}


@pytest.mark.parametrize("refusal", [StoreUnavailable, ObjectForbidden])
def test_a_refused_clip_that_cannot_be_erased_is_told_of_and_stops_nobody(
    house: Collaborators, elsewhere: Collaborators, decoder: Decoder, refusal: type[StoreError]
) -> None:
    class Stubborn(Vault):
        def erase(self, object_key: str) -> None:
            raise refusal(object_key)

    leaving = make_lender(house)
    gone, kept = make_utterance(house, leaving), make_utterance(house, make_lender(house))
    meanwhile = Meanwhile(decoder, lambda: withdraw_consent(elsewhere, leaving.account_id))
    stubborn = replace(house, vault=Stubborn(house.store))

    with capture_logs() as logs:
        counts = curate_batch(Workbench(stubborn, meanwhile, recogniser=None), [gone, kept])

    assert counts == BatchCounts(passed=1, withdrawn=1)
    assert [each["error"] for each in logs if each["event"] == "refused_clip_left_to_the_sweep"] == [refusal.__name__]
    assert leaving.account_id not in str(logs)


def test_a_withdrawal_waits_for_a_commit_that_is_open_and_then_finds_the_clip(
    house: Collaborators, elsewhere: Collaborators, aside: ThreadPoolExecutor, decoder: Decoder
) -> None:
    lender = make_lender(house)
    utterance_id = make_utterance(house, lender)
    barrier = Barrier(house.clock(), at=2)  # the claim reads the clock first
    bench = Workbench(replace(house, clock=barrier), decoder, recogniser=None)

    curating = aside.submit(curate_batch, bench, [utterance_id])
    assert barrier.inside.wait(NOTICED_WITHIN_S)
    withdrawing = aside.submit(withdraw_consent, elsewhere, lender.account_id)
    waited = waits(withdrawing)
    barrier.go.set()
    withdrawing.result(NOTICED_WITHIN_S)

    assert waited
    assert curating.result() == BatchCounts(passed=1)
    assert set(endings(house)) == {utterance_id}


# Two workers at one utterance


def test_of_two_workers_at_one_utterance_one_records_and_the_other_erases_its_object(
    house: Collaborators, elsewhere: Collaborators, decoder: Decoder
) -> None:
    utterance_id = make_utterance(house, make_lender(house))
    other = Workbench(elsewhere, decoder, recogniser=None)

    meanwhile = Meanwhile(decoder, lambda: curate_batch(other, [utterance_id], "taken for dead"))
    counts = curate_batch(Workbench(house, meanwhile, recogniser=None), [utterance_id], "taken for dead")

    assert counts == BatchCounts(elsewhere=1)
    [clip] = rows(house, Clip)
    assert clip_objects(house) == [clip.object_key]


def test_of_two_clips_of_one_utterance_added_at_once_the_second_is_refused(
    house: Collaborators, elsewhere: Collaborators, aside: ThreadPoolExecutor
) -> None:
    utterance_id = make_utterance(house, make_lender(house))

    def add(where: Collaborators, added: Callable[[], object] = lambda: None) -> bool:
        with where.database.writing() as session:
            clip = Clip(id=ClipId(new_id()), utterance_id=utterance_id, measured_at=NOW)
            is_first = curation_queries.add_clip(session, clip, [])
            added()
            return is_first

    inside, go = Event(), Event()

    def hold() -> None:
        inside.set()
        go.wait(NOTICED_WITHIN_S)

    first = aside.submit(add, house, hold)
    assert inside.wait(NOTICED_WITHIN_S)
    second = aside.submit(add, elsewhere)
    waited = waits(second)
    go.set()

    assert waited
    assert (first.result(NOTICED_WITHIN_S), second.result(NOTICED_WITHIN_S)) == (True, False)


# Duplicates


def test_a_voice_withdrawn_before_the_decision_takes_no_part_in_it(
    house: Collaborators, elsewhere: Collaborators, bench: Workbench
) -> None:
    leaving, staying = make_lender(house), make_lender(house)
    body = wav(tone())
    gone, kept = make_utterance(house, leaving, body=body), make_utterance(house, staying, body=body)
    curate_batch(bench, [gone, kept])
    withdraw_consent(elsewhere, leaving.account_id)

    run.decide_duplicates(house)

    assert endings(house) == {gone: (None, None), kept: KEPT}
    assert {each.outcome for each in rows(house, Verdict) if each.stage == "duplicates"} == {Outcome.KEPT}


def test_a_withdrawal_waits_for_a_decision_that_is_open(
    house: Collaborators, elsewhere: Collaborators, aside: ThreadPoolExecutor, bench: Workbench
) -> None:
    lender = make_lender(house)
    utterance_id = make_utterance(house, lender)
    curate_batch(bench, [utterance_id])
    barrier = Barrier(house.clock(), at=3)  # what waits to be compared, and to be decided, is looked for first

    deciding = aside.submit(run.decide_duplicates, replace(house, clock=barrier))
    assert barrier.inside.wait(NOTICED_WITHIN_S)
    withdrawing = aside.submit(withdraw_consent, elsewhere, lender.account_id)
    waited = waits(withdrawing)
    barrier.go.set()
    withdrawing.result(NOTICED_WITHIN_S)

    assert waited
    assert deciding.result().kept == 1
