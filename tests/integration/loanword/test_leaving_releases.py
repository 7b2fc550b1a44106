"""Who withdraws is gone from every release, whatever is published, refused or cut anew meanwhile."""

from datetime import timedelta

import pytest

from corpus.collaborators import Collaborators
from corpus.words import ReleaseState
from export.build import build_release
from export.publish import list_releases, publish_release
from ingest.erase import LATE_WRITERS, finish_erasures
from ingest.erasures.certificates import ErasureView, erasures_of, told
from ingest.withdraw import withdraw
from tests.factories import Lender, make_clip, make_lender, tone
from tests.fixtures.house import StillClock
from tests.integration.export.releases import NAME, SMALL_SHARDS


@pytest.fixture
def two(house: Collaborators) -> tuple[Lender, Lender]:
    """Two people in one archive of a published release."""
    leaving, staying = make_lender(house), make_lender(house)
    for number, lender in enumerate((leaving, staying)):
        make_clip(house, lender, pcm=tone(frequency_hz=250 + 50 * number), label="turn on the lights")
    publish(house, "1")
    return leaving, staying


def publish(house: Collaborators, version: str) -> None:
    build_release(house, NAME, version, SMALL_SHARDS)
    publish_release(house, NAME, version)


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
