"""The three gates of the review console, each alone: a withdrawal just before it is seen, one just after it waits.

Keys stay alive throughout, so that nothing but the gate can refuse.
"""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from threading import Event, Thread

import pytest

from corpus.collaborators import Collaborators, collaborators
from corpus.tables import Clip
from corpus.words import Purpose
from curation.review import review
from tests.factories import Lender, make_clip, make_hypothesis, make_lender, withdraw_consent
from tests.integration.curation.review.console import (
    curator_at,
    once,
    rows_of,
    when_a_key_is_unwrapped,
    when_a_recording_is_read,
)

NOTICED_WITHIN_S = 10.0
STILL_WAITS_AFTER_S = 0.3


@pytest.fixture
def elsewhere(house: Collaborators) -> Iterator[Collaborators]:
    """The same house, as another process has it: connections and locks of its own."""
    opened = collaborators(house.settings, house.clock)
    yield opened
    opened.database.close()


class Barrier:
    """A clock that stops whoever reads it from the `at`-th reading on, until told to go."""

    def __init__(self, now: datetime, at: int) -> None:
        self.now, self.left = now, at
        self.inside, self.go = Event(), Event()

    def __call__(self) -> datetime:
        self.left -= 1
        if self.left == 0:
            self.inside.set()
            assert self.go.wait(NOTICED_WITHIN_S)
        return self.now


def test_review_queue_a_withdrawal_just_before_the_lease_is_seen(
    house: Collaborators, elsewhere: Collaborators
) -> None:
    lender = make_lender(house)
    clip_id = make_clip(house, lender)
    make_hypothesis(house, lender, clip_id, "turn on the lights")
    withdraw = once(lambda: withdraw_consent(elsewhere, lender.account_id))

    answer = curator_at(when_a_key_is_unwrapped(house, withdraw)).next()

    assert answer.status_code == 204
    with house.database.reading() as session:
        assert session.get_one(Clip, clip_id).leased_by is None


@pytest.mark.parametrize("purpose", [Purpose.COLLECT, Purpose.REVIEW])
def test_audio_served_a_withdrawal_while_the_recording_is_read_is_seen(
    house: Collaborators, elsewhere: Collaborators, purpose: Purpose
) -> None:
    lender = make_lender(house)
    clip_id = make_clip(house, lender)
    withdraw = once(lambda: withdraw_consent(elsewhere, lender.account_id, purpose))
    curator = curator_at(when_a_recording_is_read(house, withdraw))
    curator.next()

    answer = curator.hear(clip_id)

    assert answer.status_code == 404
    assert b"RIFF" not in answer.content


@pytest.mark.parametrize("purpose", [Purpose.COLLECT, Purpose.REVIEW])
def test_review_accepted_a_withdrawal_just_before_the_transaction_is_seen(
    house: Collaborators, elsewhere: Collaborators, purpose: Purpose
) -> None:
    lender = make_lender(house)
    clip_id = make_clip(house, lender)
    withdraw = once(lambda: withdraw_consent(elsewhere, lender.account_id, purpose))
    curator = curator_at(when_a_key_is_unwrapped(house, withdraw))
    curator.next()

    answer = curator.accept(clip_id)

    assert answer.status_code == 404
    assert rows_of(house, clip_id) == (0, 0)


def test_review_accepted_a_withdrawal_waits_for_an_open_acceptance(
    house: Collaborators, elsewhere: Collaborators
) -> None:
    lender, curator = make_lender(house), curator_at(house)
    clip_id = make_clip(house, lender)
    curator.next()
    barrier = Barrier(house.clock(), at=2)  # the second reading is the one under the lock

    accepting = Thread(
        target=review.accept, args=(replace(house, clock=barrier), curator.account_id, clip_id, "turn on the lights")
    )
    waited = withdrawal_during(accepting, barrier, elsewhere, lender)

    assert waited
    assert rows_of(house, clip_id) == (1, 1)
    assert curator.hear(clip_id).status_code == 404


def test_review_queue_a_withdrawal_waits_for_an_open_lease(house: Collaborators, elsewhere: Collaborators) -> None:
    lender, curator = make_lender(house), curator_at(house)
    clip_id = make_clip(house, lender)
    barrier = Barrier(house.clock(), at=2)

    leasing = Thread(target=review.next_clip, args=(replace(house, clock=barrier), curator.account_id))
    waited = withdrawal_during(leasing, barrier, elsewhere, lender)

    assert waited
    assert curator.hear(clip_id).status_code == 404


def test_two_curators_at_one_moment_do_not_both_review(house: Collaborators, elsewhere: Collaborators) -> None:
    lender, slow, quick = make_lender(house), curator_at(house), curator_at(elsewhere)
    clip_id = make_clip(house, lender)
    barrier = Barrier(house.clock(), at=2)
    answers: list[int] = []

    accepting = Thread(
        target=review.accept, args=(replace(house, clock=barrier), slow.account_id, clip_id, "turn on the lights")
    )
    rejecting = Thread(target=lambda: answers.append(quick.reject(clip_id).status_code))
    accepting.start()
    assert barrier.inside.wait(NOTICED_WITHIN_S)
    rejecting.start()
    rejecting.join(STILL_WAITS_AFTER_S)
    barrier.go.set()
    accepting.join()
    rejecting.join()

    assert answers == [409]
    assert rows_of(house, clip_id) == (1, 1)


def withdrawal_during(transaction: Thread, barrier: Barrier, elsewhere: Collaborators, lender: Lender) -> bool:
    """Whether a withdrawal, begun while the transaction stands at the barrier, ended only after it went on."""
    withdrawn = Event()

    def withdraw() -> None:
        withdraw_consent(elsewhere, lender.account_id)
        withdrawn.set()

    withdrawing = Thread(target=withdraw)
    transaction.start()
    assert barrier.inside.wait(NOTICED_WITHIN_S)
    withdrawing.start()
    waited = not withdrawn.wait(STILL_WAITS_AFTER_S)
    barrier.go.set()
    transaction.join()
    withdrawing.join()
    return waited and withdrawn.is_set()
