"""Signing in and out, by token and by page."""

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from threading import Event, Thread

import pytest
from starlette.requests import Request
from starlette.testclient import TestClient

from corpus.collaborators import Collaborators
from corpus.errors import Overloaded
from corpus.identity import attempts
from corpus.identity.accounts import email_lookup
from corpus.identity.attempts import Limit
from corpus.identity.sign_in import FOR_ANYONE, FROM_ANYWHERE, FROM_HERE, PasswordChecks
from corpus.tables import FailedAttempt
from corpus.web import pages, sessions
from corpus.web.app import build_app
from corpus.web.dependencies import SESSION_COOKIE, client_address
from corpus.web.routing import LARGEST_BODY_BYTES
from corpus.words import Role
from tests.factories import PASSWORD, make_account
from tests.fixtures.house import StillClock

EMAIL = "ada@example.org"
ORIGIN = {"Origin": "http://testserver"}


@pytest.fixture
def client(house: Collaborators) -> Iterator[TestClient]:
    make_account(house, email=EMAIL, role=Role.CURATOR)
    with TestClient(build_app(house, [sessions.router, pages.router]), follow_redirects=False) as client:
        yield client


def ask(client: TestClient, **overrides: object) -> dict[str, object]:
    body = {"email": EMAIL, "password": PASSWORD, "scopes": ["review"]} | overrides
    answer = client.post("/v1/tokens", content=json.dumps(body), headers={"Content-Type": "application/json"})
    return {"status": answer.status_code, **answer.json()}


def sign_in(client: TestClient, *, password: str = PASSWORD, onward: str = "/review") -> None:
    client.post("/sign-in", data={"email": EMAIL, "password": password, "next": onward}, headers=ORIGIN)


def test_a_token_is_made_for_the_right_password_and_revoked_by_its_holder(client: TestClient) -> None:
    made = ask(client, lifetime=3600)
    bearer = {"Authorization": f"Bearer {made['token']}"}

    revoked = client.delete("/v1/tokens/current", headers=bearer)

    assert (made["status"], made["expires_at"]) == (201, "2026-03-01T13:00:00Z")
    assert revoked.status_code == 204
    assert client.delete("/v1/tokens/current", headers=bearer).status_code == 401


def test_a_token_ends_with_its_lifetime(client: TestClient, clock: StillClock) -> None:
    made = ask(client, lifetime="PT1H")

    clock.forward(timedelta(hours=1))

    bearer = {"Authorization": f"Bearer {made['token']}"}
    assert client.delete("/v1/tokens/current", headers=bearer).status_code == 401


@pytest.mark.parametrize(
    ("overrides", "status"),
    [
        pytest.param({"password": "wrong wrong wrong"}, 401, id="wrong-password"),
        pytest.param({"email": "nobody@example.org"}, 401, id="no-such-account"),
        pytest.param({"scopes": ["pull"]}, 403, id="a-scope-beyond-the-role"),
        pytest.param({"scopes": []}, 400, id="no-scope"),
        pytest.param({"scopes": ["everything"]}, 400, id="no-such-scope"),
        pytest.param({"lifetime": -1}, 400, id="over-before-it-begins"),
        pytest.param({"lifetime": "P10Y"}, 400, id="too-long"),
        pytest.param({"password": "a" * 2000}, 400, id="an-absurd-password"),
        pytest.param({"email": "\ud800@example.org"}, 400, id="half-a-character"),
        pytest.param({"email": "\x00"}, 401, id="a-nul"),
        pytest.param({"account_id": "0"}, 400, id="an-unknown-field"),
    ],
)
def test_a_token_is_refused(client: TestClient, overrides: dict[str, object], status: int) -> None:
    assert ask(client, **overrides)["status"] == status


def wrong_guesses(client: TestClient, email: str = EMAIL, count: int = FROM_HERE.failures) -> list[object]:
    return [ask(client, email=email, password="wrong wrong wrong")["status"] for _ in range(count)]


def test_failures_in_a_row_pause_the_account_and_time_ends_the_pause(client: TestClient, clock: StillClock) -> None:
    failures = wrong_guesses(client)

    paused = ask(client)["status"]
    clock.forward(FROM_HERE.within)

    assert failures == [401] * FROM_HERE.failures
    assert paused == 429
    assert ask(client)["status"] == 201


def test_wrong_guesses_do_not_tell_whether_an_address_has_an_account(client: TestClient) -> None:
    known = [ask(client, password="wrong wrong wrong") for _ in range(FROM_HERE.failures + 2)]
    unknown = [
        ask(client, password="wrong wrong wrong", email="nobody@example.org") for _ in range(FROM_HERE.failures + 2)
    ]

    assert known == unknown
    assert known[-1]["status"] == 429


def test_one_wrong_guess_a_minute_never_keeps_the_owner_out(client: TestClient, clock: StillClock) -> None:
    entered = []
    for _ in range(2 * FROM_HERE.failures):
        wrong_guesses(client, count=1)
        entered.append(ask(client)["status"])
        clock.forward(timedelta(minutes=1))
    for _ in range(2 * FROM_HERE.failures):
        wrong_guesses(client, count=1)
        clock.forward(timedelta(minutes=1))

    assert set(entered) == {201}
    assert ask(client)["status"] == 201


def test_guesses_from_elsewhere_do_not_pause_the_owner_here(house: Collaborators) -> None:
    make_account(house, email=EMAIL, role=Role.CURATOR)
    app = build_app(house, [sessions.router])
    elsewhere, here = (TestClient(app, client=(address, 1)) for address in ("192.0.2.7", "192.0.2.8"))
    wrong_guesses(elsewhere)

    assert ask(elsewhere)["status"] == 429
    assert ask(here)["status"] == 201


def guess_often(house: Collaborators, limit: Limit, who: str) -> None:
    with house.database.writing() as session:
        for _ in range(limit.failures):
            attempts.count(session, [attempts.counter(house.master, limit, who)], house.clock())


def test_one_client_that_guesses_at_many_addresses_is_paused_for_all_of_them(house: Collaborators) -> None:
    make_account(house, email=EMAIL, role=Role.CURATOR)
    guess_often(house, FOR_ANYONE, "2001:db8:0:7::/64")
    app = build_app(house, [sessions.router])

    assert ask(TestClient(app, client=("2001:db8:0:7::2", 1)))["status"] == 429
    assert ask(TestClient(app, client=("2001:db8:0:8::1", 1)))["status"] == 201


def test_many_clients_that_guess_at_one_address_are_paused_together(house: Collaborators) -> None:
    make_account(house, email=EMAIL, role=Role.CURATOR)
    guess_often(house, FROM_ANYWHERE, email_lookup(house.master, EMAIL))

    paused = ask(TestClient(build_app(house, [sessions.router]), client=("192.0.2.99", 1)))

    assert paused["status"] == 429


def test_guesses_that_are_sent_at_once_count_each(house: Collaborators) -> None:
    make_account(house, email=EMAIL)
    client = TestClient(build_app(house, [sessions.router]))

    with ThreadPoolExecutor(8) as guessers:
        statuses = list(guessers.map(lambda _: wrong_guesses(client, count=1)[0], range(10)))

    assert statuses.count(401) == FROM_HERE.failures


def test_what_is_counted_is_kept_as_digests_and_not_for_long(
    house: Collaborators, client: TestClient, clock: StillClock
) -> None:
    wrong_guesses(client, "nobody@example.org", count=1)
    clock.forward(FROM_ANYWHERE.within)
    wrong_guesses(client, count=1)

    with house.database.reading() as session:
        kept = session.query(FailedAttempt).all()
    assert len(kept) == 2
    assert all(len(row.lookup) == 64 and row.failures == 1 for row in kept)


@pytest.mark.parametrize(
    ("proxies", "forwarded", "known"),
    [
        pytest.param(0, None, "192.0.2.7", id="no-proxy"),
        pytest.param(0, "203.0.113.9", "192.0.2.7", id="what-anybody-may-write-is-not-believed"),
        pytest.param(1, "198.51.100.1, 203.0.113.9", "203.0.113.9", id="what-our-proxy-wrote"),
        pytest.param(2, "198.51.100.1, 203.0.113.9", "198.51.100.1", id="two-proxies"),
        pytest.param(2, "203.0.113.9", None, id="fewer-than-there-should-be"),
        pytest.param(1, "2001:db8:1:2:3::4", "2001:db8:1:2::/64", id="a-network-of-ipv6"),
        pytest.param(1, "::ffff:203.0.113.9", "203.0.113.9", id="ipv4-in-ipv6"),
        pytest.param(1, "127.0.0.1", None, id="this-machine"),
        pytest.param(1, "somebody", None, id="no-address"),
    ],
)
def test_where_a_request_comes_from(
    house: Collaborators, proxies: int, forwarded: str | None, known: str | None
) -> None:
    behind = replace(house, settings=house.settings.model_copy(update={"proxies": proxies}))
    headers = [(b"x-forwarded-for", forwarded.encode())] if forwarded else []
    request = Request({"type": "http", "client": ("192.0.2.7", 1), "headers": headers})

    assert client_address(request, behind) == known


def test_a_large_body_is_refused_before_it_is_read_whole(client: TestClient) -> None:
    sent = 0

    def chunks() -> Iterator[bytes]:
        nonlocal sent
        for _ in range(1000):
            sent += 16_000
            yield b" " * 16_000

    answer = client.post("/v1/tokens", content=chunks(), headers={"Content-Type": "application/json"})

    assert answer.status_code == 413
    assert str(LARGEST_BODY_BYTES) in answer.json()["detail"]


def test_signing_in_by_page_sets_a_cookie_that_no_script_and_no_other_site_can_use(client: TestClient) -> None:
    answer = client.post("/sign-in", data={"email": EMAIL, "password": PASSWORD, "next": "/review"}, headers=ORIGIN)

    cookie = answer.headers["set-cookie"].lower()
    assert (answer.status_code, answer.headers["location"]) == (303, "/review")
    assert {"httponly", "samesite=strict", "path=/", "max-age=43200"} <= {part.strip() for part in cookie.split(";")}
    assert "secure" not in cookie


def test_the_cookie_is_secure_over_https(house: Collaborators, client: TestClient) -> None:
    over_https = TestClient(client.app, base_url="https://testserver", follow_redirects=False)

    answer = over_https.post(
        "/sign-in", data={"email": EMAIL, "password": PASSWORD}, headers={"Sec-Fetch-Site": "same-origin"}
    )

    assert "secure" in answer.headers["set-cookie"].lower()


def test_the_cookie_is_secure_behind_a_proxy_that_speaks_tls_for_us(house: Collaborators) -> None:
    make_account(house, email=EMAIL)
    behind = replace(house, settings=house.settings.model_copy(update={"public_url": "https://voices.example"}))
    over_http = TestClient(build_app(behind, [sessions.router]), follow_redirects=False)

    answer = over_http.post("/sign-in", data={"email": EMAIL, "password": PASSWORD}, headers=ORIGIN)

    assert "secure" in answer.headers["set-cookie"].lower()


def test_signing_in_does_not_lead_elsewhere(client: TestClient) -> None:
    answer = client.post(
        "/sign-in", data={"email": EMAIL, "password": PASSWORD, "next": "//elsewhere.example"}, headers=ORIGIN
    )

    assert answer.headers["location"] == "/me"
    assert b"elsewhere" not in client.get("/sign-in?next=//elsewhere.example").content


def test_a_wrong_password_shows_the_form_again_with_what_to_do(client: TestClient) -> None:
    answer = client.post(
        "/sign-in", data={"email": EMAIL, "password": "wrong wrong wrong", "next": "/review"}, headers=ORIGIN
    )

    assert answer.status_code == 401
    assert "set-cookie" not in answer.headers
    assert b"The e-mail address or the password is wrong." in answer.content
    assert b'value="/review"' in answer.content


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        pytest.param({"Origin": "https://elsewhere.example"}, 403, id="another-origin"),
        pytest.param({"Origin": "null"}, 403, id="an-opaque-origin"),
        pytest.param({"Sec-Fetch-Site": "cross-site", "Origin": "http://testserver"}, 403, id="cross-site"),
        pytest.param({"Sec-Fetch-Site": "same-site"}, 403, id="a-sister-site"),
        pytest.param({}, 403, id="nothing-shown"),
        pytest.param({**ORIGIN, "Content-Type": "multipart/form-data; boundary=b"}, 400, id="multipart"),
        pytest.param({**ORIGIN, "Content-Type": "text/plain"}, 400, id="plain-text"),
    ],
)
def test_the_form_is_taken_from_our_own_page_only(client: TestClient, headers: dict[str, str], status: int) -> None:
    form = {"Content-Type": "application/x-www-form-urlencoded"}

    answer = client.post("/sign-in", content=f"email={EMAIL}&password={PASSWORD}", headers={**form, **headers})

    assert answer.status_code == status


def test_signing_out_ends_the_session_for_good(client: TestClient) -> None:
    sign_in(client)
    token = client.cookies[SESSION_COOKIE]

    answer = client.post("/sign-out", data={}, headers={**ORIGIN, "Content-Type": "application/x-www-form-urlencoded"})

    assert (answer.status_code, answer.headers["location"]) == (303, "/sign-in")
    assert SESSION_COOKIE not in client.cookies
    bearer = {"Authorization": f"Bearer {token}"}
    assert client.delete("/v1/tokens/current", headers=bearer).status_code == 401


def test_another_site_cannot_sign_anyone_out(client: TestClient) -> None:
    sign_in(client)

    answer = client.post("/sign-out", data={"a": "b"}, headers={"Origin": "https://elsewhere.example"})

    assert answer.status_code == 403
    assert client.delete("/v1/tokens/current", headers=ORIGIN).status_code == 204


def test_a_flood_of_passwords_is_turned_away_and_does_not_hold_every_thread() -> None:
    checks = PasswordChecks(at_a_time=1, in_line=0, wait_s=0.1)
    inside, go = Event(), Event()

    def hold() -> None:
        with checks.turn():
            inside.set()
            go.wait()

    holder = Thread(target=hold)
    holder.start()
    inside.wait()
    with pytest.raises(Overloaded), checks.turn():
        pass
    go.set()
    holder.join()

    with checks.turn():
        pass
