"""The ways in as people meet them: in a real Chromium, over a real server, beside a real provider."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from corpus.collaborators import Collaborators
from corpus.identity.links import make_link
from corpus.tables import Account
from corpus.words import Role
from loanword.serve import create_app
from tests.factories import make_account
from tests.fixtures.browser import DESKTOP, PHONE, shoot
from tests.fixtures.house import StillClock
from tests.fixtures.openid_provider import CLIENT_ID, CLIENT_SECRET, Provider, openid_provider
from tests.fixtures.serving import serving

pytestmark = pytest.mark.browser


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    """One engine will do: what differs between them is tested at the API."""
    return sqlite_url


@pytest.fixture
def provider(clock: StillClock) -> Iterator[Provider]:
    """Under another name of this machine: to the browser that is another site."""
    with openid_provider(clock, host="localhost") as running:
        yield running


@pytest.fixture
def served(house: Collaborators, provider: Provider, tmp_path: Path) -> Collaborators:
    secret = tmp_path / "client-secret"
    secret.write_text(CLIENT_SECRET)
    secret.chmod(0o600)
    known = {
        "oidc_issuer": provider.issuer,
        "oidc_client_id": CLIENT_ID,
        "oidc_client_secret_file": secret,
        "oidc_name": "Example",
    }
    return replace(house, settings=house.settings.model_copy(update=known))


@pytest.fixture
def address(served: Collaborators) -> Iterator[str]:
    with serving(create_app(served)) as url:
        yield url


def serious_faults(page: Page) -> list[str]:
    violations = Axe().run(page).response["violations"]
    return [each["id"] for each in violations if each["impact"] in ("serious", "critical")]


def look_at(page: Page, name: str) -> None:
    """On both widths, by eye where screenshots are kept and by axe."""
    for size, width in ((PHONE, "phone"), (DESKTOP, "desktop")):
        page.set_viewport_size(size)
        shoot(page, f"{width}-{name}", full=True)
        assert serious_faults(page) == []


def test_a_link_shows_a_button_and_lets_in_once(house: Collaborators, address: str, page: Page) -> None:
    link = f"{address}/sign-in/{make_link(house, make_account(house))}"

    page.goto(link)
    look_at(page, "link")
    page.keyboard.press("Enter")
    expect(page).to_have_url(f"{address}/me")
    page.goto(link)
    page.get_by_role("button", name="Sign in").click()

    expect(page.get_by_role("alert")).to_contain_text("used already")
    look_at(page, "link-spent")


def test_a_curator_arrives_among_the_clips(house: Collaborators, address: str, page: Page) -> None:
    page.goto(f"{address}/sign-in/{make_link(house, make_account(house, role=Role.CURATOR))}")

    page.get_by_role("button", name="Sign in").click()

    expect(page).to_have_url(f"{address}/review")


def test_a_provider_leads_back_to_the_page_one_came_for(house: Collaborators, address: str, page: Page) -> None:
    page.goto(f"{address}/me/devices")
    look_at(page, "sign-in")

    page.get_by_role("link", name="Sign in with Example").click()

    expect(page).to_have_url(f"{address}/me/devices")
    expect(page.get_by_role("heading", name="Your devices")).to_be_visible()


def test_an_account_is_linked_from_its_own_page(
    house: Collaborators, address: str, page: Page, provider: Provider
) -> None:
    person = make_account(house)
    page.goto(f"{address}/sign-in/{make_link(house, person)}")
    page.get_by_role("button", name="Sign in").click()
    page.goto(f"{address}/me/about-you")
    look_at(page, "about-you-with-a-provider")

    page.get_by_role("button", name="Sign in with Example from now on").click()
    expect(page.get_by_role("status")).to_contain_text("sign in that way too")
    page.get_by_role("button", name="Sign out").click()
    page.get_by_role("link", name="Sign in with Example").click()

    expect(page).to_have_url(f"{address}/me")
    with house.database.reading() as session:
        assert [account.id for account in session.query(Account)] == [person]


def test_a_provider_that_refuses_is_told_of_beside_the_other_ways(address: str, page: Page, provider: Provider) -> None:
    provider.error = "access_denied"
    page.goto(f"{address}/sign-in")

    page.get_by_role("link", name="Sign in with Example").click()

    expect(page.get_by_role("alert")).to_contain_text("has not confirmed")
    expect(page.get_by_label("Password")).to_be_visible()
    look_at(page, "sign-in-refused")
