"""A person with a past, for the tests of `/me`: devices, and a recording in every state there is."""

from dataclasses import dataclass, replace
from datetime import timedelta
from importlib import resources

from playwright.sync_api import Page, expect

from corpus.collaborators import Collaborators
from corpus.queries import consent_facts
from corpus.sealed import SealedBytes
from corpus.tables import Clip, Release, ReleaseClip, Review
from corpus.words import (
    AccountId,
    ClipId,
    Decision,
    Outcome,
    RejectReason,
    ReleaseId,
    ReleaseState,
    Role,
    Split,
    UtteranceId,
    new_id,
)
from ingest.pair_device import pair_device
from ingest.publish_notice import publish_notice
from tests.factories import (
    PASSWORD,
    Lender,
    make_account,
    make_clip,
    make_utterance,
    opt_in,
    tone,
)

EMAIL = "ann@example.org"
RECORDINGS = 7
"""How many `lending_person` has."""


@dataclass(frozen=True)
class Person:
    """Who signs in at `/sign-in`."""

    account_id: AccountId
    lender: Lender
    released: UtteranceId
    """One that is in two releases."""


def wording() -> str:
    return resources.files("loanword").joinpath("notices", "en-US.md").read_text("utf-8")


def newcomer(house: Collaborators, email: str = EMAIL) -> AccountId:
    """Has an account, and has not been asked yet."""
    controller = {"controller_name": "Open Voices", "controller_contact": "voices@example.org", "jurisdiction": "DE"}
    stating = replace(house, settings=house.settings.model_copy(update=controller))
    publish_notice(stating, wording(), locale="en-US", version="2026-03")
    return make_account(house, email=email)


def lending_person(house: Collaborators, account_id: AccountId | None = None) -> Person:
    account_id = account_id or newcomer(house)
    with house.database.reading() as session:
        lends = bool(consent_facts(session, account_id))
    if not lends:
        opt_in(house, account_id, at=house.clock() - timedelta(days=3))
    kitchen = pair_device(house, account_id, "Kitchen speaker")
    pair_device(house, account_id, "Phone")
    lender = Lender(account_id, kitchen.device.device_id, kitchen.token)
    make_utterance(house, lender, transcript="what is the weather like tomorrow")
    for text, drop in (
        ("play", "too_short"),
        ("turn it down", "too_quiet"),
        ("good morning", "shared_across_accounts"),
    ):
        make_clip(house, lender, transcript=text, outcome=Outcome.DROPPED, reason=drop)
    make_clip(house, lender, transcript="remind me to water the plants on sunday", pcm=tone(duration_s=3.2))
    review(house, make_clip(house, lender, transcript="call my mother"), RejectReason.PERSONAL_DATA)
    released = make_clip(
        house, lender, pcm=speech_like(), transcript="turn on the kitchen light", label="turn on the kitchen lights"
    )
    review(house, released, None)
    release(house, lender, released)
    with house.database.reading() as session:
        return Person(account_id, lender, session.get_one(Clip, released).utterance_id)


def speech_like() -> bytes:
    """Syllables of different strength: a waveform that has something to show."""
    parts = [(0.25, 0.12), (0.1, 0.02), (0.3, 0.3), (0.2, 0.08), (0.35, 0.4), (0.15, 0.03), (0.4, 0.22)]
    return b"".join(
        tone(duration_s=long_s, peak=peak, frequency_hz=180 + 40 * i) for i, (long_s, peak) in enumerate(parts)
    )


def review(house: Collaborators, clip_id: ClipId, reason: RejectReason | None) -> None:
    curator = make_account(house, role=Role.CURATOR)
    with house.database.writing() as session:
        clip = session.get_one(Clip, clip_id)
        clip.reviewed_at = house.clock()
        decision = Decision.REJECT if reason else Decision.ACCEPT
        sealed = None if reason else SealedBytes(b"nobody opens it here")
        session.add(
            Review(
                id=new_id(),
                clip_id=clip_id,
                curator_id=curator,
                decision=decision,
                reason=reason,
                transcript=sealed,
                at=house.clock(),
            )
        )


def release(house: Collaborators, lender: Lender, clip_id: ClipId) -> None:
    with house.database.writing() as session:
        for version, state in (("1.0", ReleaseState.SUPERSEDED), ("1.1", ReleaseState.CURRENT)):
            made = Release(
                id=ReleaseId(new_id()),
                name="voices",
                version=version,
                state=state,
                policy="{}",
                snapshot_at=house.clock(),
            )
            session.add(made)
            session.flush()
            session.add(
                ReleaseClip(
                    release_id=made.id,
                    clip_id=clip_id,
                    wav_filename=f"clips/{clip_id}.wav",
                    speaker="s1",
                    split=Split.TRAIN,
                    shard="train-00000.tar",
                )
            )


@dataclass(frozen=True)
class Effort:
    """What it took from the first screen: boxes ticked, and buttons or links pressed."""

    ticks: int = 0
    clicks: int = 0

    @property
    def actions(self) -> int:
        return self.ticks + self.clicks


class Counting:
    """A hand on the page that counts what it does."""

    def __init__(self, page: Page) -> None:
        self._page = page
        self.effort = Effort()

    def tick(self, label: str) -> None:
        self._page.get_by_label(label).check()
        self.effort = replace(self.effort, ticks=self.effort.ticks + 1)

    def press(self, name: str) -> None:
        self._page.get_by_role("button", name=name, exact=True).click()
        self.effort = replace(self.effort, clicks=self.effort.clicks + 1)


def effort_to_opt_in(page: Page) -> Effort:
    """The least that lends a voice, from the first screen of somebody who is signed in."""
    hand = Counting(page)
    hand.tick("Keep what my devices send")
    hand.tick("I am an adult")
    hand.press("Lend my voice")
    expect(page.get_by_role("heading", name="You are lending your voice")).to_be_visible()
    return hand.effort


def effort_to_opt_out(page: Page) -> Effort:
    """What takes everything back, from the same screen, with no other page, sign-in or mail in between."""
    hand = Counting(page)
    hand.tick("I know that nobody can bring them back")
    hand.press("Take my voice back")
    expect(page.get_by_role("heading", name="Your voice is taken back")).to_be_visible()
    return hand.effort


def symmetric_effort(page: Page, address: str, email: str = EMAIL) -> tuple[Effort, Effort]:
    """(to opt in, to opt out) of a newcomer: the second must be as easy as the first."""
    sign_in(page, address, email)
    return effort_to_opt_in(page), effort_to_opt_out(page)


def sign_in(page: Page, address: str, email: str = EMAIL) -> None:
    page.goto(f"{address}/me")
    page.get_by_label("E-mail address").fill(email)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    expect(page).to_have_url(f"{address}/me")
