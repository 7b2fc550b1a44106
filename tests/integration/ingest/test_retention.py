"""The retention clocks: what goes by itself, and what stays."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from corpus import object_keys
from corpus.collaborators import Collaborators
from corpus.retention import retention_in_words
from corpus.settings import Settings
from corpus.tables import Clip, Erasure, Review, Utterance, Verdict
from corpus.words import ClipId, Decision, Outcome, RejectReason, new_id
from curation import duplicate_queries
from curation import queries as curation
from curation.review import queries as reviews
from curation.review.personal import queries as personal
from ingest.erase import finish_erasures
from ingest.erasures.retention import Expired, keep_clocks
from ingest.sweep import sweep
from tests.factories import make_account, make_clip, make_lender, make_utterance
from tests.fixtures.house import StillClock
from tests.integration.ingest.erasures import voices

DAY = timedelta(days=1)


def with_clocks(house: Collaborators, **clocks: timedelta | None) -> Collaborators:
    none = {"raw_retention": None, "refused_retention": None, "unreviewed_retention": None}
    return replace(house, settings=house.settings.model_copy(update={**none, **clocks}))


def clips(house: Collaborators) -> set[ClipId]:
    with house.database.reading() as session:
        return set(session.scalars(select(Clip.id)))


def judge(house: Collaborators, clip_id: ClipId, decision: Decision) -> None:
    curator = make_account(house)
    with house.database.writing() as session:
        session.get_one(Clip, clip_id).reviewed_at = house.clock()
        if decision is Decision.REJECT:
            session.add(
                Review(
                    id=new_id(),
                    clip_id=clip_id,
                    curator_id=curator,
                    decision=decision,
                    reason=RejectReason.OTHER,
                    at=house.clock(),
                )
            )


def test_an_original_goes_once_its_clip_is_old_enough_and_the_clip_stays(
    house: Collaborators, clock: StillClock
) -> None:
    house = with_clocks(house, raw_retention=90 * DAY)
    lender = make_lender(house)
    make_clip(house, lender, label="a")
    clock.forward(91 * DAY)

    expired = keep_clocks(house)

    assert expired == Expired(originals=1)
    [left] = voices(house, lender.account_id)
    assert "/clips/" in left
    with house.database.reading() as session:
        assert session.scalars(select(Utterance.object_key)).all() == [None]
    assert sweep(house).missing == ()


def test_an_original_without_a_clip_is_kept_for_curation(house: Collaborators, clock: StillClock) -> None:
    house = with_clocks(house, raw_retention=90 * DAY)
    lender = make_lender(house)
    make_utterance(house, lender)
    clock.forward(91 * DAY)

    assert keep_clocks(house) == Expired()

    assert len(voices(house, lender.account_id)) == 1


def test_curation_does_not_meet_a_recording_whose_original_is_gone(house: Collaborators, clock: StillClock) -> None:
    house = with_clocks(house, raw_retention=90 * DAY)
    make_clip(house, make_lender(house))
    clock.forward(91 * DAY)
    keep_clocks(house)

    with house.database.reading() as session:
        assert curation.count_waiting(session, house.clock()) == 0
        ids = session.scalars(select(Utterance.id)).all()
        assert curation.waiting(session, ids, house.clock()) == []


@pytest.mark.parametrize("days", [30, 31], ids=["not-yet", "its-time-has-come"])
@pytest.mark.parametrize("how", ["dropped", "failed", "rejected"])
def test_a_refused_recording_goes_after_its_time(house: Collaborators, clock: StillClock, how: str, days: int) -> None:
    house = with_clocks(house, refused_retention=30 * DAY)
    lender = make_lender(house)
    outcome = Outcome.KEPT if how == "rejected" else Outcome(how)
    clip_id = make_clip(house, lender, outcome=outcome, reason=None if outcome is Outcome.KEPT else "too_short")
    if how == "rejected":
        judge(house, clip_id, Decision.REJECT)
    kept = make_clip(house, lender)
    clock.forward(days * DAY)

    expired = keep_clocks(house)
    finish_erasures(house)

    assert expired.recordings == (1 if days == 31 else 0)
    assert clips(house) == ({kept} if days == 31 else {kept, clip_id})
    assert len(voices(house, lender.account_id)) == (2 if days == 31 else 4)


Ending = Callable[[Session, Verdict], object]

ENDINGS: dict[str, Ending] = {
    "disputed": lambda session, verdict: reviews.dispute(session, verdict.clip_id, verdict.at),
    "personal_data": lambda session, verdict: personal.drop(session, verdict.clip_id, verdict),
    "duplicate": duplicate_queries.settle,
    "too_short": lambda session, verdict: curation.end_otherwise(
        session, verdict.clip_id, verdict.outcome, verdict.reason, verdict.at
    ),
}


def end(house: Collaborators, clip_id: ClipId, reason: str) -> None:
    with house.database.writing() as session:
        verdict = Verdict(
            clip_id=clip_id,
            stage="a stage",
            stage_version=1,
            outcome=Outcome.DROPPED,
            reason=reason,
            at=house.clock(),
        )
        ENDINGS[reason](session, verdict)


@pytest.mark.parametrize("reason", sorted(ENDINGS))
def test_what_is_refused_long_after_it_came_has_its_time_from_then_on(
    house: Collaborators, clock: StillClock, reason: str
) -> None:
    house = with_clocks(house, refused_retention=30 * DAY)
    clip_id = make_clip(house, make_lender(house))
    clock.forward(100 * DAY)
    end(house, clip_id, reason)

    gone = [keep_clocks(house).recordings]
    for days in (30, 1):
        clock.forward(days * DAY)
        gone.append(keep_clocks(house).recordings)

    assert gone == [0, 0, 1]


def test_a_later_refusal_lengthens_no_originals_time(house: Collaborators, clock: StillClock) -> None:
    house = with_clocks(house, raw_retention=90 * DAY)
    clip_id = make_clip(house, make_lender(house))
    clock.forward(80 * DAY)
    end(house, clip_id, "too_short")
    clock.forward(11 * DAY)

    assert keep_clocks(house).originals == 1


def test_a_recording_that_nobody_reviewed_goes_after_its_time(house: Collaborators, clock: StillClock) -> None:
    house = with_clocks(house, unreviewed_retention=365 * DAY)
    lender = make_lender(house)
    make_clip(house, lender)
    make_clip(house, lender, outcome=None)
    make_utterance(house, lender)
    accepted = make_clip(house, lender, label="a")
    judge(house, accepted, Decision.ACCEPT)
    clock.forward(366 * DAY)

    assert keep_clocks(house).recordings == 3

    assert clips(house) == {accepted}


def test_a_days_recordings_go_in_one_erasure_that_needs_no_journal(house: Collaborators, clock: StillClock) -> None:
    house = with_clocks(house, refused_retention=30 * DAY)
    lender = make_lender(house)
    for _ in range(3):
        make_clip(house, lender, outcome=Outcome.DROPPED, reason="too_short")
        clock.forward(timedelta(minutes=1))
    clock.forward(31 * DAY)

    keep_clocks(house)
    keep_clocks(house)

    with house.database.reading() as session:
        [erasure] = session.scalars(select(Erasure)).all()
    assert '"reason":"retention"' in erasure.counts
    assert list(house.store.list(object_keys.JOURNAL)) == []


def test_without_clocks_all_is_kept_until_it_is_taken_back(house: Collaborators, clock: StillClock) -> None:
    house = with_clocks(house)
    lender = make_lender(house)
    make_clip(house, lender, outcome=Outcome.DROPPED, reason="too_short")
    clock.forward(10_000 * DAY)

    assert keep_clocks(house) == Expired()


def test_the_clocks_are_said_in_words() -> None:
    said = retention_in_words(Settings(raw_retention=None, refused_retention=30 * DAY, unreviewed_retention=DAY))

    assert "The original of a recording is kept until you take it back." in said
    assert "A recording that was refused is erased 30 days after that." in said
    assert "A recording that nobody has reviewed is erased a day after it was measured." in said


def test_a_clock_may_be_taken_away_in_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOANWORD_RAW_RETENTION", "none")
    monkeypatch.setenv("LOANWORD_REFUSED_RETENTION", "P7D")

    settings = Settings()

    assert (settings.raw_retention, settings.refused_retention) == (None, 7 * DAY)
