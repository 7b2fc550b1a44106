"""Who withdraws is gone from every release, whatever is published, refused or cut anew meanwhile."""

from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta

import pytest
from sqlalchemy.orm import Session

from corpus.collaborators import Collaborators
from corpus.database import Database
from corpus.errors import ObjectForbidden
from corpus.words import ConsentAct, Purpose, ReleaseState
from export.build import build_release
from export.publish import list_releases, publish_release
from export.recut import entomb_expired, recut_release, revoke_release
from ingest.close_account import close_account
from ingest.erase import LATE_WRITERS, finish_erasures
from ingest.erasures.certificates import ErasureView, erasures_of, told
from ingest.withdraw import withdraw
from tests.factories import Lender, consent_event, make_clip, make_lender, tone
from tests.fixtures.house import StillClock
from tests.integration.export.releases import NAME, SMALL_SHARDS, InterferingStore, on_store


@pytest.fixture
def two(house: Collaborators) -> tuple[Lender, Lender]:
    """Two people in one archive of a published release."""
    leaving, staying = make_lender(house), make_lender(house)
    for number, lender in enumerate((leaving, staying)):
        make_clip(house, lender, pcm=tone(frequency_hz=250 + 50 * number), label="turn on the lights")
    publish(house, "1")
    return leaving, staying


def publish(house: Collaborators, version: str, name: str = NAME) -> None:
    build_release(house, name, version, SMALL_SHARDS)
    publish_release(house, name, version)


def lies_in(house: Collaborators, version: str) -> list[str]:
    return [info.key for info in house.store.list(f"releases/{NAME}/{version}/")]


def erasure_of(house: Collaborators, lender: Lender) -> ErasureView:
    (erasure,) = erasures_of(house, lender.account_id)
    return erasure


def test_a_version_that_is_superseded_before_the_store_was_reached_is_revoked_and_erased_whole(
    house: Collaborators, two: tuple[Lender, Lender], clock: StillClock
) -> None:
    leaving, _ = two
    withdraw(house, leaving.account_id)  # the gate is closed; nothing has been erased from releases yet
    publish(house, "2")

    finish_erasures(house)
    clock.forward(LATE_WRITERS + timedelta(minutes=1))
    finish_erasures(house)

    assert lies_in(house, "1") == []
    states = {facts.version: facts.state for facts in list_releases(house)}
    assert states == {"1": ReleaseState.REVOKED, "2": ReleaseState.CURRENT}
    assert [each["became"] for each in told(erasure_of(house, leaving).certificate or "{}")["releases"]] == ["revoked"]


class RefusingStore(InterferingStore):
    """Erases nothing below one place, for as long as it refuses."""

    def __init__(self, house: Collaborators, below: str) -> None:
        super().__init__(house.store, "", lambda: None)
        self.below, self.refuses = below, True

    def erase_all(self, keys: Collection[str]) -> None:
        if self.refuses and any(key.startswith(self.below) for key in keys):
            raise ObjectForbidden(self.below)
        super().erase_all(keys)


@dataclass(frozen=True, slots=True)
class HeldUp:
    """A house of which the store refuses to erase one version of the releases."""

    house: Collaborators
    store: RefusingStore
    clock: StillClock

    def erase(self) -> None:
        """At once, after the last look, and long after the re-cut should have been made."""
        for minutes in (0, 31, 25 * 60):
            self.clock.forward(timedelta(minutes=minutes))
            if self.store.refuses:
                with pytest.raises(ObjectForbidden):
                    finish_erasures(self.house)
            else:
                finish_erasures(self.house)


def refusing(house: Collaborators, clock: StillClock, version: str, name: str = NAME) -> HeldUp:
    store = RefusingStore(house, f"releases/{name}/{version}/")
    return HeldUp(on_store(house, store), store, clock)


@pytest.mark.parametrize("is_published", [True, False], ids=["current-version", "draft"])
def test_while_the_store_refuses_to_empty_a_release_no_certificate_says_that_it_is_empty(
    house: Collaborators, two: tuple[Lender, Lender], clock: StillClock, is_published: bool
) -> None:
    leaving, _ = two
    if not is_published:
        build_release(house, NAME, "2", SMALL_SHARDS)
    held_up = refusing(house, clock, "1" if is_published else "2")
    withdraw(held_up.house, leaving.account_id)

    held_up.erase()

    erasure = erasure_of(house, leaving)
    assert (erasure.certificate, erasure.begun.erased_at, erasure.begun.entry_id) == (None, None, None)
    held_up.store.refuses = False
    held_up.erase()
    assert erasure_of(house, leaving).certificate is not None


def test_who_withdraws_from_releases_and_then_altogether_gets_no_certificate_before_both_are_true(
    house: Collaborators, two: tuple[Lender, Lender], clock: StillClock
) -> None:
    leaving, _ = two
    held_up = refusing(house, clock, "1")
    withdraw(held_up.house, leaving.account_id, [Purpose.PUBLISH])
    withdraw(held_up.house, leaving.account_id)

    held_up.erase()

    assert [each.certificate for each in erasures_of(house, leaving.account_id)] == [None, None]


def test_nobody_elses_erasure_waits_for_a_release_that_cannot_be_emptied(
    house: Collaborators, two: tuple[Lender, Lender], clock: StillClock
) -> None:
    leaving, _ = two
    other = make_lender(house)
    held_up = refusing(house, clock, "1")
    withdraw(held_up.house, leaving.account_id)
    withdraw(held_up.house, other.account_id)

    held_up.erase()

    assert erasure_of(house, other).certificate is not None


def test_no_release_waits_to_be_cut_anew_or_revoked_for_one_that_cannot_be_emptied(
    house: Collaborators, two: tuple[Lender, Lender], clock: StillClock
) -> None:
    leaving, _ = two
    publish(house, "1", "others")
    held_up = refusing(house, clock, "1", "others")
    withdraw(held_up.house, leaving.account_id)

    made = recut_release(held_up.house, NAME, "1")
    revoke_release(held_up.house, NAME, "1", "it was a trial")

    assert (made.revision, made.clips) == (2, 1)
    assert lies_in(house, "1") == []


class BeforeWriting(Database):
    """Does something between the last look and the first transaction that writes."""

    def __init__(self, url: str, act: Callable[[], None]) -> None:
        super().__init__(url)
        self._act: Callable[[], None] | None = act

    @contextmanager
    def writing(self) -> Iterator[Session]:
        if self._act:
            act, self._act = self._act, None
            act()
        with super().writing() as session:
            yield session


def test_an_account_that_is_closed_meanwhile_does_not_end_looking_for_expired_consent(
    house: Collaborators, two: tuple[Lender, Lender], clock: StillClock
) -> None:
    for lender in two:
        consent_event(house, lender.account_id, ConsentAct.EXPIRED, purposes=[Purpose.PUBLISH], at=clock())
    closing = min(lender.account_id for lender in two)  # the one that is looked at first

    def close() -> None:
        close_account(house, closing)
        clock.forward(LATE_WRITERS + timedelta(minutes=1))
        finish_erasures(house)

    database = BeforeWriting(house.database.url, close)

    written = entomb_expired(replace(house, database=database))

    database.close()
    assert written == 1
