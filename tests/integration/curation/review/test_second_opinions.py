"""Clips that want two who agree: blind, each curator once, and no label before they do."""

from datetime import timedelta

import pytest

from corpus.collaborators import Collaborators
from corpus.sealed import place
from corpus.tables import Alignment, Clip, Label, Verdict
from corpus.words import ClipId, Outcome
from tests.factories import Lender, make_clip, make_hypothesis, make_lender, voice_key
from tests.fixtures.house import StillClock
from tests.integration.curation.review.console import curator_at, rows_of


def doubtful(house: Collaborators, lender: Lender, confidence: float | None = 0.4) -> ClipId:
    clip_id = make_clip(house, lender, confidence=confidence, reviews_wanted=2)
    make_hypothesis(house, lender, clip_id, "turn on the light", recogniser="tiny.en", confidence=0.8)
    return clip_id


def clip(house: Collaborators, clip_id: ClipId) -> Clip:
    with house.database.reading() as session:
        return session.get_one(Clip, clip_id)


def test_a_doubtful_clip_is_labelled_once_two_curators_heard_the_same(house: Collaborators) -> None:
    clip_id = doubtful(house, make_lender(house))
    first, second = curator_at(house), curator_at(house)
    first.next()

    first.accept(clip_id, "Turn on the lights.")
    in_between = rows_of(house, clip_id)
    second.next()
    second.accept(clip_id, "turn on the LIGHTS")

    assert in_between == (1, 0)
    assert rows_of(house, clip_id) == (2, 1)
    assert [first.next().status_code, second.next().status_code] == [204, 204]


def test_who_comes_second_learns_nothing_of_the_first_and_nothing_of_the_machine(house: Collaborators) -> None:
    clip_id = doubtful(house, make_lender(house))
    first, second = curator_at(house), curator_at(house)

    before = first.next().json()
    first.accept(clip_id, "turn on the heating")
    after = second.next().json()

    assert (before["hypothesis"]["text"], before["second_opinion"]) == ("turn on the light", False)
    assert (after["clip_id"], after["hypothesis"], after["second_opinion"]) == (clip_id, None, True)
    assert "heating" not in str(after)


def test_nobody_is_asked_twice(house: Collaborators) -> None:
    clip_id, curator = doubtful(house, make_lender(house)), curator_at(house)
    curator.next()
    curator.accept(clip_id)

    again = [curator.accept(clip_id), curator.reject(clip_id)]

    assert curator.next().status_code == 204
    assert [answer.status_code for answer in again] == [409, 409]
    assert curator.hear(clip_id).status_code == 404
    assert rows_of(house, clip_id) == (1, 0)


def test_the_lease_of_the_second_keeps_a_third_away(house: Collaborators) -> None:
    clip_id = doubtful(house, make_lender(house))
    first, second, third = (curator_at(house) for _ in range(3))
    first.next()
    first.accept(clip_id)

    second.next()

    assert third.next().status_code == 204
    assert third.accept(clip_id).status_code == 409
    assert second.accept(clip_id).status_code == 201


def test_where_two_differ_a_third_decides(house: Collaborators) -> None:
    lender = make_lender(house)
    clip_id = doubtful(house, lender)

    for said in ("turn on the light", "turn on the lights", "turn on the light"):
        curator_at(house).accept(clip_id, said)

    assert rows_of(house, clip_id) == (3, 1)
    with house.database.reading() as session:
        label = session.get_one(Label, clip_id).transcript
    key = voice_key(house, lender.account_id)
    assert key.open(label, place("labels.transcript", clip_id)) == b"turn on the light"


def test_where_three_differ_the_clip_is_disputed(house: Collaborators) -> None:
    clip_id = doubtful(house, make_lender(house))

    for said in ("turn on the light", "turn on the lights"):
        curator_at(house).accept(clip_id, said)
    curator_at(house).reject(clip_id, "unintelligible")

    row = clip(house, clip_id)
    assert rows_of(house, clip_id) == (3, 0)
    assert (row.outcome, row.reason, row.reviewed_at is not None) == (Outcome.DROPPED, "disputed", True)
    with house.database.reading() as session:
        assert session.query(Verdict).filter_by(clip_id=clip_id, stage="review").one().reason == "disputed"
    assert curator_at(house).next().status_code == 204


def test_one_who_hears_a_bystander_takes_the_clip_out_at_once(house: Collaborators) -> None:
    clip_id = doubtful(house, make_lender(house))

    curator_at(house).reject(clip_id, "child_or_bystander")

    assert clip(house, clip_id).reviewed_at is not None
    assert curator_at(house).next().status_code == 204


def test_a_begun_clip_comes_before_those_that_came_later(house: Collaborators, clock: StillClock) -> None:
    lender = make_lender(house)
    begun = doubtful(house, lender)
    clock.forward(timedelta(seconds=1))
    make_clip(house, lender)
    first = curator_at(house)
    first.next()
    first.accept(begun)

    assert curator_at(house).next().json()["clip_id"] == begun
    assert first.next().json()["clip_id"] != begun


@pytest.mark.parametrize(
    ("written", "confidence"),
    [
        pytest.param("Turn on the light!", 0.97, id="as-it-was-checked"),
        pytest.param("turn on the lights", None, id="corrected"),
    ],
)
def test_a_label_is_as_sure_as_the_transcript_that_was_checked(
    house: Collaborators, written: str, confidence: float | None
) -> None:
    lender = make_lender(house)
    clip_id = make_clip(house, lender, confidence=0.97)
    words = b'[["turn",0.1,0.3,-0.1],["on",0.3,0.4,0.0],["the",0.4,0.5,0.1],["light",0.5,0.9,-0.2]]'
    with house.database.writing() as session:
        session.add(
            Alignment(
                clip_id=clip_id,
                version=1,
                score=-0.1,
                worst=-0.5,
                words=voice_key(house, lender.account_id).seal(words, place("alignments.words", clip_id)),
                at=house.clock(),
            )
        )

    curator_at(house).accept(clip_id, written)

    with house.database.reading() as session:
        assert session.get_one(Label, clip_id).confidence == confidence
