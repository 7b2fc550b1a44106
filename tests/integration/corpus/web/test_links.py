"""Signing in by a one-time link: looked at as often as one likes, spent once."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier

import pytest
from fastapi import APIRouter
from httpx2 import Response
from starlette.testclient import TestClient
from structlog.testing import capture_logs

from corpus.collaborators import Collaborators
from corpus.errors import LinkSpent, Overloaded
from corpus.identity import accounts
from corpus.identity.links import LIFETIME, LONGEST_LIFETIME, enter_by_link, make_link
from corpus.tables import SignInLink, Token
from corpus.web import links, pages, sessions
from corpus.web.app import build_app
from corpus.web.dependencies import SESSION_COOKIE
from corpus.words import AccountId, Role
from tests.factories import make_account
from tests.fixtures.house import StillClock

FORM = {"Content-Type": "application/x-www-form-urlencoded", "Origin": "http://testserver"}


@pytest.fixture
def client(house: Collaborators) -> Iterator[TestClient]:
    app = build_app(house, [sessions.router, links.router, pages.router])
    with TestClient(app, follow_redirects=False) as client:
        yield client


@pytest.fixture
def person(house: Collaborators) -> AccountId:
    return make_account(house)


def press(client: TestClient, secret: str, **headers: str) -> Response:
    return client.post(f"/sign-in/{secret}", headers=FORM | headers)


def tokens_of(house: Collaborators) -> int:
    with house.database.reading() as session:
        return session.query(Token).count()


def test_pressing_the_button_signs_in_once(house: Collaborators, client: TestClient, person: AccountId) -> None:
    secret = make_link(house, person)

    first = press(client, secret)
    second = press(client, secret)

    assert (first.status_code, first.headers["location"]) == (303, "/me")
    assert SESSION_COOKIE in first.cookies
    assert (second.status_code, second.cookies.get(SESSION_COOKIE)) == (410, None)
    assert b"used already, or has run out" in second.content


def test_looking_at_the_page_spends_nothing_and_tells_nothing(
    house: Collaborators, client: TestClient, person: AccountId
) -> None:
    secret = make_link(house, person)

    looks = [client.get(f"/sign-in/{secret}") for _ in range(3)]
    no_link = client.get("/sign-in/nobody-made-this")

    assert {look.text for look in looks} == {no_link.text}
    assert all("set-cookie" not in look.headers for look in looks)
    assert press(client, secret).status_code == 303


def test_the_address_goes_nowhere_from_the_page(house: Collaborators, client: TestClient, person: AccountId) -> None:
    secret = make_link(house, person)
    page, entered = client.get(f"/sign-in/{secret}"), press(client, secret)

    assert {page.headers["referrer-policy"], entered.headers["referrer-policy"]} == {"strict-origin"}
    assert {page.headers["cache-control"], entered.headers["cache-control"]} == {"no-store"}
    assert secret not in page.text


@pytest.mark.parametrize(
    ("roles", "onward"),
    [
        pytest.param([Role.CONTRIBUTOR], "/me", id="contributor"),
        pytest.param([Role.CURATOR], "/review", id="curator"),
        pytest.param([Role.CURATOR, Role.CONTRIBUTOR], "/me", id="both"),
        pytest.param([Role.ENGINEER], "/me", id="engineer"),
    ],
)
def test_people_arrive_where_their_work_is(
    house: Collaborators, client: TestClient, roles: list[Role], onward: str
) -> None:
    person = make_account(house, role=roles[0])
    with house.database.writing() as session:
        for role in roles[1:]:
            accounts.add_role(session, person, role)

    assert press(client, make_link(house, person)).headers["location"] == onward


def test_a_link_runs_out(house: Collaborators, client: TestClient, person: AccountId, clock: StillClock) -> None:
    secret = make_link(house, person)

    clock.forward(LIFETIME)

    assert press(client, secret).status_code == 410
    assert tokens_of(house) == 0


def test_no_link_lasts_longer_than_the_longest(
    house: Collaborators, client: TestClient, person: AccountId, clock: StillClock
) -> None:
    secret = make_link(house, person, timedelta(days=400))

    clock.forward(LONGEST_LIFETIME)

    assert press(client, secret).status_code == 410


def test_a_newer_link_ends_the_older_one(house: Collaborators, client: TestClient, person: AccountId) -> None:
    older, of_another = make_link(house, person), make_link(house, make_account(house))
    newer = make_link(house, person)

    assert [press(client, secret).status_code for secret in (older, newer, of_another)] == [410, 303, 303]


@pytest.mark.parametrize(
    "headers",
    [
        pytest.param({"Origin": "https://elsewhere.example"}, id="another-origin"),
        pytest.param({"Origin": "null"}, id="an-opaque-origin"),
        pytest.param({"Sec-Fetch-Site": "cross-site"}, id="cross-site"),
    ],
)
def test_another_site_cannot_press_the_button(
    house: Collaborators, client: TestClient, person: AccountId, headers: dict[str, str]
) -> None:
    secret = make_link(house, person)

    refused = press(client, secret, **headers)

    assert (refused.status_code, tokens_of(house)) == (403, 0)
    assert press(client, secret).status_code == 303


@pytest.mark.parametrize("secret", ["nobody-made-this", "x" * 128, "%00", "%F0%9F%8E%88"])
def test_what_is_no_link_is_answered_like_a_spent_one(client: TestClient, secret: str) -> None:
    assert press(client, secret).status_code == 410


def test_of_two_who_press_at_once_one_gets_in(house: Collaborators, person: AccountId) -> None:
    secret, start = make_link(house, person), Barrier(2)

    def enter(_: int) -> bool:
        start.wait()
        try:
            return bool(enter_by_link(house, secret))
        except LinkSpent:
            return False

    with ThreadPoolExecutor(2) as both:
        entered = list(both.map(enter, range(2)))

    assert sorted(entered) == [False, True]
    assert tokens_of(house) == 1


def test_only_a_digest_of_the_secret_is_kept(house: Collaborators, person: AccountId) -> None:
    secret = make_link(house, person)

    with house.database.reading() as session:
        assert secret not in repr(vars(session.query(SignInLink).one()))


def test_the_log_names_a_route_and_never_a_secret(house: Collaborators) -> None:
    failing = APIRouter()

    @failing.post("/sign-in/{secret}")
    def fail(secret: str) -> None:
        raise Overloaded

    client = TestClient(build_app(house, [failing]))
    with capture_logs() as lines:
        client.post("/sign-in/very-secret")

    (line,) = lines
    assert line["route"] == "/sign-in/{secret}"
    assert "very-secret" not in repr(line)
