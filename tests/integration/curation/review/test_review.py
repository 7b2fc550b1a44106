"""The review API: who is offered which clip, what is heard, and what is recorded."""

import io
import json
import wave
from datetime import timedelta

import pytest
from starlette.testclient import TestClient

from corpus.collaborators import Collaborators
from corpus.sealed import place
from corpus.tables import Label, Review
from corpus.web import sessions
from corpus.web.app import build_app
from corpus.words import ClipId, ConsentAct, Decision, Outcome, Purpose, RejectReason, Role, Scope
from curation.review import api
from curation.review.review import LEASE
from tests.factories import (
    PASSWORD,
    consent_event,
    make_account,
    make_clip,
    make_device,
    make_hypothesis,
    make_lender,
    make_token,
    opt_in,
    tone,
    voice_key,
    withdraw_consent,
)
from tests.fixtures.house import StillClock
from tests.integration.curation.review.console import curator_at, rows_of

PROBLEM = "urn:loanword:problem:"


def test_a_curator_is_given_a_clip_hears_it_and_accepts_it(house: Collaborators) -> None:
    lender, curator = make_lender(house), curator_at(house)
    pcm = tone(duration_s=1.5)
    clip_id = make_clip(house, lender, pcm=pcm)
    make_hypothesis(house, lender, clip_id, "turn on the lights", recogniser="device")
    make_hypothesis(house, lender, clip_id, "turn on the light", recogniser="tiny.en", confidence=0.8)

    offered = curator.next()
    heard = curator.hear(clip_id)
    accepted = curator.accept(clip_id, "  Turn ON the\tlights, please! ")

    assert offered.status_code == 200
    assert offered.headers["cache-control"] == "no-store"
    assert offered.json() == {
        "clip_id": clip_id,
        "duration_s": 1.5,
        "locale": "en-US",
        "hypothesis": {"recogniser": "tiny.en", "text": "turn on the light", "confidence": 0.8},
        "second_opinion": False,
        "audio_url": f"/v1/review/clips/{clip_id}/audio",
        "lease_until": "2026-03-01T12:10:00Z",
        "waiting": 1,
    }
    assert (heard.headers["content-type"], heard.headers["cache-control"]) == ("audio/wav", "no-store")
    with wave.open(io.BytesIO(heard.content)) as file:
        assert (file.getframerate(), file.getnchannels(), file.getsampwidth()) == (16_000, 1, 2)
        assert file.readframes(file.getnframes()) == pcm
    assert accepted.status_code == 201
    assert accepted.json()["transcript"] == "turn on the lights please"
    assert curator.next().status_code == 204
    key = voice_key(house, lender.account_id)
    with house.database.reading() as session:
        review, label = session.query(Review).one(), session.get_one(Label, clip_id)
    assert (review.clip_id, review.curator_id, review.decision) == (clip_id, curator.account_id, Decision.ACCEPT)
    assert review.transcript is not None
    assert key.open(review.transcript, place("reviews.transcript", review.id)) == b"turn on the lights please"
    assert key.open(label.transcript, place("labels.transcript", clip_id)) == b"turn on the lights please"
    assert label.source == "review"


def test_a_rejection_is_recorded_with_its_reason_and_leaves_no_label(house: Collaborators) -> None:
    curator, clip_id = curator_at(house), make_clip(house, make_lender(house))
    curator.next()

    answer = curator.reject(clip_id, "second_speaker")

    assert answer.status_code == 201
    assert rows_of(house, clip_id) == (1, 0)
    with house.database.reading() as session:
        assert session.query(Review).one().reason is RejectReason.SECOND_SPEAKER
    assert curator.next().status_code == 204


def test_the_oldest_clip_comes_first_and_only_kept_ones_come(house: Collaborators, clock: StillClock) -> None:
    lender, curator = make_lender(house), curator_at(house)
    make_clip(house, lender, outcome=Outcome.DROPPED, reason="silent")
    make_clip(house, lender, outcome=None)
    older = make_clip(house, lender)
    clock.forward(timedelta(seconds=1))
    make_clip(house, lender)

    offered = curator.next().json()

    assert (offered["clip_id"], offered["waiting"], offered["hypothesis"]) == (older, 2, None)


def test_two_curators_are_never_given_the_same_clip(house: Collaborators) -> None:
    lender = make_lender(house)
    clips = {make_clip(house, lender) for _ in range(2)}
    first, second, third = (curator_at(house) for _ in range(3))

    offered = [first.next().json()["clip_id"], second.next().json()["clip_id"]]

    assert set(offered) == clips
    assert third.next().status_code == 204
    assert second.hear(offered[0]).status_code == 404
    assert second.accept(offered[0]).json()["type"] == PROBLEM + "already-reviewed"
    assert first.next().json()["clip_id"] == offered[0]


def test_a_lease_runs_out_and_the_clip_goes_to_another(house: Collaborators, clock: StillClock) -> None:
    clip_id = make_clip(house, make_lender(house))
    slow, quick = curator_at(house), curator_at(house)
    slow.next()

    clock.forward(LEASE)

    assert slow.hear(clip_id).status_code == 404
    assert quick.next().json()["clip_id"] == clip_id
    assert slow.accept(clip_id).status_code == 409
    assert quick.accept(clip_id).status_code == 201


def test_a_slow_curator_may_still_decide_while_nobody_else_has_the_clip(
    house: Collaborators, clock: StillClock
) -> None:
    clip_id, slow = make_clip(house, make_lender(house)), curator_at(house)
    slow.next()

    clock.forward(LEASE * 2)

    assert slow.accept(clip_id).status_code == 201


def test_a_clip_is_reviewed_once(house: Collaborators) -> None:
    clip_id, curator = make_clip(house, make_lender(house)), curator_at(house)
    curator.next()
    curator.accept(clip_id)

    again = [curator.accept(clip_id), curator.reject(clip_id), curator_at(house).reject(clip_id)]

    assert [answer.status_code for answer in again] == [409, 409, 409]
    assert curator.hear(clip_id).status_code == 404
    assert rows_of(house, clip_id) == (1, 1)


def test_nobody_reviews_their_own_voice(house: Collaborators) -> None:
    account_id = make_account(house, role=Role.CURATOR)
    opt_in(house, account_id)
    own = make_clip(house, make_device(house, account_id))
    curator = curator_at(house, account_id)

    assert curator.next().status_code == 204
    assert curator.hear(own).status_code == 404
    assert curator.accept(own).status_code == 404
    assert rows_of(house, own) == (0, 0)
    assert curator_at(house).next().json()["clip_id"] == own


@pytest.mark.parametrize(
    ("purposes", "act"),
    [
        pytest.param([Purpose.COLLECT, Purpose.REVIEW, Purpose.PUBLISH], ConsentAct.WITHDRAWN, id="everything"),
        pytest.param([Purpose.REVIEW], ConsentAct.WITHDRAWN, id="review-alone"),
        pytest.param([Purpose.COLLECT], ConsentAct.EXPIRED, id="collect-ran-out"),
    ],
)
def test_a_withdrawn_clip_leaves_the_queue_and_falls_silent_at_once(
    house: Collaborators, purposes: list[Purpose], act: ConsentAct
) -> None:
    lender, curator = make_lender(house), curator_at(house)
    clip_id = make_clip(house, lender)
    curator.next()

    consent_event(house, lender.account_id, act, purposes=purposes, at=house.clock())

    assert curator.next().status_code == 204
    assert curator.hear(clip_id).status_code == 404
    assert curator.accept(clip_id).json()["type"] == PROBLEM + "unknown-clip"
    assert curator.reject(clip_id).status_code == 404
    assert rows_of(house, clip_id) == (0, 0)


def test_consent_ends_by_the_clock_too(house: Collaborators, clock: StillClock) -> None:
    account_id = make_account(house)
    opt_in(house, account_id, expires_at=clock() + timedelta(minutes=1))
    clip_id, curator = make_clip(house, make_device(house, account_id)), curator_at(house)
    curator.next()

    clock.forward(timedelta(minutes=1))

    assert curator.hear(clip_id).status_code == 404
    assert curator.accept(clip_id).status_code == 404


def test_without_consent_to_review_nothing_is_offered(house: Collaborators) -> None:
    make_clip(house, make_lender(house, purposes=[Purpose.COLLECT]))

    assert curator_at(house).next().status_code == 204


def test_a_destroyed_key_does_not_hold_up_the_queue(house: Collaborators, clock: StillClock) -> None:
    gone, here = make_lender(house), make_lender(house)
    unreadable = make_clip(house, gone)
    make_hypothesis(house, gone, unreadable, "lost")
    clock.forward(timedelta(seconds=1))
    readable = make_clip(house, here)
    house.keyring.destroy(gone.account_id, voice_key(house, gone.account_id).key_id)

    assert curator_at(house).next().json()["clip_id"] == readable


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        pytest.param("bytes=0-1", slice(0, 2), id="probe"),
        pytest.param("bytes=44-", slice(44, None), id="after-the-header"),
        pytest.param("bytes=-100", slice(-100, None), id="tail"),
    ],
)
def test_a_player_may_ask_for_a_range(house: Collaborators, asked: str, expected: slice) -> None:
    clip_id, curator = make_clip(house, make_lender(house)), curator_at(house)
    curator.next()
    whole = curator.hear(clip_id).content

    part = curator.hear(clip_id, Range=asked)

    start, stop, _ = expected.indices(len(whole))
    assert (part.status_code, part.content) == (206, whole[expected])
    assert part.headers["content-range"] == f"bytes {start}-{stop - 1}/{len(whole)}"


def test_a_range_outside_the_recording_is_refused_with_its_size(house: Collaborators) -> None:
    clip_id, curator = make_clip(house, make_lender(house), pcm=tone(duration_s=1)), curator_at(house)
    curator.next()

    answer = curator.hear(clip_id, Range="bytes=99999999-")

    assert (answer.status_code, answer.headers["content-range"]) == (416, "bytes */32044")


@pytest.mark.parametrize(
    ("transcript", "kind"),
    [
        pytest.param("", "empty-transcript", id="empty"),
        pytest.param(" \t ... '' ", "empty-transcript", id="punctuation-only"),
        pytest.param("café", "outside-alphabet", id="accent"),
        pytest.param("a\x00b", "outside-alphabet", id="nul"),
        pytest.param("a\u202eb", "outside-alphabet", id="right-to-left-override"),
        pytest.param("<script>alert</script>", "outside-alphabet", id="markup"),
        pytest.param("=cmd|' /c calc'!a", "outside-alphabet", id="spreadsheet-formula"),
        pytest.param("\ud800", "bad-request", id="half-a-character"),
        pytest.param("a" * 1001, "bad-request", id="too-long"),
        pytest.param("\ufdfa" * 1000, "outside-alphabet", id="grows-when-normalised"),
        pytest.param(7, "bad-request", id="a-number"),
        pytest.param(None, "bad-request", id="null"),
    ],
)
def test_a_transcript_that_no_label_can_hold_is_refused(house: Collaborators, transcript: object, kind: str) -> None:
    clip_id, curator = make_clip(house, make_lender(house)), curator_at(house)
    curator.next()

    answer = curator.client.post(
        f"/v1/review/clips/{clip_id}",
        content=json.dumps({"decision": "accept", "transcript": transcript}),
        headers={**curator.headers, "Content-Type": "application/json"},
    )

    assert (answer.status_code, answer.json()["type"]) == (400, PROBLEM + kind)
    assert rows_of(house, clip_id) == (0, 0)


def test_a_refused_transcript_says_what_to_write(house: Collaborators) -> None:
    clip_id, curator = make_clip(house, make_lender(house)), curator_at(house)
    curator.next()

    answer = curator.accept(clip_id, "me @ home")

    assert answer.json()["detail"] == "Outside the alphabet: @ (write numbers and symbols as words)."


@pytest.mark.parametrize(
    "body",
    [
        pytest.param({"decision": "accept"}, id="no-transcript"),
        pytest.param({"decision": "accept", "transcript": "a", "reason": "other"}, id="both"),
        pytest.param({"decision": "reject"}, id="no-reason"),
        pytest.param({"decision": "reject", "reason": "boring"}, id="no-such-reason"),
        pytest.param({"decision": "maybe"}, id="no-such-decision"),
        pytest.param([], id="a-list"),
    ],
)
def test_a_judgement_that_is_none_is_refused(house: Collaborators, body: object) -> None:
    clip_id, curator = make_clip(house, make_lender(house)), curator_at(house)

    answer = curator.judge(clip_id, body)

    assert (answer.status_code, answer.json()["type"]) == (400, PROBLEM + "bad-request")


@pytest.mark.parametrize(
    ("clip_id", "status"),
    [("0" * 32, 404), ("0" * 31, 400), ("A" * 32, 400), ("%00" * 32, 400), ("..%2F" + "0" * 27, 404)],
)
def test_a_clip_that_is_none_is_refused(house: Collaborators, clip_id: str, status: int) -> None:
    curator = curator_at(house)

    assert [curator.hear(clip_id).status_code, curator.accept(clip_id).status_code] == [status, status]


def test_only_curators_review(house: Collaborators) -> None:
    contributor = make_account(house, email="bob@example.org")
    client = TestClient(build_app(house, [api.router, sessions.router]), follow_redirects=False)

    asked = {"email": "bob@example.org", "password": PASSWORD}
    for_review = client.post("/v1/tokens", json={**asked, "scopes": ["review"]})
    other = {"Authorization": f"Bearer {make_token(house, contributor, Scope.ACCOUNT)}"}

    assert (for_review.status_code, for_review.json()["type"]) == (403, PROBLEM + "role-missing")
    assert client.get("/v1/review/next", headers=other).json()["type"] == PROBLEM + "scope-missing"
    assert client.get("/v1/review/next").status_code == 401
    assert client.get("/v1/review/next", headers={"Authorization": "Bearer lw_guess"}).status_code == 401


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        pytest.param({"Origin": "http://testserver"}, 201, id="our-own-page"),
        pytest.param({"Sec-Fetch-Site": "same-origin"}, 201, id="our-own-page-as-the-browser-says"),
        pytest.param({"Origin": "https://elsewhere.example"}, 403, id="another-origin"),
        pytest.param({"Origin": "http://testserver", "Sec-Fetch-Site": "cross-site"}, 403, id="cross-site"),
        pytest.param({}, 403, id="nothing-shown"),
    ],
)
def test_a_cookie_judges_from_our_own_page_only(house: Collaborators, headers: dict[str, str], status: int) -> None:
    make_account(house, email="eve@example.org", role=Role.CURATOR)
    clip_id = make_clip(house, make_lender(house))
    client = TestClient(build_app(house, [api.router, sessions.router]), follow_redirects=False)
    form = {"email": "eve@example.org", "password": PASSWORD}
    client.post("/sign-in", data=form, headers={"Origin": "http://testserver"})

    answer = client.post(
        f"/v1/review/clips/{clip_id}", json={"decision": "accept", "transcript": "yes"}, headers=headers
    )

    assert answer.status_code == status
    assert rows_of(house, clip_id) == ((1, 1) if status == 201 else (0, 0))


def test_the_page_sends_people_to_sign_in_and_others_away(house: Collaborators) -> None:
    contributor = make_account(house)
    client = TestClient(build_app(house, [api.router, sessions.router]), follow_redirects=False)

    signed_out = client.get("/review")
    other = client.get("/review", headers={"Authorization": f"Bearer {make_token(house, contributor, Scope.ACCOUNT)}"})
    curator = curator_at(house)
    welcome = client.get("/review", headers=curator.headers)

    assert (signed_out.status_code, signed_out.headers["location"]) == (303, "/sign-in?next=/review")
    assert other.status_code == 403
    assert b"Only curators" in other.content
    assert welcome.status_code == 200
    assert all(f'data-reason="{reason}"'.encode() in welcome.content for reason in RejectReason)
    assert b"style=" not in welcome.content
    assert b"onclick" not in welcome.content


def test_someone_who_returns_with_a_new_key_brings_nothing_old_back(house: Collaborators, clock: StillClock) -> None:
    lender = make_lender(house)
    old: ClipId = make_clip(house, lender)
    clock.forward(timedelta(minutes=1))
    withdraw_consent(house, lender.account_id)
    clock.forward(timedelta(minutes=1))
    opt_in(house, lender.account_id, at=clock())

    curator = curator_at(house)

    assert curator.next().status_code == 204
    assert curator.accept(old).status_code == 404
