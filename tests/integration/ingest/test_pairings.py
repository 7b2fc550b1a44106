"""Pairing by code: what a device and its owner are granted, and every refusal."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from functools import partial
from threading import Barrier

import pytest
from starlette.testclient import TestClient

from corpus.collaborators import Collaborators
from corpus.errors import LoanwordError, Overloaded, RateLimited, UnknownPairing
from corpus.identity import attempts
from corpus.tables import FailedAttempt, Pairing
from corpus.web.app import build_app
from corpus.words import AccountId, Scope
from ingest.app import routes
from ingest.pair_device import list_devices, revoke_device
from ingest.pairing.codes import shown
from ingest.pairing.pair_by_code import (
    BEGINNINGS,
    BY_ACCOUNT,
    BY_ALL,
    BY_CLIENT,
    COLLECTED_AGAIN,
    INTERVAL,
    LIFETIME,
    MOST_WAITING,
    Begun,
    approve_pairing,
    begin_pairing,
    collect_token,
)
from tests.factories import make_account, make_token
from tests.fixtures.house import StillClock
from tests.integration.ingest.traces import bearer

WRONG = "ZZZZ-ZZZZ"


@pytest.fixture
def owner(house: Collaborators) -> AccountId:
    return make_account(house)


def poll(api: TestClient, device_code: str) -> tuple[int, str]:
    answer = api.post("/v1/pairings/token", json={"device_code": device_code}).json()
    return (200, answer["token"]) if "token" in answer else (answer["status"], answer["type"].rpartition(":")[2])


def is_good(api: TestClient, token: str) -> bool:
    """Whether the token uploads: without consent it is told so, and a token that we do not know never gets there."""
    problem = api.post("/v1/utterances", headers=bearer(token)).json()["type"]
    return bool(problem == "urn:loanword:problem:consent-not-given")


def outcome(act: Callable[[], object]) -> type[LoanwordError] | None:
    try:
        act()
    except LoanwordError as refusal:
        return type(refusal)
    return None


def test_a_device_shows_a_code_its_owner_types_it_and_the_device_has_its_token(
    house: Collaborators, api: TestClient, owner: AccountId, clock: StillClock
) -> None:
    begun = api.post("/v1/pairings")
    told = begun.json()
    waiting = poll(api, told["device_code"])
    asked = {"user_code": told["user_code"].lower(), "name": " kitchen  lamp "}
    approved = api.post("/v1/pairings/approve", json=asked, headers=bearer(make_token(house, owner, Scope.ACCOUNT)))
    status, token = poll(api, told["device_code"])

    assert (begun.status_code, begun.headers["cache-control"]) == (201, "no-store")
    assert told["verification_uri"] == "http://testserver/me/devices"
    assert told["verification_uri_complete"] == f"http://testserver/me/devices?code={told['user_code']}"
    assert (told["expires_in"], told["interval"]) == (900, 5)
    assert waiting == (400, "authorization-pending")
    assert (approved.status_code, approved.json()["name"]) == (201, "kitchen lamp")
    assert (status, is_good(api, token)) == (200, True)
    assert [device.name for device in list_devices(house, owner)] == ["kitchen lamp"]


def test_the_address_shown_is_the_one_that_people_use(house: Collaborators) -> None:
    public = replace(house, settings=house.settings.model_copy(update={"public_url": "https://voices.example/"}))

    told = TestClient(build_app(public, [routes()])).post("/v1/pairings").json()

    assert told["verification_uri"] == "https://voices.example/me/devices"


def test_only_digests_of_the_codes_are_kept(house: Collaborators) -> None:
    begun = begin_pairing(house)

    with house.database.reading() as session:
        kept = session.query(Pairing).one()
    assert {begun.user_code, begun.device_code} & {kept.id, kept.code_lookup, kept.device_code_lookup} == set()
    assert begun.user_code not in repr(vars(kept))


def test_whoever_asks_too_often_is_told_to_slow_down(api: TestClient, house: Collaborators, clock: StillClock) -> None:
    device_code = begin_pairing(house).device_code

    told = [poll(api, device_code)[1], poll(api, device_code)[1]]
    clock.forward(INTERVAL)

    assert told == ["authorization-pending", "slow-down"]
    assert poll(api, device_code) == (400, "authorization-pending")


def test_a_code_ends_after_a_quarter_of_an_hour(
    api: TestClient, house: Collaborators, owner: AccountId, clock: StillClock
) -> None:
    begun = begin_pairing(house)

    clock.forward(LIFETIME)

    assert poll(api, begun.device_code) == (400, "expired-token")
    assert outcome(lambda: approve_pairing(house, owner, begun.user_code, "lamp")) is UnknownPairing
    assert list_devices(house, owner) == []


def test_a_code_that_is_typed_in_its_last_second_can_still_be_collected(
    house: Collaborators, owner: AccountId, clock: StillClock
) -> None:
    begun = begin_pairing(house)
    clock.forward(LIFETIME - timedelta(seconds=1))

    approve_pairing(house, owner, begun.user_code, "lamp")
    clock.forward(INTERVAL)

    assert collect_token(house, begun.device_code)


def test_a_device_whose_answer_was_lost_gets_another_token_and_the_first_is_good_for_nothing(
    api: TestClient, house: Collaborators, owner: AccountId, clock: StillClock
) -> None:
    begun = begin_pairing(house)
    approve_pairing(house, owner, begun.user_code, "lamp")

    lost = collect_token(house, begun.device_code)
    clock.forward(COLLECTED_AGAIN / 2)
    found = collect_token(house, begun.device_code)
    clock.forward(COLLECTED_AGAIN / 2)
    late = poll(api, begun.device_code)

    assert (is_good(api, lost), is_good(api, found)) == (False, True)
    assert late == (400, "expired-token")
    assert is_good(api, found)


def test_a_device_that_was_revoked_before_it_collected_gets_no_token(
    api: TestClient, house: Collaborators, owner: AccountId
) -> None:
    begun = begin_pairing(house)
    device = approve_pairing(house, owner, begun.user_code, "lamp")

    revoke_device(house, owner, device.device_id)

    assert poll(api, begun.device_code) == (400, "expired-token")


def test_an_unknown_device_code_is_answered_like_an_old_one(api: TestClient) -> None:
    assert poll(api, "nobody began this") == (400, "expired-token")


def test_a_code_is_good_once(house: Collaborators, owner: AccountId) -> None:
    begun = begin_pairing(house)
    approve_pairing(house, owner, begun.user_code, "lamp")

    again = outcome(lambda: approve_pairing(house, make_account(house), begun.user_code, "mine"))

    assert again is UnknownPairing


def test_of_two_who_type_a_code_at_once_one_gets_the_device(house: Collaborators) -> None:
    people, begun, start = [make_account(house), make_account(house)], begin_pairing(house), Barrier(2)

    def approve(account_id: AccountId) -> type[LoanwordError] | None:
        start.wait()
        return outcome(lambda: approve_pairing(house, account_id, begun.user_code, "lamp"))

    with ThreadPoolExecutor(2) as both:
        outcomes = list(both.map(approve, people))

    assert sorted(outcomes, key=str) == sorted([None, UnknownPairing], key=str)
    assert sorted(len(list_devices(house, person)) for person in people) == [0, 1]


def test_approving_needs_a_token_of_the_account(api: TestClient, house: Collaborators, owner: AccountId) -> None:
    asked = {"user_code": shown(begin_pairing(house).user_code), "name": "lamp"}

    unknown = api.post("/v1/pairings/approve", json=asked)
    another_scope = api.post("/v1/pairings/approve", json=asked, headers=bearer(make_token(house, owner, Scope.UPLOAD)))

    assert (unknown.status_code, another_scope.status_code) == (401, 403)
    assert list_devices(house, owner) == []


@pytest.mark.parametrize("name", ["", " ", "a\x00b", "a" * 101])
def test_a_name_that_is_none_uses_the_code_up_for_nobody(house: Collaborators, owner: AccountId, name: str) -> None:
    begun = begin_pairing(house)

    assert outcome(lambda: approve_pairing(house, owner, begun.user_code, name)) is not None
    assert approve_pairing(house, owner, begun.user_code, "lamp").name == "lamp"


def test_wrong_codes_of_one_account_are_counted_and_time_forgives_them(
    house: Collaborators, owner: AccountId, clock: StillClock
) -> None:
    begun = begin_pairing(house)
    wrong = [outcome(lambda: approve_pairing(house, owner, WRONG, "lamp")) for _ in range(BY_ACCOUNT.failures)]

    paused = outcome(lambda: approve_pairing(house, owner, begun.user_code, "lamp"))
    clock.forward(BY_ACCOUNT.within)

    assert (set(wrong), paused) == ({UnknownPairing}, RateLimited)
    assert approve_pairing(house, owner, begun.user_code, "lamp").name == "lamp"


def test_wrong_codes_from_one_client_are_counted_together(house: Collaborators, owner: AccountId) -> None:
    begun, client = begin_pairing(house), "192.0.2.7"
    people = [make_account(house) for _ in range(BY_CLIENT.failures // BY_ACCOUNT.failures)]

    for person in people * BY_ACCOUNT.failures:
        outcome(partial(approve_pairing, house, person, WRONG, "lamp", client))

    assert outcome(lambda: approve_pairing(house, owner, begun.user_code, "lamp", client)) is RateLimited
    assert approve_pairing(house, owner, begun.user_code, "lamp", "192.0.2.8").name == "lamp"


def test_wrong_codes_from_anywhere_are_counted_together(house: Collaborators, owner: AccountId) -> None:
    begun = begin_pairing(house)
    with house.database.writing() as session:
        for _ in range(BY_ALL.failures):
            attempts.count(session, [attempts.counter(house.master, BY_ALL)], house.clock())

    assert outcome(lambda: approve_pairing(house, owner, begun.user_code, "lamp")) is RateLimited


def test_a_right_code_counts_as_no_guess(house: Collaborators, owner: AccountId) -> None:
    for _ in range(2 * BY_ACCOUNT.failures):
        approve_pairing(house, owner, begin_pairing(house).user_code, "lamp")

    with house.database.reading() as session:
        assert [row.failures for row in session.query(FailedAttempt)] == [0, 0]


def test_one_client_begins_only_so_many(house: Collaborators) -> None:
    for _ in range(BEGINNINGS.failures):
        begin_pairing(house, "192.0.2.7")

    assert outcome(lambda: begin_pairing(house, "192.0.2.7")) is RateLimited
    assert isinstance(begin_pairing(house, "192.0.2.8"), Begun)


def test_there_is_an_end_to_what_waits_and_old_codes_make_room(house: Collaborators, clock: StillClock) -> None:
    now = house.clock()
    with house.database.writing() as session:
        session.add_all(
            Pairing(id=n, code_lookup=n, device_code_lookup=n, created_at=now, expires_at=now + LIFETIME)
            for n in map(str, range(MOST_WAITING))
        )

    full = outcome(lambda: begin_pairing(house))
    clock.forward(LIFETIME + COLLECTED_AGAIN)

    assert full is Overloaded
    assert isinstance(begin_pairing(house), Begun)
