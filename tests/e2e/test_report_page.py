"""The curation report as a curator meets it: in a real Chromium, on a phone and on a desk, light and dark."""

import random
from collections.abc import Iterator
from datetime import timedelta

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from corpus.collaborators import Collaborators
from corpus.demographics import Field
from corpus.words import Outcome, RejectReason, Role
from loanword.serve import create_app
from tests.factories import PASSWORD, make_account, make_lender
from tests.fixtures.browser import DESKTOP, PHONE, shoot
from tests.fixtures.serving import serving
from tests.integration.curation.report.crowd import add_clip, make_speakers, make_waiting, review, same_audio

pytestmark = pytest.mark.browser

EMAIL = "curator@example.org"
DROPS = {"too_quiet": 14, "too_short": 9, "clipped": 6, "silent": 3, "duplicate": 2}


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    """One engine will do: what differs between them is tested at the API."""
    return sqlite_url


@pytest.fixture
def address(house: Collaborators) -> Iterator[str]:
    make_account(house, email=EMAIL, role=Role.CURATOR)
    with serving(create_app(house)) as url:
        yield url


def fill(house: Collaborators) -> None:
    lots, lender = random.Random(1), make_lender(house)
    for number in range(90):
        add_clip(
            house,
            lender,
            duration_s=min(19.0, lots.lognormvariate(0.9, 0.5)),
            rms_dbfs=lots.gauss(-26, 6),
            snr_db=lots.gauss(28, 8),
            confidence=min(1.0, max(0.0, lots.gauss(0.8, 0.15))),
            measured_at=house.clock() - timedelta(days=number % 9),
        )
    for reason, clips in DROPS.items():
        for _ in range(clips):
            loudness = lots.gauss(-46, 4) if reason == "too_quiet" else -24.0
            add_clip(house, lender, outcome=Outcome.DROPPED, reason=reason, duration_s=1.2, rms_dbfs=loudness)
    add_clip(house, lender, outcome=Outcome.FAILED, reason="Undecodable")
    same_audio(house, [add_clip(house, lender) for _ in range(2)], "twice")
    for reason in (RejectReason.CUT_OFF, RejectReason.CUT_OFF, RejectReason.SECOND_SPEAKER):
        review(house, add_clip(house, lender), reason)
    make_waiting(house, lender, 4)


def sign_in(page: Page, address: str) -> None:
    page.goto(f"{address}/curation")
    page.get_by_label("E-mail address").fill(EMAIL)
    page.get_by_label("Password").fill(PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_url("**/curation")


def look_at(page: Page, name: str) -> None:
    for size, width in ((PHONE, "phone"), (DESKTOP, "desktop")):
        page.set_viewport_size(size)
        shoot(page, f"{width}-{name}", full=True)
        violations = Axe().run(page).response["violations"]
        assert [each["id"] for each in violations if each["impact"] in ("serious", "critical")] == []
        assert page.evaluate("() => document.documentElement.scrollWidth <= document.documentElement.clientWidth")


def test_a_curator_sees_in_plots_and_numbers_how_curation_goes(house: Collaborators, address: str, page: Page) -> None:
    fill(house)
    make_speakers(house, 13, {Field.GENDER: "woman", Field.AGE_BAND: "30_44"}, hours_each=0.4)
    make_speakers(house, 11, {Field.GENDER: "man"}, hours_each=0.3)

    sign_in(page, address)

    expect(page.get_by_role("heading", level=1)).to_have_text("How curation goes")
    expect(page.get_by_role("row", name="too quiet 14 41.2 %")).to_be_visible()
    expect(page.get_by_role("row", name="Undecodable 1 100.0 %")).to_be_visible()
    expect(page.get_by_role("row", name="woman 5.2 11 or more")).to_be_visible()
    expect(page.get_by_text("Not told: it would tell of fewer than 11 people.")).to_have_count(1)
    expect(page.get_by_role("img", name="Duration, seconds")).to_be_visible()
    page.get_by_role("link", name="Review clips").click()
    page.get_by_role("link", name="How it goes").click()
    look_at(page, "report")
    page.emulate_media(color_scheme="dark")
    for summary in page.locator("summary").all():
        summary.click()
    look_at(page, "report-dark-numbers")


def test_an_empty_house_has_a_report_too(address: str, page: Page) -> None:
    sign_in(page, address)

    expect(page.get_by_text("None was.")).to_be_visible()
    expect(page.get_by_role("img")).to_have_count(0)
    look_at(page, "report-empty")
