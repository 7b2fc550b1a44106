"""The numbers page as anybody meets it: in a real Chromium, on a phone and on a desk, light and dark."""

from collections.abc import Iterator

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from corpus.collaborators import Collaborators
from corpus.words import ReleaseState
from export.client import proofs
from loanword.serve import create_app
from tests.fixtures.browser import DESKTOP, PHONE, shoot
from tests.fixtures.serving import serving
from tests.integration.ingest.transparency.crowd import add_release, entomb, leave, lend, pull

pytestmark = pytest.mark.browser


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    """One engine will do: what differs between them is tested at the API."""
    return sqlite_url


@pytest.fixture
def address(house: Collaborators) -> Iterator[str]:
    with serving(create_app(house)) as url:
        yield url


def look_at(page: Page, name: str) -> None:
    for size, width in ((PHONE, "phone"), (DESKTOP, "desktop")):
        page.set_viewport_size(size)
        shoot(page, f"{width}-{name}", full=True)
        violations = Axe().run(page).response["violations"]
        assert [each["id"] for each in violations if each["impact"] in ("serious", "critical")] == []
        assert page.evaluate("() => document.documentElement.scrollWidth <= document.documentElement.clientWidth")


def test_a_crowd_is_told_in_plots_with_the_numbers_beside_them(house: Collaborators, address: str, page: Page) -> None:
    lend(house, 14, seconds_each=1500, released=True)
    lend(house, 5, seconds_each=2500)
    leave(house, 12, closing=3)
    add_release(house, "0", ReleaseState.REVOKED, revision=4)
    entomb(house, "1", clips=7, serial=3)
    for acknowledged in (3, 4, None):
        pull(house, "1", acknowledged)

    page.goto(f"{address}/")
    page.get_by_role("link", name="What our promises come to").click()

    expect(page.get_by_role("heading", level=1)).to_have_text("What our promises come to")
    expect(page.get_by_role("img")).to_have_count(4)
    expect(page.get_by_role("img", name="Hours")).to_be_visible()
    expect(page.get_by_role("row", name="lend their voice now 19")).to_be_visible()
    look_at(page, "transparency")
    page.emulate_media(color_scheme="dark")
    look_at(page, "transparency-dark")


def test_of_few_people_the_page_says_so(house: Collaborators, address: str, page: Page) -> None:
    lend(house, 2, released=True)
    leave(house, 1)

    page.goto(f"{address}/transparency")

    expect(page.get_by_role("img")).to_have_count(0)
    expect(page.get_by_role("row", name="lend their voice now fewer than 11")).to_be_visible()
    look_at(page, "transparency-few")


def test_the_key_and_its_fingerprint_can_be_read_on_a_phone(house: Collaborators, address: str, page: Page) -> None:
    lend(house, 1)

    page.set_viewport_size(PHONE)
    page.goto(f"{address}/transparency")

    key = page.get_by_role("row", name="public key (Ed25519)").get_by_role("code")
    told = proofs.fingerprint(bytes.fromhex(key.inner_text()))
    expect(page.get_by_role("row", name="its fingerprint").get_by_role("cell").get_by_role("code")).to_have_text(told)
    look_at(page, "transparency-key")
