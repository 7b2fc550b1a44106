"""Every refusal of an upload: its status, its stable type, and nothing left behind."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest
from starlette.testclient import TestClient

from corpus.collaborators import Collaborators, collaborators
from corpus.settings import Settings
from corpus.web.app import build_app
from corpus.words import ConsentAct, Purpose, Scope
from ingest import digests
from ingest.app import routes
from ingest.pair_device import revoke_device
from ingest.withdraw import withdraw
from tests.factories import (
    NOW,
    Lender,
    consent_event,
    make_account,
    make_device,
    make_lender,
    make_token,
    opt_in,
    publish_notice,
    tone,
    wav,
)
from tests.fixtures.house import StillClock
from tests.integration.ingest.traces import Answer, Traces, send
from tests.unit.ingest.test_multipart import form, part

WAV = wav(tone(duration_s=0.5))
HTML = b"<!doctype html><title>Sign in to the hotel's network</title>" * 20
Arranged = tuple[Lender, bytes, str, dict[str, str]]
Arrange = Callable[[Collaborators], Arranged]


def given(body: bytes = WAV, query: str = "", **headers: str) -> Arrange:
    return lambda house: (make_lender(house), body, query, headers)


def unknown_token(house: Collaborators) -> Arranged:
    return replace(make_lender(house), device_token="lw_nobody"), WAV, "", {}


def token_without_scope(house: Collaborators) -> Arranged:
    lender = make_lender(house)
    return replace(lender, device_token=make_token(house, lender.account_id, Scope.ACCOUNT)), WAV, "", {}


def token_of_no_device(house: Collaborators) -> Arranged:
    lender = make_lender(house)
    return replace(lender, device_token=make_token(house, lender.account_id, Scope.UPLOAD)), WAV, "", {}


def revoked_device(house: Collaborators) -> Arranged:
    lender = make_lender(house)
    revoke_device(house, lender.account_id, lender.device_id)
    return lender, WAV, "", {}


def never_asked(house: Collaborators) -> Arranged:
    return make_device(house, make_account(house)), WAV, "", {}


def refused(house: Collaborators) -> Arranged:
    publish_notice(house)
    lender = make_device(house, make_account(house))
    consent_event(house, lender.account_id, ConsentAct.REFUSED)
    return lender, WAV, "", {}


def withdrawn(house: Collaborators) -> Arranged:
    lender = make_lender(house)
    withdraw(house, lender.account_id)
    return lender, WAV, "", {}


def wrong_purpose(house: Collaborators) -> Arranged:
    publish_notice(house)
    lender = make_device(house, make_account(house))
    consent_event(house, lender.account_id, ConsentAct.GIVEN, purposes=[Purpose.REVIEW])
    return lender, WAV, "", {}


def expired(house: Collaborators) -> Arranged:
    account_id = make_account(house)
    opt_in(house, account_id, expires_at=NOW)
    return make_device(house, account_id), WAV, "", {}


def outdated(house: Collaborators) -> Arranged:
    lender = make_lender(house)
    publish_notice(house, version="2", at=NOW - timedelta(days=30))
    return lender, WAV, "", {}


def captured_before(house: Collaborators) -> Arranged:
    return make_lender(house), WAV, "", {"Loanword_Captured_At": (NOW - timedelta(days=1, seconds=1)).isoformat()}


def captured_before_a_return(house: Collaborators) -> Arranged:
    lender = make_lender(house)
    withdraw(house, lender.account_id)
    opt_in(house, lender.account_id, at=NOW)
    return lender, WAV, "", {"Loanword_Captured_At": (NOW - timedelta(hours=1)).isoformat()}


ROWS = [
    pytest.param(unknown_token, 401, "unauthenticated", id="unknown-token"),
    pytest.param(token_without_scope, 403, "scope-missing", id="token-for-something-else"),
    pytest.param(token_of_no_device, 403, "token-of-no-device", id="token-of-no-device"),
    pytest.param(revoked_device, 403, "device-revoked", id="revoked-device"),
    pytest.param(never_asked, 403, "consent-not-given", id="never-asked"),
    pytest.param(refused, 403, "consent-not-given", id="said-no"),
    pytest.param(withdrawn, 403, "consent-withdrawn", id="withdrawn"),
    pytest.param(wrong_purpose, 403, "consent-not-given", id="agreed-to-something-else"),
    pytest.param(expired, 403, "consent-expired", id="expired"),
    pytest.param(outdated, 403, "notice-outdated", id="notice-outdated"),
    pytest.param(captured_before, 403, "captured-before-consent", id="captured-before-consent"),
    pytest.param(captured_before_a_return, 403, "captured-before-consent", id="captured-before-a-return"),
    pytest.param(given(bytes(10_000_001)), 413, "too-large", id="too-large"),
    pytest.param(given(HTML), 415, "not-audio", id="not-audio"),
    pytest.param(given(b""), 415, "not-audio", id="empty"),
    pytest.param(given(WAV[:11], Content_Type="audio/wav"), 415, "not-audio", id="a-header-cut-short"),
    pytest.param(given(form(part("audio", HTML))), 415, "not-audio", id="multipart-without-audio"),
    pytest.param(given(form(part("audio", WAV))[:-9]), 400, "bad-body", id="multipart-cut-short"),
    pytest.param(
        given(WAV, Content_Type="multipart/form-data; boundary=B"), 400, "bad-body", id="multipart-in-name-only"
    ),
    pytest.param(given(b"--" + b"x" * 9000), 400, "bad-body", id="a-hostile-boundary"),
    pytest.param(given(Repr_Digest=digests.header_for(b"x")), 400, "digest-mismatch", id="wrong-digest"),
    pytest.param(given(Content_Digest=digests.header_for(b"x")), 400, "digest-mismatch", id="wrong-content-digest"),
    pytest.param(given(Repr_Digest="sha-256=what"), 400, "bad-digest-header", id="no-digest"),
    pytest.param(given(query="?locale=en_US"), 400, "bad-metadata", id="bad-locale"),
    pytest.param(given(query="?captured_at=2027-01-01T00:00:00Z"), 400, "bad-metadata", id="captured-tomorrow"),
    pytest.param(
        given(form(part("audio", WAV), part("captured_at", b"2027-01-01T00:00:00Z"))),
        400,
        "bad-metadata",
        id="captured-tomorrow-in-a-field",
    ),
    pytest.param(given(Idempotency_Key="a key"), 400, "bad-metadata", id="bad-idempotency-key"),
    pytest.param(given(Idempotency_Key="k" * 256), 400, "bad-metadata", id="long-idempotency-key"),
]


@pytest.mark.parametrize(("arrange", "status", "problem"), ROWS)
def test_a_refused_upload_is_told_why_and_leaves_nothing(
    house: Collaborators, api: TestClient, traces: Traces, arrange: Arrange, status: int, problem: str
) -> None:
    lender, body, query, headers = arrange(house)
    before = traces.now()

    answer = send(api, lender, body, query, **headers)

    assert (answer.status, answer.problem) == (status, problem)
    assert answer.headers["content-type"] == "application/problem+json"
    assert traces.now() == before


def test_no_token_at_all_is_refused(house: Collaborators, api: TestClient, traces: Traces) -> None:
    before = traces.now()

    answer = api.post("/v1/utterances", content=WAV)

    assert (answer.status_code, answer.headers["www-authenticate"]) == (401, "Bearer")
    assert traces.now() == before


@pytest.mark.parametrize(
    ("body", "query"),
    [pytest.param(WAV + b"\0\0", "", id="another-body"), pytest.param(WAV, "?transcript=x", id="another-transcript")],
)
def test_a_key_used_for_something_else_is_refused(
    house: Collaborators, api: TestClient, traces: Traces, body: bytes, query: str
) -> None:
    lender = make_lender(house)
    send(api, lender, WAV, Idempotency_Key="k-1")
    before = traces.now()

    answer = send(api, lender, body, query, Idempotency_Key="k-1")

    assert (answer.status, answer.problem) == (422, "idempotency-key-reused")
    assert traces.now() == before


def test_a_retry_after_a_withdrawal_is_refused(house: Collaborators, api: TestClient) -> None:
    lender = make_lender(house)
    send(api, lender, WAV, Idempotency_Key="k-1")
    withdraw(house, lender.account_id)

    answer = send(api, lender, WAV, Idempotency_Key="k-1")

    assert (answer.status, answer.problem) == (403, "consent-withdrawn")


@pytest.fixture
def slow_house(settings: Settings, clock: StillClock) -> Collaborators:
    return collaborators(settings.model_copy(update={"uploads_per_minute": 2}), clock)


def test_a_device_that_is_too_fast_waits_until_its_oldest_upload_is_a_minute_old(
    slow_house: Collaborators, clock: StillClock, traces: Traces
) -> None:
    lender, other = make_lender(slow_house), make_lender(slow_house)
    answers: list[Answer] = []

    with TestClient(build_app(slow_house, [routes()])) as api:
        for seconds in (0, 10, 10, 39, 1):
            clock.forward(timedelta(seconds=seconds))
            answers.append(send(api, lender, WAV))
        answers.append(send(api, other, WAV))

    assert [answer.status for answer in answers] == [201, 201, 429, 429, 201, 201]
    assert (answers[2].problem, answers[2].headers["retry-after"]) == ("rate-limited", "40")
    assert (traces.utterances(), len(traces.objects())) == (4, 4)
    slow_house.database.close()


def test_a_server_that_holds_too_much_says_when_to_come_back(
    settings: Settings, clock: StillClock, traces: Traces
) -> None:
    full = collaborators(settings.model_copy(update={"upload_memory_bytes": len(WAV) - 1}), clock)
    lender = make_lender(full)
    before = traces.now()

    with TestClient(build_app(full, [routes()])) as api:
        answers = [send(api, lender, WAV), send(api, lender, WAV[: len(WAV) // 2])]

    assert [(answer.status, answer.problem) for answer in answers] == [(503, "overloaded"), (201, "")]
    assert "retry-after" in answers[0].headers
    assert len(traces.now()) > len(before)
    full.database.close()
