"""The curation report over both databases: it counts what may be used now, and tells of no few people."""

from datetime import UTC, datetime, timedelta

import pytest
from starlette.testclient import TestClient
from structlog.testing import capture_logs

from corpus.collaborators import Collaborators
from corpus.demographics import Field
from corpus.keys import KeyKind
from corpus.tables import Account, Clip, Demographics, Measurement
from corpus.web.app import build_app
from corpus.words import Outcome, Purpose, RejectReason, Role, Scope
from curation.report import count
from curation.report.facts import Answer, Because, Told
from curation.report.measures import Measure
from curation.report.page import CLIPS_KEPT_FOR, report_routes
from tests.factories import NOW, make_account, make_lender, make_token, voice_key, withdraw_consent
from tests.fixtures.house import StillClock
from tests.integration.curation.report.crowd import (
    add_clip,
    make_speakers,
    make_waiting,
    review,
    same_audio,
    tell,
)
from tests.integration.curation.review.console import once, when_a_key_is_unwrapped


@pytest.fixture
def api(house: Collaborators) -> TestClient:
    return TestClient(build_app(house, [report_routes()]), follow_redirects=False)


def signed_in(house: Collaborators, role: Role) -> dict[str, str]:
    scopes = [Scope.ACCOUNT] if role in (Role.CONTRIBUTOR, Role.ENGINEER) else [Scope.ACCOUNT, Scope.REVIEW]
    return {"Authorization": f"Bearer {make_token(house, make_account(house, role=role), *scopes)}"}


def told_of(house: Collaborators, field: Field, **options: int) -> Told:
    return next(each for each in count.speakers(house, **options).fields if each.field is field)


def test_each_clip_is_counted_once_by_how_it_ended(house: Collaborators) -> None:
    lender = make_lender(house)
    for _ in range(3):
        add_clip(house, lender, duration_s=1800)
    add_clip(house, lender, outcome=Outcome.DROPPED, reason="too_quiet")
    add_clip(house, lender, outcome=Outcome.FAILED, reason="Undecodable")
    add_clip(house, lender, outcome=None)
    make_waiting(house, lender, 2)

    told = count.count_clips(house)

    ended = told.outcomes
    assert (ended.clips, ended.kept, ended.dropped, ended.failed, ended.undecided) == (6, 3, 1, 1, 1)
    assert ended.kept_hours == 1.5
    assert (ended.dropped_because, ended.failed_with) == ([Because("too_quiet", 1)], [Because("Undecodable", 1)])
    assert (told.waits.to_be_measured, told.waits.to_be_decided, told.waits.to_be_reviewed) == (2, 1, 3)
    assert told.waits.oldest_for_review == NOW


def test_clips_that_want_more_than_one_curator_are_counted_among_those_that_wait(house: Collaborators) -> None:
    lender = make_lender(house)
    clips = [add_clip(house, lender) for _ in range(3)]
    with house.database.writing() as session:
        session.get_one(Clip, clips[0]).reviews_wanted = 2

    waits = count.count_clips(house).waits

    assert (waits.to_be_reviewed, waits.to_be_reviewed_by_several) == (3, 1)


def test_clips_that_other_rules_judged_wait_to_be_judged_again(house: Collaborators) -> None:
    lender = make_lender(house)
    older, _, leaver = add_clip(house, lender), add_clip(house, lender), make_lender(house)
    of_leaver = add_clip(house, leaver)
    with house.database.writing() as session:
        for clip_id in (older, of_leaver):
            session.get_one(Measurement, clip_id).judged_by = "older rules"

    withdraw_consent(house, leaver.account_id)

    assert count.count_clips(house).waits.to_be_judged_again == 1


def test_a_histogram_has_every_clip_in_one_bin_and_says_how_many_have_none(house: Collaborators) -> None:
    lender = make_lender(house)
    add_clip(house, lender, duration_s=0.5, confidence=1.0)
    add_clip(house, lender, duration_s=0.49, confidence=0.9)
    add_clip(house, lender, duration_s=700, snr_db=-3)
    add_clip(house, lender, duration_s=0.1, outcome=Outcome.DROPPED, reason="too_short")
    add_clip(house, lender, outcome=Outcome.FAILED, reason="Undecodable")

    found = {each.measure: each for each in count.count_clips(house).histograms}

    by_lower_edge = {each.begins: (each.kept, each.not_kept) for each in found[Measure.DURATION_S].bins}
    assert {edge: counts for edge, counts in by_lower_edge.items() if counts != (0, 0)} == {
        None: (0, 1),
        0.3: (1, 0),
        0.5: (1, 0),
        20: (1, 0),
    }
    assert found[Measure.DURATION_S].unmeasured == 1
    assert [each.kept for each in found[Measure.HEARD_CONFIDENCE].bins] == [0] * 9 + [2]
    assert found[Measure.HEARD_CONFIDENCE].unmeasured == 3
    assert [each.kept for each in found[Measure.CONFIDENCE].bins] == [0] * 4 + [1, 1] + [0] * 4
    assert [each.kept for each in found[Measure.SNR_DB].bins] == [1] + [0] * 11
    assert found[Measure.SPEECH_SHARE].unmeasured == 4


def test_what_is_withdrawn_is_in_no_number(house: Collaborators) -> None:
    stays, leaves = make_lender(house), make_lender(house)
    for lender in (stays, leaves):
        review(house, add_clip(house, lender, confidence=0.5), RejectReason.CUT_OFF)
        same_audio(house, [add_clip(house, lender), add_clip(house, lender)], lender.account_id)
        make_waiting(house, lender, 1)

    withdraw_consent(house, leaves.account_id)

    told = count.count_clips(house)
    assert (told.outcomes.clips, told.outcomes.kept_hours) == (3, 0.0)
    assert (told.waits.to_be_measured, told.waits.to_be_reviewed) == (1, 2)
    assert [(each.clips, each.sets, each.across_accounts) for each in told.sets] == [(2, 1, 0)]
    assert (told.reviews.rejected, told.reviews.rejected_because) == (1, [Because("cut_off", 1)])
    assert sum(each.kept for each in told.days) == 3
    assert (
        sum(bin.kept for each in told.histograms if each.measure is Measure.HEARD_CONFIDENCE for bin in each.bins) == 1
    )


def test_sets_of_the_same_audio_are_told_by_size_and_large_ones_together(house: Collaborators) -> None:
    one, other = make_lender(house), make_lender(house)
    same_audio(house, [add_clip(house, one), add_clip(house, one)], "twice")
    same_audio(house, [add_clip(house, one), add_clip(house, other)], "of both")
    same_audio(house, [add_clip(house, one) for _ in range(10)], "ten")
    same_audio(house, [add_clip(house, one) for _ in range(12)], "twelve")
    add_clip(house, one)

    found = count.count_clips(house).sets

    assert [(each.clips, each.and_more, each.sets, each.across_accounts) for each in found] == [
        (2, False, 2, 1),
        (10, True, 2, 0),
    ]


def test_a_day_begins_at_midnight_in_utc(house: Collaborators, clock: StillClock) -> None:
    lender, midnight = make_lender(house), datetime(2026, 3, 1, tzinfo=UTC)
    for at in (
        midnight,
        midnight - timedelta(microseconds=1),
        midnight - timedelta(days=13),
        midnight - timedelta(13.1),
    ):
        add_clip(house, lender, measured_at=at)

    found = count.count_clips(house).days

    assert len(found) == 14
    assert {each.day.isoformat(): each.kept for each in found if each.kept} == {
        "2026-02-16": 1,
        "2026-02-28": 1,
        "2026-03-01": 1,
    }
    assert (found[-1].received, found[-2].received) == (4, 0)


# Who speaks


def test_answers_of_eleven_are_told_and_of_ten_are_not(house: Collaborators) -> None:
    make_speakers(house, 11, {Field.GENDER: "woman"}, hours_each=2)
    make_speakers(house, 10, {Field.GENDER: "man"})
    make_speakers(house, 3, {Field.AGE_BAND: "18_29"})

    assert told_of(house, Field.GENDER).answers == [Answer("woman", 22, 11), Answer(None, 13, 11)]
    assert told_of(house, Field.AGE_BAND).answers == []


def test_what_is_left_of_all_is_never_of_a_few(house: Collaborators) -> None:
    make_speakers(house, 11, {Field.GENDER: "woman"})
    make_speakers(house, 12, {Field.GENDER: "man"})
    make_speakers(house, 1, {Field.GENDER: "another"})

    assert told_of(house, Field.GENDER).answers == [Answer("man", 12, 11), Answer(None, 12, 11)]


@pytest.mark.parametrize("gone", [Purpose.DEMOGRAPHICS, Purpose.COLLECT])
def test_who_takes_it_back_has_told_nothing(house: Collaborators, gone: Purpose) -> None:
    first, *_ = make_speakers(house, 11, {Field.GENDER: "woman"})
    make_speakers(house, 11)
    before = told_of(house, Field.GENDER).answers

    withdraw_consent(house, first.account_id, gone)

    assert before[0] == Answer("woman", 11, 11)
    assert told_of(house, Field.GENDER).answers == []


def test_telling_needs_the_purpose(house: Collaborators) -> None:
    for lender in [make_lender(house) for _ in range(11)]:  # who never agreed to it
        add_clip(house, lender)
        tell(house, lender.account_id, {Field.GENDER: "woman"})

    assert told_of(house, Field.GENDER).answers == []


def test_who_takes_it_back_while_keys_are_unwrapped_has_told_nothing(house: Collaborators) -> None:
    first, *_ = make_speakers(house, 11, {Field.GENDER: "woman"})
    make_speakers(house, 11)
    leaves = once(lambda: withdraw_consent(house, first.account_id, Purpose.DEMOGRAPHICS))

    assert told_of(when_a_key_is_unwrapped(house, leaves), Field.GENDER).answers == []


def test_whose_key_is_gone_or_whose_answer_was_changed_has_told_nothing(house: Collaborators) -> None:
    first, second, *_ = make_speakers(house, 13, {Field.GENDER: "woman"})
    house.keyring.destroy(first.account_id, voice_key(house, first.account_id).key_id)
    with house.database.writing() as session:
        row = session.get_one(Demographics, second.account_id)
        row.gender = voice_key(house, second.account_id).seal(b"woman", "elsewhere")
    make_speakers(house, 9)

    with capture_logs() as logs:
        told = told_of(house, Field.GENDER)

    assert told.answers == [Answer("woman", 11, 11), Answer(None, 11, 11)]
    assert logs == [{"event": "speaker_not_counted", "error": "SealBroken", "log_level": "warning"}]


def test_who_came_back_with_a_new_key_is_not_read_with_it(house: Collaborators) -> None:
    first, *_ = make_speakers(house, 11, {Field.GENDER: "woman"})
    make_speakers(house, 11)
    with house.database.writing() as session:
        session.get_one(Account, first.account_id).voice_key_id = house.keyring.create(first.account_id, KeyKind.VOICE)

    assert told_of(house, Field.GENDER).answers == []


def test_many_are_counted_in_several_batches(house: Collaborators) -> None:
    make_speakers(house, 11, {Field.ACCENT: "oceania"})

    assert told_of(house, Field.ACCENT, at_once=4).answers == [Answer("oceania", 11, 11)]


# Who may see it


@pytest.mark.parametrize("role", [Role.CURATOR, Role.STEWARD, Role.ADMIN])
def test_curators_stewards_and_admins_may_see_it(house: Collaborators, api: TestClient, role: Role) -> None:
    headers = signed_in(house, role)

    page, told = api.get("/curation", headers=headers), api.get("/v1/curation", headers=headers)

    assert (page.status_code, told.status_code) == (200, 200)
    assert {page.headers["cache-control"], told.headers["cache-control"]} == {"no-store"}
    assert "<script" not in page.text


@pytest.mark.parametrize("role", [Role.CONTRIBUTOR, Role.ENGINEER])
def test_nobody_else_may(house: Collaborators, api: TestClient, role: Role) -> None:
    headers = signed_in(house, role)

    assert api.get("/curation", headers=headers).status_code == 403
    assert api.get("/v1/curation", headers=headers).status_code == 403
    assert api.get("/curation").headers["location"] == "/sign-in?next=/curation"
    assert api.get("/v1/curation").status_code == 401


def test_it_is_counted_anew_after_a_minute(house: Collaborators, api: TestClient, clock: StillClock) -> None:
    headers = signed_in(house, Role.CURATOR)

    def clips() -> int:
        return int(api.get("/v1/curation", headers=headers).json()["clips"]["outcomes"]["clips"])

    before = clips()
    add_clip(house, make_lender(house))
    at_once = clips()
    clock.forward(CLIPS_KEPT_FOR)

    assert (before, at_once, clips()) == (0, 0, 1)
