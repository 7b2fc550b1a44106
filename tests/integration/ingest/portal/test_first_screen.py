"""The first screen: opting in, opting out, and what is said of each."""

from datetime import timedelta

import pytest

from corpus import queries
from corpus.collaborators import Collaborators
from corpus.tables import Account
from corpus.words import Purpose
from ingest.give_consent import consent_states
from tests.factories import make_account, make_clip, make_lender, opt_in, publish_notice
from tests.fixtures.house import StillClock
from tests.integration.ingest.portal.visitor import visitor, words_of

AGREED = {"notice": "1", "locale": "en-US", "collect": "on", "review": "on", "adult": "on"}
ADDRESSES = [
    "/me",
    "/me/agree",
    "/me/devices",
    "/me/about-you",
    "/me/receipts",
    "/me/receipts/0",
    "/me/clips",
    "/me/clips/" + "0" * 32,
]


def in_force(house: Collaborators, account_id: str) -> set[Purpose]:
    return {state.purpose for state in consent_states(house, account_id) if state.in_force}  # type: ignore[arg-type]


@pytest.mark.parametrize("address", ADDRESSES)
def test_who_is_not_signed_in_is_sent_to_sign_in_and_back(house: Collaborators, address: str) -> None:
    answer = visitor(house).get(address)

    assert (answer.status_code, answer.headers["location"]) == (303, f"/sign-in?next={address}")


@pytest.mark.parametrize("address", ADDRESSES)
def test_no_cache_keeps_a_page(house: Collaborators, address: str) -> None:
    lender = make_lender(house)

    answer = visitor(house, lender.account_id).get(address)

    assert answer.headers["cache-control"] == "no-store"
    assert "'unsafe" not in answer.headers["content-security-policy"]


def test_someone_new_reads_the_whole_notice_and_finds_no_box_ticked(house: Collaborators) -> None:
    publish_notice(house, wording="# Your voice\n\n**Kept.** All of it.\n\n<script>alert(1)</script>")

    answer = visitor(house, make_account(house)).get("/me")

    assert answer.text.count('type="checkbox"') == len(Purpose) + 1
    assert "checked" not in answer.text
    assert "<h3>Your voice</h3>" in answer.text
    assert "<strong>Kept.</strong> All of it." in answer.text
    assert "<script>alert" not in answer.text


def test_the_notice_is_shown_in_the_language_that_was_chosen_or_that_the_browser_accepts(house: Collaborators) -> None:
    publish_notice(house, wording="English words")
    publish_notice(house, locale="de-DE", wording="Deutsche Worte")
    someone = visitor(house, make_account(house))

    assert "English words" in someone.get("/me").text
    assert "Deutsche Worte" in someone.get("/me?locale=de-DE").text
    assert "Deutsche Worte" in someone.get("/me", **{"Accept-Language": "de;q=0.9, en;q=0.5"}).text


def test_opting_in_by_the_form_records_each_box_with_its_notice(house: Collaborators) -> None:
    publish_notice(house)
    account_id = make_account(house)
    someone = visitor(house, account_id)

    answer = someone.send("/me/agree", **AGREED)

    assert (answer.status_code, answer.headers["location"]) == (303, "/me?said=agreed")
    assert in_force(house, account_id) == {Purpose.COLLECT, Purpose.REVIEW}
    assert "You are lending your voice" in someone.get("/me?said=agreed").text


@pytest.mark.parametrize(
    ("changed", "complaint"),
    [
        pytest.param({"adult": ""}, "Only adults", id="not-an-adult"),
        pytest.param({"collect": ""}, "needs “Keep what my devices send”", id="review-alone"),
        pytest.param({"collect": "", "review": ""}, "Nothing is ticked", id="nothing"),
        pytest.param({"notice": "0"}, "has changed", id="another-notice"),
    ],
)
def test_what_cannot_be_agreed_to_changes_nothing_and_keeps_the_ticks(
    house: Collaborators, changed: dict[str, str], complaint: str
) -> None:
    publish_notice(house)
    account_id = make_account(house)

    answer = visitor(house, account_id).send("/me/agree", **{**AGREED, **changed})

    assert answer.status_code == 400
    assert complaint in answer.text
    assert ('id="purpose-review" name="review" value="on" aria-describedby="means-review" checked' in answer.text) == (
        changed.get("review") != ""
    )
    with house.database.reading() as session:
        assert queries.consent_facts(session, account_id) == []
        assert session.get_one(Account, account_id).voice_key_id is None


def test_one_button_takes_everything_back_and_says_what_follows(house: Collaborators) -> None:
    lender = make_lender(house)
    make_clip(house, lender)
    someone = visitor(house, lender.account_id)

    answer = someone.send("/me/take-back", sure="on")

    assert (answer.status_code, answer.headers["location"]) == (303, "/me")
    assert in_force(house, lender.account_id) == set()
    with house.database.reading() as session:
        assert session.get_one(Account, lender.account_id).voice_key_id is None
    said = words_of(someone.get("/me"))
    assert "Your voice is taken back" in said
    assert "Your key is destroyed." in said
    assert "1 March 2026, 12:15 UTC" in said
    assert 'href="/certificates/' in someone.get("/me").text


def test_without_the_tick_nothing_is_taken_back(house: Collaborators) -> None:
    lender = make_lender(house)

    answer = visitor(house, lender.account_id).send("/me/take-back")

    assert answer.status_code == 400
    assert "Nothing has been taken back yet" in answer.text
    assert Purpose.COLLECT in in_force(house, lender.account_id)


@pytest.mark.parametrize(
    ("purpose", "left"),
    [("review", {Purpose.COLLECT}), ("publish", {Purpose.COLLECT, Purpose.REVIEW})],
)
def test_a_single_purpose_is_taken_back_with_what_needs_it(
    house: Collaborators, purpose: str, left: set[Purpose]
) -> None:
    lender = make_lender(house)

    answer = visitor(house, lender.account_id).send("/me/take-back", purpose=purpose)

    assert answer.headers["location"] == "/me?said=stopped"
    assert in_force(house, lender.account_id) == left


def test_consent_that_ran_out_can_still_be_taken_back(house: Collaborators, clock: StillClock) -> None:
    account_id = make_account(house)
    opt_in(house, account_id, expires_at=house.clock() + timedelta(days=1))
    clock.forward(timedelta(days=2))
    someone = visitor(house, account_id)

    before = words_of(someone.get("/me"))
    someone.send("/me/take-back", sure="on")

    assert "Your agreement has run out" in before
    assert "Your voice is taken back" in words_of(someone.get("/me"))


def test_a_changed_notice_is_announced_with_its_day(house: Collaborators) -> None:
    lender = make_lender(house)
    publish_notice(house, version="2", at=house.clock())

    said = words_of(visitor(house, lender.account_id).get("/me"))

    assert "The text you agreed to has changed Your devices may go on until 31 March 2026." in said


@pytest.mark.parametrize(
    ("address", "fields"), [("/me/agree", AGREED), ("/me/take-back", {"sure": "on"})], ids=["agree", "take-back"]
)
def test_another_site_can_neither_agree_nor_take_back(
    house: Collaborators, address: str, fields: dict[str, str]
) -> None:
    lender = make_lender(house, purposes=[Purpose.COLLECT])

    answer = visitor(house, lender.account_id).send_from_elsewhere(address, **fields)

    assert answer.status_code == 403
    assert in_force(house, lender.account_id) == {Purpose.COLLECT}
