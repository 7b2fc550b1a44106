"""Notices, opting in and out, and devices, through the API."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from starlette.testclient import TestClient

from corpus import queries
from corpus.collaborators import Collaborators
from corpus.errors import NoticeExists
from corpus.tables import Account
from corpus.web.app import build_app
from corpus.words import KeyId, Purpose, Scope
from ingest.app import routes
from ingest.publish_notice import publish_notice
from tests import factories
from tests.factories import NOW, make_account, make_token, tone, wav
from tests.fixtures.house import StillClock
from tests.integration.ingest.traces import Traces, bearer

WAV = wav(tone(duration_s=0.2))
ALL = ("collect", "review", "publish")


@pytest.fixture
def token(house: Collaborators) -> str:
    """Of an account that was never asked, with a notice there to be shown."""
    publish_notice(house, "version: 1\n\nWe keep what you say, if you agree.\n", locale="en-US")
    return make_token(house, make_account(house), Scope.ACCOUNT)


def agree(api: TestClient, token: str, purposes: Iterable[str] = ALL, **asked: Any) -> tuple[int, dict[str, object]]:
    body = {"notice": {"version": "1", "locale": "en-US"}, "purposes": list(purposes), "adult": True} | asked
    answer = api.post("/v1/consent", json=body, headers=bearer(token))
    return answer.status_code, answer.json()


def acts(api: TestClient, token: str) -> dict[str, tuple[str | None, bool]]:
    purposes = api.get("/v1/consent", headers=bearer(token)).json()["purposes"]
    return {name: (state["act"], state["in_force"]) for name, state in purposes.items()}


def voice_key_id(house: Collaborators) -> KeyId | None:
    with house.database.reading() as session:
        (account,) = session.query(Account).all()
        return account.voice_key_id


def test_the_current_notice_is_shown_word_for_word(api: TestClient, token: str) -> None:
    (notice,) = api.get("/v1/notices").json()["notices"]

    assert (notice["version"], notice["wording"]) == ("1", "We keep what you say, if you agree.\n")
    assert api.get("/v1/notices/1").json() == notice
    assert api.get("/v1/notices/1?locale=de").status_code == 404


def test_nobody_has_agreed_before_they_were_asked(api: TestClient, token: str) -> None:
    assert acts(api, token) == dict.fromkeys(Purpose, (None, False))


def test_opting_in_gives_what_was_ticked_and_refuses_the_rest(
    house: Collaborators, api: TestClient, token: str
) -> None:
    status, _ = agree(api, token, ["collect", "review"])

    assert status == 200
    assert acts(api, token) == {
        "collect": ("given", True),
        "review": ("given", True),
        "publish": ("refused", False),
        "demographics": ("refused", False),
    }
    assert voice_key_id(house) is not None


def test_agreeing_again_renews_keeps_the_key_and_takes_nothing_back(
    house: Collaborators, api: TestClient, token: str, traces: Traces
) -> None:
    agree(api, token)
    key_id = voice_key_id(house)
    files = set(traces.files())

    agree(api, token, ["collect"])

    assert acts(api, token) == {
        "collect": ("renewed", True),
        "review": ("given", True),
        "publish": ("given", True),
        "demographics": ("refused", False),
    }
    assert voice_key_id(house) == key_id
    added = set(traces.files()) - files
    assert [path for path in added if "/ledger/heads/" not in path] == []


@pytest.mark.parametrize(
    ("asked", "status", "problem"),
    [
        pytest.param({"adult": False}, 400, "bad-request", id="not-of-age"),
        pytest.param({"purposes": ["collect", "publish"]}, 400, "bad-request", id="published-without-review"),
        pytest.param({"purposes": ["review"]}, 400, "bad-request", id="reviewed-without-being-kept"),
        pytest.param({"purposes": ["sell"]}, 400, "bad-request", id="no-such-purpose"),
        pytest.param({"everything": True}, 400, "bad-request", id="no-such-field"),
        pytest.param({"notice": {"version": "9", "locale": "en-US"}}, 404, "unknown-notice", id="no-such-notice"),
    ],
)
def test_a_consent_that_is_none_is_refused_and_leaves_nothing(
    api: TestClient, token: str, traces: Traces, asked: dict[str, Any], status: int, problem: str
) -> None:
    before = traces.now()

    answered, told = agree(api, token, **asked)

    assert (answered, told["type"]) == (status, f"urn:loanword:problem:{problem}")
    assert traces.now() == before


def test_what_is_missing_is_named(api: TestClient, token: str) -> None:
    _, told = agree(api, token, ["publish"])

    assert "collect, review" in str(told["detail"])


def test_an_old_notice_cannot_be_agreed_to(house: Collaborators, api: TestClient, token: str) -> None:
    publish_notice(house, "version: 2\n\nWe keep more.", locale="en-US")

    status, told = agree(api, token)

    assert (status, told["type"]) == (403, "urn:loanword:problem:notice-outdated")


def test_a_no_is_recorded_as_one(house: Collaborators, api: TestClient, token: str) -> None:
    status, _ = agree(api, token, [], adult=False)

    assert status == 200
    assert acts(api, token) == dict.fromkeys(Purpose, ("refused", False))
    assert voice_key_id(house) is None


def test_a_device_of_the_account_may_upload_only_while_consent_is_in_force(api: TestClient, token: str) -> None:
    device = api.post("/v1/devices", json={"name": " kitchen   lamp "}, headers=bearer(token)).json()
    statuses = []
    for step in ("nothing", "agree", "withdraw", "agree"):
        if step == "agree":
            agree(api, token)
        elif step == "withdraw":
            assert api.post("/v1/consent/withdraw", headers=bearer(token)).status_code == 200
        statuses.append(api.post("/v1/utterances", content=WAV, headers=bearer(device["token"])).status_code)

    assert statuses == [403, 201, 403, 201]


def test_devices_are_listed_by_name_and_revoked(api: TestClient, token: str, traces: Traces) -> None:
    paired = api.post("/v1/devices", json={"name": " kitchen   lamp "}, headers=bearer(token))
    place = f"/v1/devices/{paired.json()['device']['id']}"

    revoked = [api.delete(place, headers=bearer(token)).status_code for _ in range(2)]

    (device,) = api.get("/v1/devices", headers=bearer(token)).json()["devices"]
    assert (paired.status_code, device["name"]) == (201, "kitchen lamp")
    assert revoked == [204, 204]
    assert device["revoked_at"] is not None
    assert not traces.holds(b"kitchen lamp")
    answer = api.post("/v1/utterances", content=WAV, headers=bearer(paired.json()["token"]))
    assert answer.json()["type"] == "urn:loanword:problem:device-revoked"


def test_nobody_revokes_anothers_device(house: Collaborators, api: TestClient, token: str) -> None:
    device = api.post("/v1/devices", json={"name": "lamp"}, headers=bearer(token)).json()["device"]
    stranger = make_token(house, make_account(house), Scope.ACCOUNT)

    assert api.delete(f"/v1/devices/{device['id']}", headers=bearer(stranger)).status_code == 404
    assert api.get("/v1/devices", headers=bearer(stranger)).json() == {"devices": []}


@pytest.mark.parametrize("name", ["", "   ", "x" * 101, "a\x00b", "a\u202eb"])
def test_a_name_that_is_none_is_refused(api: TestClient, token: str, name: str) -> None:
    assert api.post("/v1/devices", json={"name": name}, headers=bearer(token)).status_code == 400


def test_a_devices_token_cannot_consent_for_its_owner(house: Collaborators, api: TestClient) -> None:
    lender = factories.make_lender(house)

    answers = [
        api.get("/v1/consent", headers=bearer(lender.device_token)),
        api.post("/v1/consent/withdraw", headers=bearer(lender.device_token)),
        api.post("/v1/devices", json={"name": "x"}, headers=bearer(lender.device_token)),
    ]

    assert {answer.status_code for answer in answers} == {403}


@pytest.mark.parametrize("size_bytes", [65_537, 5_000_000])
def test_a_large_body_is_refused_where_a_small_one_is_meant(api: TestClient, token: str, size_bytes: int) -> None:
    answer = api.post("/v1/consent", content=b" " * size_bytes, headers=bearer(token))

    assert (answer.status_code, answer.headers["connection"]) == (413, "close")


@pytest.mark.parametrize("in_force", [True, False], ids=["until-then", "and-no-longer"])
def test_consent_lasts_as_long_as_is_set(house: Collaborators, token: str, clock: StillClock, in_force: bool) -> None:
    lifetime = timedelta(days=365)
    lasting = replace(house, settings=house.settings.model_copy(update={"consent_lifetime": lifetime}))
    with TestClient(build_app(lasting, [routes()])) as api:
        agree(api, token)
        clock.forward(lifetime - timedelta(seconds=1) if in_force else lifetime)

        assert acts(api, token)["collect"] == ("given", in_force)


def test_consent_that_ran_out_and_is_given_again_begins_anew(
    house: Collaborators, token: str, clock: StillClock
) -> None:
    lifetime = timedelta(days=365)
    lasting = replace(house, settings=house.settings.model_copy(update={"consent_lifetime": lifetime}))
    with TestClient(build_app(lasting, [routes()])) as api:
        agree(api, token)
        clock.forward(lifetime)

        agree(api, token)

        assert acts(api, token)["collect"] == ("given", True)


def test_uploads_under_an_old_notice_end_after_its_grace(house: Collaborators, token: str) -> None:
    publish_notice(house, "version: 2\n\nWe keep more.", locale="en-us")

    with house.database.reading() as session:
        old = queries.notice(session, "1", "en-US")
    assert old.uploads_until == NOW + house.settings.notice_grace


def test_the_same_notice_again_changes_nothing_and_another_wording_is_refused(house: Collaborators, token: str) -> None:
    again = publish_notice(house, "We keep what you say, if you agree.\n", locale="en-US", version="1")

    assert again.published_at == NOW
    with pytest.raises(NoticeExists):
        publish_notice(house, "We keep everything.", locale="en-US", version="1")


@pytest.mark.parametrize(
    "path",
    [
        pytest.param("/v1/notices/%00", id="version"),
        pytest.param("/v1/notices/1?locale=%00", id="locale"),
    ],
)
def test_a_nul_in_an_address_is_refused_and_no_fault_of_ours(api: TestClient, token: str, path: str) -> None:
    answer = api.get(path, headers=bearer(token))

    assert 400 <= answer.status_code < 500
    assert answer.headers["content-type"] == "application/problem+json"
