"""The contributor's pages as people meet them: in a real Chromium, over a real server."""

import zipfile
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Locator, Page, ViewportSize, expect

from corpus.collaborators import Collaborators
from corpus.demographics import Field
from corpus.words import ConsentAct, Purpose
from ingest.demographics import tell
from ingest.erase import LATE_WRITERS, finish_erasures
from loanword.serve import create_app
from tests.e2e.portal import (
    EMAIL,
    RECORDINGS,
    effort_to_opt_in,
    effort_to_opt_out,
    lending_person,
    newcomer,
    sign_in,
    symmetric_effort,
)
from tests.factories import PASSWORD, consent_event
from tests.fixtures.browser import DESKTOP, PHONE, faults_of, shoot
from tests.fixtures.house import StillClock
from tests.fixtures.serving import serving

pytestmark = pytest.mark.browser


TARGETS = ":is(button, .button, summary, nav a, input:not([type=checkbox]), select, .choice label):visible"
UNTIL_HEARD = """each => new Promise(done => {
  const look = () => each.currentTime > 0 ? done() : setTimeout(look, 20);
  look();
})"""


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
    small = page.locator(TARGETS).evaluate_all(
        "all => all.filter(each => each.offsetHeight < 44).map(each => each.outerHTML)"
    )
    faults += [f"{name}: smaller than a fingertip: {html}" for html in small]
    return faults + ([f"{name}: {overflow_px} px too wide"] if overflow_px else [])


@pytest.mark.parametrize(
    ("viewport", "scheme"),
    [
        pytest.param(PHONE, "dark", id="phone-dark"),
        pytest.param(DESKTOP, "light", id="desktop-light"),
        pytest.param(PHONE, "light", id="phone-light", marks=pytest.mark.slow),
        pytest.param(DESKTOP, "dark", id="desktop-dark", marks=pytest.mark.slow),
    ],
)
def test_every_page_is_accessible(
    house: Collaborators, clock: StillClock, address: str, browser: Browser, viewport: ViewportSize, scheme: str
) -> None:
    account_id = newcomer(house)
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
    page.get_by_role("button", name="Lend my voice").click()
    look("opt-in-refused")
    person = lending_person(house, account_id)
    page.goto(f"{address}/me")
    look("overview")
    page.goto(f"{address}/me/agree")
    look("agree")
    page.goto(f"{address}/me/clips")
    expect(page.locator(".waveform[data-drawn]").first).to_be_visible()
    look("clips")
    page.get_by_role("checkbox").first.check()
    page.get_by_role("button", name="Delete what is selected").click()
    look("delete")
    page.goto(f"{address}/me/clips/{person.released}")
    expect(page.locator(".waveform[data-drawn]")).to_be_visible()
    look("clip")
    page.goto(f"{address}/me/clips/{'0' * 32}")
    look("not-there")
    page.goto(f"{address}/me/devices")
    page.get_by_text("Rename").first.click()
    look("devices")
    page.goto(f"{address}/me/receipts")
    look("receipts")
    page.get_by_role("link", name="Show").first.click()
    look("receipt")
    page.goto(f"{address}/me/about-you")
    look("about-you-not-agreed")
    consent_event(house, account_id, ConsentAct.GIVEN, purposes=[Purpose.DEMOGRAPHICS])
    tell(house, account_id, Field.GENDER, "woman")
    page.goto(f"{address}/me/about-you")
    look("about-you")
    page.goto(f"{address}/me")
    page.get_by_label("I know that nobody").check()
    page.get_by_role("button", name="Take my voice back").click()
    look("taken-back")
    page.get_by_role("link", name="How far it is").click()
    look("being-erased")
    clock.forward(LATE_WRITERS)
    finish_erasures(house)
    page.reload()
    expect(page.get_by_role("heading", name="Erased", exact=True)).to_be_visible()
    look("certificate")
    page.goto(f"{address}/me/receipts")
    look("receipts-after")
    page.goto(f"{address}/me/close")
    look("close")
    page.get_by_label("Type").fill("close my account")
    page.get_by_role("button", name="Close my account").click()
    look("closed")
    context.close()

    assert wrong == []


def test_taking_back_is_no_more_effort_than_agreeing(house: Collaborators, address: str, page: Page) -> None:
    newcomer(house)

    opting_in, opting_out = symmetric_effort(page, address)

    assert opting_out.actions <= opting_in.actions
    assert (opting_in.clicks, opting_out.clicks) == (1, 1)


def test_a_person_agrees_hears_deletes_one_takes_home_and_takes_back(
    house: Collaborators, clock: StillClock, address: str, page: Page, tmp_path: Path
) -> None:
    account_id = newcomer(house)
    sign_in(page, address)
    effort_to_opt_in(page)
    clock.forward(timedelta(hours=1))
    lending_person(house, account_id)

    page.get_by_role("link", name="Recordings", exact=True).click()
    player = page.locator("audio").first
    player.focus()
    page.keyboard.press("Space")
    player.evaluate(UNTIL_HEARD)
    page.get_by_role("button", name="Delete the recording of").first.click()
    page.get_by_role("button", name="Delete for good").click()
    expect(page.get_by_text("Deleted for good.")).to_be_focused()
    expect(page.locator(".clip")).to_have_count(RECORDINGS - 1)
    page.get_by_role("link", name="Overview").click()
    with page.expect_download() as download:
        page.get_by_role("link", name="take everything home").click()
    download.value.save_as(tmp_path / "mine.zip")
    effort_to_opt_out(page)

    with zipfile.ZipFile(tmp_path / "mine.zip") as archive:
        assert archive.testzip() is None
        assert len([name for name in archive.namelist() if name.startswith("recordings/")]) == RECORDINGS - 1
    expect(page.get_by_text("Your key is destroyed.")).to_be_visible()


def tab_to(page: Page, target: Locator) -> None:
    """As many times as it takes, but not for ever; the focus must be seen on the way."""
    for _ in range(40):
        page.keyboard.press("Tab")
        width = page.evaluate("getComputedStyle(document.activeElement).outlineWidth")
        assert width != "0px" or page.evaluate("document.activeElement === document.body")
        if target.evaluate("each => each === document.activeElement"):
            return
    raise AssertionError(f"{target} is not reached by keyboard")


def test_by_keyboard_alone(house: Collaborators, address: str, page: Page) -> None:
    newcomer(house)
    page.goto(f"{address}/me")
    expect(page.get_by_label("E-mail address")).to_be_focused()
    page.keyboard.type(EMAIL)
    page.keyboard.press("Tab")
    page.keyboard.type(PASSWORD)
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="Lend my voice")).to_be_visible()

    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
    page.keyboard.press("Enter")
    for label in ("Keep what my devices send", "People may listen", "I am an adult"):
        tab_to(page, page.get_by_label(label))
        page.keyboard.press("Space")
    page.keyboard.press("Tab")
    expect(page.get_by_role("button", name="Lend my voice")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_role("status")).to_be_focused()  # what was done is read out first
    tab_to(page, page.get_by_role("button", name="Take back: People may listen"))
    page.keyboard.press("Enter")
    expect(page.get_by_text("That purpose is taken back.")).to_be_focused()
    tab_to(page, page.get_by_label("I know that nobody"))
    page.keyboard.press("Space")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")

    expect(page.get_by_role("heading", name="Your voice is taken back")).to_be_visible()


def test_without_javascript(house: Collaborators, clock: StillClock, address: str, browser: Browser) -> None:
    account_id = newcomer(house)
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    sign_in(page, address)

    effort_to_opt_in(page)
    clock.forward(timedelta(hours=1))
    lending_person(house, account_id)
    page.goto(f"{address}/me/devices")
    page.get_by_text("Rename").first.click()
    page.get_by_label("New name").first.fill("Bedroom")
    page.get_by_role("button", name="Save").first.click()
    expect(page.get_by_role("heading", name="Bedroom")).to_be_visible()
    page.goto(f"{address}/me/clips")
    source = page.locator("audio").first.get_attribute("src")
    heard = context.request.get(f"{address}{source}")
    page.goto(f"{address}/me")
    effort_to_opt_out(page)
    context.close()

    assert (heard.status, heard.headers["content-type"]) == (200, "audio/wav")


def test_a_press_without_the_tick_takes_nothing_back(house: Collaborators, address: str, page: Page) -> None:
    account_id = newcomer(house)
    lending_person(house, account_id)
    sign_in(page, address)

    page.get_by_role("button", name="Take my voice back").click()

    expect(page.get_by_label("I know that nobody")).to_be_focused()
    expect(page.get_by_role("heading", name="You are lending your voice")).to_be_visible()
