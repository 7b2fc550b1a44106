"""The review console as a curator meets it: in a real Chromium, over a real server, by keyboard alone."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, Route, expect

from corpus.collaborators import Collaborators
from corpus.tables import Review
from corpus.web import pages, sessions
from corpus.web.app import build_app
from corpus.words import ClipId, Decision, RejectReason, Role
from curation.review import api
from tests.factories import PASSWORD, make_account, make_clip, make_hypothesis, make_lender, tone, withdraw_consent
from tests.fixtures.browser import PHONE, shoot
from tests.fixtures.serving import serving
from tests.integration.curation.review.console import flagged_clip, once

pytestmark = pytest.mark.browser

EMAIL = "curator@example.org"


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    """One engine will do: what differs between them is tested at the API."""
    return sqlite_url


@pytest.fixture
def address(house: Collaborators) -> Iterator[str]:
    """A server on a free port."""
    make_account(house, email=EMAIL, role=Role.CURATOR)
    with serving(build_app(house, [sessions.router, pages.router, api.router])) as url:
        yield url


def sign_in(page: Page, address: str) -> None:
    page.goto(f"{address}/review")
    expect(page.get_by_label("E-mail address")).to_be_focused()
    page.keyboard.type(EMAIL)
    shoot(page, "desktop-sign-in")
    page.keyboard.press("Tab")
    page.keyboard.type(PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_url("**/review")


def make_queue(house: Collaborators, *guesses: str) -> list[ClipId]:
    lender, clips = make_lender(house), []
    for guess in guesses:
        clips.append(make_clip(house, lender, pcm=tone(duration_s=2.0)))
        make_hypothesis(house, lender, clips[-1], guess, recogniser="tiny.en", confidence=0.8)
    return clips


def press_play(page: Page) -> None:
    expect(page.get_by_label("What do you hear?")).to_be_focused()
    page.keyboard.press("Control+Space")
    wait_until_heard(page)


def wait_until_heard(page: Page) -> None:
    expect(page.locator("#clip[data-heard=true]")).to_be_visible()


def test_a_curator_accepts_one_clip_and_rejects_one_by_keyboard(house: Collaborators, address: str, page: Page) -> None:
    make_queue(house, "turn on the kitchen light", "play some quiet jazz")
    transcript = page.get_by_label("What do you hear?")

    sign_in(page, address)
    press_play(page)
    guessed = transcript.input_value()
    shoot(page, "desktop-review")
    page.keyboard.press("End")
    page.keyboard.type("s")
    page.keyboard.press("Enter")
    expect(page.get_by_text("1 done · 1 waiting")).to_be_visible()
    wait_until_heard(page)
    page.keyboard.press("Escape")
    page.keyboard.press("r")
    page.keyboard.press("5")
    expect(page.get_by_role("heading", name="All caught up")).to_be_focused()
    shoot(page, "desktop-empty")

    with house.database.reading() as session:
        reviews = session.query(Review).order_by(Review.decision).all()
    assert guessed in {"turn on the kitchen light", "play some quiet jazz"}
    assert [review.decision for review in reviews] == [Decision.ACCEPT, Decision.REJECT]
    assert reviews[1].reason is RejectReason.SECOND_SPEAKER


def test_a_transcript_that_cannot_be_kept_says_what_to_write_and_keeps_what_was_typed(
    house: Collaborators, address: str, page: Page
) -> None:
    make_queue(house, "set a timer")
    sign_in(page, address)
    transcript = page.get_by_label("What do you hear?")
    press_play(page)

    transcript.fill("set @ timers")
    page.keyboard.press("Control+Enter")

    expect(page.get_by_role("alert").filter(has_text="write numbers and symbols as words")).to_be_visible()
    expect(transcript).to_have_value("set @ timers")
    expect(transcript).to_be_focused()
    shoot(page, "desktop-refused")


def test_a_clip_withdrawn_under_the_curators_hands_is_let_go(house: Collaborators, address: str, page: Page) -> None:
    lender = make_lender(house)
    clip_id = make_clip(house, lender)
    make_hypothesis(house, lender, clip_id, "turn on the lights")
    sign_in(page, address)
    press_play(page)

    withdraw_consent(house, lender.account_id)
    page.keyboard.press("Enter")

    expect(page.get_by_role("alert").filter(has_text="may not be heard any more")).to_be_visible()
    expect(page.get_by_role("heading", name="All caught up")).to_be_visible()


def test_a_clip_withdrawn_before_it_is_heard_is_let_go(house: Collaborators, address: str, page: Page) -> None:
    lender = make_lender(house)
    make_clip(house, lender)

    withdraw = once(lambda: withdraw_consent(house, lender.account_id))

    def withdraw_first(route: Route) -> None:
        withdraw()
        route.continue_()

    page.route("**/audio", withdraw_first)
    sign_in(page, address)

    expect(page.get_by_role("alert").filter(has_text="may not be heard any more")).to_be_visible()
    expect(page.get_by_role("heading", name="All caught up")).to_be_visible()


def test_nothing_is_judged_unheard(house: Collaborators, address: str, page: Page) -> None:
    make_queue(house, "turn on the lights")
    page.add_init_script("HTMLMediaElement.prototype.play = async () => {}")
    sign_in(page, address)
    expect(page.get_by_label("What do you hear?")).to_be_focused()

    page.keyboard.press("Enter")

    expect(page.get_by_text("Listen to the clip first.")).to_be_visible()
    with house.database.reading() as session:
        assert session.query(Review).count() == 0


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_console_fits_a_phone(house: Collaborators, address: str, browser: Browser, scheme: str) -> None:
    make_queue(house, "turn on the kitchen light", "play some quiet jazz")
    phone = browser.new_context(
        viewport=PHONE,
        has_touch=True,
        is_mobile=True,
        device_scale_factor=2,
        color_scheme="dark" if scheme == "dark" else "light",
    )
    page = phone.new_page()
    page.goto(f"{address}/review")
    shoot(page, f"phone-sign-in-{scheme}")
    page.get_by_label("E-mail address").fill(EMAIL)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").tap()
    page.get_by_role("button", name="Play").tap()
    wait_until_heard(page)
    shoot(page, f"phone-review-{scheme}")

    overflow_px = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    heights_px = page.locator("main button:visible").evaluate_all("all => all.map(each => each.offsetHeight)")
    page.get_by_role("button", name="Accept").tap()
    expect(page.get_by_text("1 done · 1 waiting")).to_be_visible()
    page.get_by_role("button", name="Cut off").scroll_into_view_if_needed()
    shoot(page, f"phone-reasons-{scheme}")
    phone.close()

    assert overflow_px == 0
    assert min(heights_px) >= 44


def test_a_curator_takes_personal_data_out_by_keyboard_and_accepts_what_is_left(
    house: Collaborators, address: str, page: Page
) -> None:
    clip_id = flagged_clip(house, make_lender(house))
    sign_in(page, address)
    wait_until_heard(page)
    expect(page.get_by_role("heading", name="Personal data?")).to_be_focused()
    shoot(page, "desktop-personal-data")

    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.keyboard.press("d")
    expect(page.get_by_label("What do you hear?")).to_have_value("call me on okay")
    wait_until_heard(page)
    page.get_by_label("What do you hear?").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="All caught up")).to_be_focused()

    with house.database.reading() as session:
        assert session.query(Review).one().clip_id == clip_id
