"""The contributor's pages as people meet them: in a real Chromium, over a real server."""

from collections.abc import Iterator

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, ViewportSize, expect

from corpus.collaborators import Collaborators
from loanword.serve import create_app
from tests.e2e.portal import lending_person, newcomer, sign_in
from tests.fixtures.browser import DESKTOP, PHONE, faults_of, shoot
from tests.fixtures.serving import serving

pytestmark = pytest.mark.browser


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    """One engine will do: what differs between them is tested at the routes."""
    return sqlite_url


@pytest.fixture
def address(house: Collaborators) -> Iterator[str]:
    with serving(create_app(house)) as url:
        yield url


def check(page: Page, name: str) -> list[str]:
    """What axe finds that is serious or worse, and what does not fit; takes a picture on the way."""
    shoot(page, name, full=True)
    found = Axe().run(page).response["violations"]
    overflow_px = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    faults = [
        f"{name}: {each['id']}: {node['html']}"
        for each in found
        if each["impact"] in {"serious", "critical"}
        for node in each["nodes"]
    ]
    return faults + ([f"{name}: {overflow_px} px too wide"] if overflow_px else [])


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("viewport", [pytest.param(PHONE, id="phone"), pytest.param(DESKTOP, id="desktop")])
def test_every_page_is_accessible(
    house: Collaborators, address: str, browser: Browser, scheme: str, viewport: ViewportSize
) -> None:
    newcomer_first = newcomer(house)
    context = browser.new_context(viewport=viewport, color_scheme="dark" if scheme == "dark" else "light")
    page = context.new_page()
    wrong: list[str] = []
    faults = faults_of(page)

    def look(name: str) -> None:
        wrong.extend(faults)
        wrong.extend(check(page, f"{name}-{viewport['width']}-{scheme}"))
        faults.clear()  # axe looks at styles in ways that our policy forbids

    page.goto(f"{address}/me")
    look("sign-in")
    sign_in(page, address)
    look("opt-in")
    lending_person(house, newcomer_first)
    page.goto(f"{address}/me")
    look("overview")
    page.goto(f"{address}/me/clips")
    expect(page.locator(".waveform[data-drawn]").first).to_be_visible()
    page.wait_for_timeout(500)
    look("clips")
    page.goto(f"{address}/me/devices")
    look("devices")
    page.goto(f"{address}/me")
    page.get_by_label("I know that nobody").check()
    page.get_by_role("button", name="Take my voice back").click()
    look("taken-back")
    context.close()

    assert wrong == []
