"""Leases: who is at what, what becomes of it when they die, and of a recording that keeps killing whoever takes it."""

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime, timedelta

from corpus.collaborators import Collaborators
from corpus.errors import StoreUnavailable
from corpus.keys import AccountKey
from corpus.tables import CurationLease, Verdict
from corpus.vault import Vault
from corpus.words import Outcome, UtteranceId
from curation import run
from curation.counts import BatchCounts, CurationCounts
from curation.examine import Workbench
from curation.executors import Inline, ProcessPool
from curation.leases.lease import ATTEMPTS, LASTS, Lease
from curation.record import claim
from curation.worker import curate_batch
from tests.factories import make_lender, make_utterance, tone, wav
from tests.fixtures.house import StillClock
from tests.integration.curation.benches import HOSTILE, SlowVault, hostile_bench
from tests.integration.curation.endings import KEPT, clip_objects, endings, rows

NOTICED_WITHIN_S = 10.0
POISON = (Outcome.FAILED, "poison")


def leases(house: Collaborators) -> dict[UtteranceId, tuple[str | None, int]]:
    return {each.utterance_id: (each.holder, each.attempts) for each in rows(house, CurationLease)}


def died_at(house: Collaborators, utterance_ids: list[UtteranceId], times: int) -> None:
    """As many claims of these as that, of which nothing more was heard."""
    for _ in range(times):
        claim(house, utterance_ids, "dead")


def wait_until(happened: Callable[[], bool]) -> None:
    deadline = time.monotonic() + NOTICED_WITHIN_S
    while not happened():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_what_another_is_at_is_left_to_it(house: Collaborators, bench: Workbench) -> None:
    utterance_id = make_utterance(house, make_lender(house))
    claim(house, [utterance_id], "another")

    counts = curate_batch(bench, [utterance_id])

    assert counts.elsewhere == 1
    assert endings(house) == {}
    assert leases(house) == {utterance_id: ("another", 1)}


def test_a_lease_ends_with_the_clip(house: Collaborators, bench: Workbench) -> None:
    utterance_id = make_utterance(house, make_lender(house))

    curate_batch(bench, [utterance_id])

    assert list(endings(house)) == [utterance_id]
    assert leases(house) == {}


def test_a_run_takes_over_what_the_dead_have_left(house: Collaborators, bench: Workbench, clock: StillClock) -> None:
    utterance_id = make_utterance(house, make_lender(house))
    died_at(house, [utterance_id], times=1)
    clock.forward(LASTS)

    run.curate(house, Inline(bench))

    assert endings(house) == {utterance_id: KEPT}


def test_a_patient_run_waits_for_a_lease_to_run_out(house: Collaborators, bench: Workbench, clock: StillClock) -> None:
    utterance_id = make_utterance(house, make_lender(house))
    died_at(house, [utterance_id], times=1)

    def runs_fast() -> datetime:
        clock.forward(LASTS / 6)
        return clock.now

    run.curate(replace(house, clock=runs_fast), Inline(bench))

    assert endings(house) == {utterance_id: KEPT}


def test_the_living_renew_their_lease(house: Collaborators, clock: StillClock) -> None:
    utterance_id = make_utterance(house, make_lender(house))
    claim(house, [utterance_id], "alive")
    clock.forward(LASTS)

    with Lease(house, "alive", [utterance_id], renewed_every=timedelta(milliseconds=5)):
        wait_until(lambda: all(each.until and each.until > clock.now for each in rows(house, CurationLease)))
        claimed, counts = claim(house, [utterance_id], "another")

    assert (claimed, counts) == ([], BatchCounts(elsewhere=1))


def test_what_was_out_of_reach_counts_as_no_attempt(house: Collaborators, bench: Workbench) -> None:
    class OutOfReach(Vault):
        def get(self, key: AccountKey, object_key: str) -> bytes:
            raise StoreUnavailable(object_key)

    utterance_id = make_utterance(house, make_lender(house))
    away = replace(bench, house=replace(house, vault=OutOfReach(house.store)))

    for _ in range(ATTEMPTS + 1):
        curate_batch(away, [utterance_id])

    assert leases(house) == {utterance_id: (None, 0)}
    assert endings(house) == {}


def test_what_was_begun_too_often_is_poison_and_is_not_begun_again(house: Collaborators, bench: Workbench) -> None:
    lender = make_lender(house)
    poison, good = make_utterance(house, lender), make_utterance(house, lender)
    died_at(house, [poison], times=ATTEMPTS)

    counts = curate_batch(bench, [poison, good], "dead")

    assert counts.failed == {"poison": 1}
    assert endings(house)[poison] == POISON
    assert [each.reason for each in rows(house, Verdict) if each.outcome is Outcome.FAILED] == ["poison"]
    assert leases(house) == {}


def test_a_recording_that_kills_its_worker_takes_no_other_with_it(house: Collaborators) -> None:
    lender = make_lender(house)
    good = [make_utterance(house, lender, body=wav(tone(frequency_hz=300 + 10 * each))) for each in range(3)]
    hostile = make_utterance(house, lender, body=HOSTILE)

    with ProcessPool(house.settings, 1, hostile_bench) as pool:
        counts = run.curate(house, pool)

    assert endings(house) == {**dict.fromkeys(good, KEPT), hostile: POISON}
    assert counts.failed == {"poison": 1}
    assert leases(house) == {}


def test_two_runs_side_by_side_share_the_work_and_do_nothing_twice(
    house: Collaborators, elsewhere: Collaborators, bench: Workbench
) -> None:
    lender = make_lender(house)
    sent = [make_utterance(house, lender, body=wav(tone(frequency_hz=300 + 10 * each))) for each in range(12)]
    starts_together = threading.Barrier(2)

    def curates(opened: Collaborators) -> CurationCounts:
        settings = opened.settings.model_copy(update={"curate_batch": 1})
        slow = replace(opened, settings=settings, vault=SlowVault(opened.store))
        starts_together.wait(NOTICED_WITHIN_S)
        return run.curate(slow, Inline(replace(bench, house=slow)))

    with ThreadPoolExecutor(2) as threads:
        one, other = threads.map(curates, (house, elsewhere))

    assert endings(house) == dict.fromkeys(sent, KEPT)
    assert one.batches.passed + other.batches.passed == len(sent)
    assert min(one.batches.passed, other.batches.passed) >= 3
    assert len(clip_objects(house)) == len(sent)
    assert leases(house) == {}
