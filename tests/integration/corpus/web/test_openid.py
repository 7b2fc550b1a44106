"""Signing in by way of an OpenID provider: a real one, over HTTP, that can be told to answer wrongly."""

import re
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from html import unescape
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from httpx2 import Response
from joserfc.jwk import RSAKey
from starlette.testclient import TestClient

from corpus.collaborators import Collaborators
from corpus.errors import Misconfigured
from corpus.identity.external import enter_by_provider
from corpus.identity.openid import ExternalPerson, open_provider
from corpus.identity.queries import revoke_token, roles
from corpus.tables import Account, ExternalIdentity, Token
from corpus.web import openid, pages, sessions
from corpus.web.app import build_app
from corpus.web.dependencies import SESSION_COOKIE
from corpus.words import AccountId, Role, Scope
from tests.factories import make_account, make_token
from tests.fixtures.house import StillClock
from tests.fixtures.openid_provider import CLIENT_ID, CLIENT_SECRET, Provider, openid_provider

FORM = {"Content-Type": "application/x-www-form-urlencoded", "Origin": "http://testserver"}


@pytest.fixture
def provider(clock: StillClock) -> Iterator[Provider]:
    with openid_provider(clock) as running:
        yield running


@pytest.fixture
def served(house: Collaborators, provider: Provider, tmp_path: Path) -> Collaborators:
    secret = tmp_path / "client-secret"
    secret.write_text(CLIENT_SECRET + "\n")
    secret.chmod(0o600)
    known = {
        "oidc_issuer": provider.issuer,
        "oidc_client_id": CLIENT_ID,
        "oidc_client_secret_file": secret,
        "oidc_name": "Example",
    }
    return replace(house, settings=house.settings.model_copy(update=known))


def browser(served: Collaborators, base_url: str = "http://testserver") -> TestClient:
    app = build_app(served, [sessions.router, openid.router, pages.router])
    return TestClient(app, base_url=base_url, follow_redirects=False)


@pytest.fixture
def client(served: Collaborators) -> TestClient:
    return browser(served)


def there_and_back(client: TestClient, begun: Response | None = None) -> Response:
    """What the browser does: our redirection, the provider's page, and its redirection to us."""
    begun = begun or client.get("/sign-in/oidc")
    back = httpx.get(address_in(begun))
    return come_back(client, back.headers["location"])


def address_in(answer: Response) -> str:
    """Where an answer leads, by status or by page."""
    if "location" in answer.headers:
        return answer.headers["location"]
    found = re.search(r'content="0; url=([^"]+)"', answer.text)
    assert found
    return unescape(found[1])


def come_back(client: TestClient, address: str) -> Response:
    parts = urlsplit(address)
    return client.get(f"{parts.path}?{parts.query}")


def accounts_of(house: Collaborators) -> list[Account]:
    with house.database.reading() as session:
        return session.query(Account).all()


def link(client: TestClient, house: Collaborators, account_id: AccountId) -> Response:
    client.cookies.clear()
    client.cookies.set(SESSION_COOKIE, make_token(house, account_id, Scope.ACCOUNT))
    return client.post("/sign-in/oidc/link", headers=FORM)


def test_a_new_person_becomes_a_contributor_of_whom_no_address_is_kept(
    house: Collaborators, client: TestClient
) -> None:
    answer = there_and_back(client)

    (account,) = accounts_of(house)
    assert (answer.status_code, address_in(answer)) == (200, "/me")
    assert SESSION_COOKIE in answer.cookies
    assert (account.email, account.email_lookup, account.password_hash) == (None, None, None)
    with house.database.reading() as session:
        assert roles(session, account.id) == {Role.CONTRIBUTOR}


def test_they_come_back_to_the_same_account(house: Collaborators, client: TestClient, provider: Provider) -> None:
    for subject in ("ann", "ben", "ann"):
        provider.subject = subject
        there_and_back(client)

    with house.database.reading() as session:
        holders = [token.account_id for token in session.query(Token).order_by(Token.created_at, Token.id)]
    assert len(accounts_of(house)) == 2
    assert sorted(map(holders.count, set(holders))) == [1, 2]


def test_an_address_that_the_provider_tells_leads_to_nobodys_account(house: Collaborators, client: TestClient) -> None:
    make_account(house, email="somebody.else@example.org", role=Role.ADMIN)

    there_and_back(client)

    assert len(accounts_of(house)) == 2
    assert client.get("/sign-in/oidc").status_code == 303


def test_they_arrive_at_the_page_that_they_came_for(client: TestClient) -> None:
    to_devices = there_and_back(client, client.get("/sign-in/oidc?next=/me/devices"))
    to_elsewhere = there_and_back(client, client.get("/sign-in/oidc?next=//elsewhere.example"))

    assert [address_in(to_devices), address_in(to_elsewhere)] == ["/me/devices", "/me"]


def test_the_way_there_and_back_leaks_nothing(client: TestClient) -> None:
    begun = client.get("/sign-in/oidc")
    asked = parse_qs(urlsplit(begun.headers["location"]).query)
    answer = there_and_back(client, begun)

    errand = begun.headers["set-cookie"].lower()
    session = next(each.lower() for each in answer.headers.get_list("set-cookie") if SESSION_COOKIE in each)
    assert {"httponly", "samesite=lax", "max-age=600"} <= {part.strip() for part in errand.split(";")}
    assert {"httponly", "samesite=strict"} <= {part.strip() for part in session.split(";")}
    assert not any(asked[name][0].lower() in errand for name in ("state", "nonce"))
    assert {begun.headers["referrer-policy"], answer.headers["referrer-policy"]} == {"strict-origin"}
    assert "loanword_oidc" not in client.cookies


def test_over_tls_no_sister_site_can_set_the_cookie_for_us(served: Collaborators) -> None:
    begun = browser(served, "https://testserver").get("/sign-in/oidc")

    assert begun.headers["set-cookie"].startswith("__Host-loanword_oidc=")
    assert "secure" in begun.headers["set-cookie"].lower()


@pytest.mark.parametrize(
    "wrong",
    [
        pytest.param({"nonce": "another"}, id="another-nonce"),
        pytest.param({"nonce": None}, id="no-nonce"),
        pytest.param({"aud": "another client"}, id="for-another-client"),
        pytest.param({"aud": [CLIENT_ID, "another client"]}, id="for-two-and-not-said-for-whom"),
        pytest.param({"aud": None}, id="for-nobody"),
        pytest.param({"azp": "another client"}, id="given-to-another-client"),
        pytest.param({"iss": "https://elsewhere.example"}, id="of-another-issuer"),
        pytest.param({"iss": None}, id="of-no-issuer"),
        pytest.param({"exp": 1}, id="expired"),
        pytest.param({"exp": None}, id="without-end"),
        pytest.param({"iat": None}, id="without-beginning"),
        pytest.param({"nbf": 9_999_999_999}, id="not-yet"),
        pytest.param({"sub": None}, id="of-nobody"),
        pytest.param({"sub": ""}, id="of-an-empty-name"),
        pytest.param({"sub": "x" * 256}, id="of-a-name-too-long"),
        pytest.param({"sub": 7}, id="of-a-number"),
        pytest.param({"at_hash": "AAAAAAAAAAAAAAAAAAAAAA"}, id="of-another-access-token"),
    ],
)
def test_a_token_that_says_something_wrong_lets_nobody_in(
    house: Collaborators, client: TestClient, provider: Provider, wrong: dict[str, Any]
) -> None:
    provider.claims = wrong

    answer = there_and_back(client)

    assert (answer.status_code, answer.cookies.get(SESSION_COOKIE)) == (401, None)
    assert "has not confirmed who you are" in answer.text
    assert accounts_of(house) == []


def another_key(provider: Provider) -> None:
    provider.signs_with = RSAKey.generate_key(2048, {"kid": "first"})


def unknown_key(provider: Provider) -> None:
    provider.signs_with = RSAKey.generate_key(2048, {"kid": "unknown"})
    provider.header = {"kid": "unknown"}


def no_signature(provider: Provider) -> None:
    provider.header = {"alg": "none"}


def public_key_as_a_secret(provider: Provider) -> None:
    provider.secret = provider.key.as_pem(private=False)


@pytest.mark.filterwarnings("ignore::joserfc.errors.SecurityWarning")
@pytest.mark.parametrize("spoil", [another_key, unknown_key, no_signature, public_key_as_a_secret])
def test_a_token_that_the_provider_did_not_sign_lets_nobody_in(
    house: Collaborators, client: TestClient, provider: Provider, spoil: Callable[[Provider], None]
) -> None:
    spoil(provider)

    answer = there_and_back(client)

    assert (answer.status_code, answer.cookies.get(SESSION_COOKIE)) == (401, None)
    assert accounts_of(house) == []


@pytest.mark.parametrize(
    "changed",
    [
        pytest.param({"state": "another"}, id="another-state"),
        pytest.param({"state": ""}, id="no-state"),
        pytest.param({"code": "guessed"}, id="another-code"),
        pytest.param({"code": ""}, id="no-code"),
        pytest.param({"iss": "https://elsewhere.example"}, id="another-issuer"),
        pytest.param({"error": "access_denied"}, id="refused"),
    ],
)
def test_an_answer_that_does_not_fit_the_question_lets_nobody_in(
    house: Collaborators, client: TestClient, changed: dict[str, str]
) -> None:
    back = urlsplit(httpx.get(client.get("/sign-in/oidc").headers["location"]).headers["location"])
    params = {name: values[0] for name, values in parse_qs(back.query).items()} | changed

    answer = client.get(back.path, params=params)

    assert (answer.status_code, answer.cookies.get(SESSION_COOKIE)) == (401, None)
    assert accounts_of(house) == []


def test_an_answer_is_good_in_the_browser_that_asked_alone(house: Collaborators, served: Collaborators) -> None:
    asked, another = browser(served), browser(served)
    another.get("/sign-in/oidc")
    back = httpx.get(asked.get("/sign-in/oidc").headers["location"]).headers["location"]

    with_another_question = come_back(another, back)
    without_any = come_back(browser(served), back)

    assert (with_another_question.status_code, without_any.status_code) == (401, 401)
    assert accounts_of(house) == []


def test_an_answer_is_good_once_and_not_for_long(
    house: Collaborators, client: TestClient, clock: StillClock, provider: Provider
) -> None:
    begun = client.get("/sign-in/oidc")
    cookies = dict(client.cookies)
    back = httpx.get(begun.headers["location"]).headers["location"]
    first = come_back(client, back)
    client.cookies.update(cookies)
    again = come_back(client, back)
    late = client.get("/sign-in/oidc")
    clock.forward(openid.LIFETIME + timedelta(seconds=1))

    assert (first.status_code, again.status_code) == (200, 401)
    assert there_and_back(client, late).status_code == 401


@pytest.mark.parametrize("written", [b"gAAAAA", "gÄ".encode(), b"="], ids=["cut-short", "not-ascii", "empty"])
def test_a_cookie_that_somebody_wrote_is_none(client: TestClient, written: bytes) -> None:
    answer = client.get("/sign-in/oidc/callback?code=a&state=b", headers={b"cookie": b"loanword_oidc=" + written})

    assert answer.status_code == 401


def test_a_new_key_of_the_provider_is_fetched(client: TestClient, provider: Provider, clock: StillClock) -> None:
    there_and_back(client)
    provider.key = RSAKey.generate_key(2048, {"kid": "second", "use": "sig"})
    too_soon = there_and_back(client).status_code
    clock.forward(timedelta(seconds=61))

    assert (too_soon, there_and_back(client).status_code) == (401, 200)
    assert provider.asked.count("keys") == 2


def test_a_client_secret_may_be_sent_in_the_form(client: TestClient, provider: Provider) -> None:
    provider.auth_methods = ["client_secret_post"]

    assert there_and_back(client).status_code == 200


@pytest.mark.parametrize(
    "metadata",
    [
        pytest.param({"issuer": "https://elsewhere.example"}, id="another-issuer"),
        pytest.param({"token_endpoint": "http://elsewhere.example/token"}, id="where-others-read-along"),
        pytest.param({"jwks_uri": None}, id="without-keys"),
    ],
)
def test_a_provider_that_describes_itself_otherwise_is_not_asked(
    client: TestClient, provider: Provider, metadata: dict[str, Any]
) -> None:
    provider.metadata = metadata

    answer = client.get("/sign-in/oidc")

    assert answer.status_code == 503
    assert "E-mail address" in answer.text


def test_where_no_provider_answers_people_may_sign_in_another_way(house: Collaborators, served: Collaborators) -> None:
    gone = served.settings.model_copy(update={"oidc_issuer": "http://127.0.0.1:9"})

    answer = browser(replace(house, settings=gone)).get("/sign-in/oidc")

    assert answer.status_code == 503
    assert "another way" in answer.text
    assert "E-mail address" in answer.text


def test_the_page_names_the_provider_where_there_is_one(house: Collaborators, client: TestClient) -> None:
    without = TestClient(build_app(house, [sessions.router, openid.router]))

    assert "Sign in with Example" in client.get("/sign-in").text
    assert "Sign in with" not in without.get("/sign-in").text
    assert without.get("/sign-in/oidc").status_code == 404
    assert without.get("/sign-in/oidc/callback").status_code == 404


def test_somebody_who_has_an_account_links_it_and_keeps_their_roles(house: Collaborators, client: TestClient) -> None:
    curator = make_account(house, role=Role.CURATOR)

    linked = there_and_back(client, link(client, house, curator))
    client.cookies.clear()
    entered = there_and_back(client)

    assert address_in(linked) == "/me/about-you?said=linked"
    assert address_in(entered) == "/review"
    assert [account.id for account in accounts_of(house)] == [curator]


def test_linking_twice_is_linking_once(house: Collaborators, client: TestClient) -> None:
    person = make_account(house)

    answers = [there_and_back(client, link(client, house, person)) for _ in range(2)]

    assert [answer.status_code for answer in answers] == [200, 200]
    with house.database.reading() as session:
        assert session.query(ExternalIdentity).count() == 1


def test_what_belongs_to_another_account_is_not_linked(house: Collaborators, client: TestClient) -> None:
    there_and_back(client)
    person = make_account(house)

    answer = there_and_back(client, link(client, house, person))

    assert answer.status_code == 409
    with house.database.reading() as session:
        assert session.query(ExternalIdentity).one().account_id != person


def test_a_session_that_ended_meanwhile_links_nothing(house: Collaborators, client: TestClient) -> None:
    begun = link(client, house, make_account(house))
    with house.database.writing() as session:
        revoke_token(session, session.query(Token).one().id, house.clock())

    answer = there_and_back(client, begun)

    assert answer.status_code == 401
    with house.database.reading() as session:
        assert session.query(ExternalIdentity).count() == 0


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        pytest.param(FORM | {"Origin": "https://elsewhere.example"}, 403, id="another-site"),
        pytest.param(FORM, 401, id="nobody"),
    ],
)
def test_linking_begins_on_our_own_page_by_who_is_signed_in(
    client: TestClient, headers: dict[str, str], status: int
) -> None:
    assert client.post("/sign-in/oidc/link", headers=headers).status_code == status


def test_who_comes_twice_at_once_for_the_first_time_has_one_account(house: Collaborators) -> None:
    person = ExternalPerson("https://provider.example", "ann")

    with ThreadPoolExecutor(4) as visits:
        entered = list(visits.map(lambda _: enter_by_provider(house, person), range(4)))

    assert len({each.account_id for each in entered}) == 1
    assert len(accounts_of(house)) == 1


@pytest.mark.parametrize(
    "wrong",
    [
        pytest.param({"oidc_client_id": None}, id="no-client"),
        pytest.param({"oidc_issuer": "http://provider.example"}, id="where-others-read-along"),
        pytest.param({"oidc_client_secret_file": Path("/nowhere")}, id="no-secret"),
    ],
)
def test_a_setting_that_is_wrong_is_told_at_the_start(served: Collaborators, wrong: dict[str, Any]) -> None:
    with pytest.raises(Misconfigured):
        open_provider(served.settings.model_copy(update=wrong))
