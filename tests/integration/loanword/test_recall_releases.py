"""A database that was restored learns from the store what the world has seen of its releases since the backup."""

import json
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from corpus.collaborators import Collaborators
from corpus.errors import BadSignature
from corpus.release_queries import tombstones
from corpus.words import ReleaseState
from export.build import build_release
from export.publish import list_releases, publish_release
from export.recut import recut_release, revoke_release
from export.state import current_state, refresh_states
from ingest.erase import finish_erasures
from ingest.withdraw import withdraw
from loanword.catch_up import catch_up
from tests.factories import Lender
from tests.fixtures.house import StillClock
from tests.integration.export.releases import NAME, SMALL_SHARDS, content, lend
from tests.integration.ingest.erasures import backup_of

Restore = Callable[[], None]


@pytest.fixture
def lenders(house: Collaborators) -> list[Lender]:
    """Three people in a published release, of which the store has the signed state."""
    lent = lend(house)
    publish(house, "1")
    return lent


@pytest.fixture
def restore(house: Collaborators, lenders: list[Lender], tmp_path: Path) -> Restore:
    """Takes the database back to when version 1 was published, and lets it catch up."""
    back = backup_of(house, tmp_path)

    def restoring() -> None:
        back()
        catch_up(house)
        finish_erasures(house)
        refresh_states(house)

    return restoring


def publish(house: Collaborators, version: str) -> None:
    build_release(house, NAME, version, SMALL_SHARDS)
    publish_release(house, NAME, version)
    refresh_states(house)


def lies_in(house: Collaborators, version: str) -> list[str]:
    return [info.key for info in house.store.list(f"releases/{NAME}/{version}/")]


def states(house: Collaborators) -> dict[str, ReleaseState]:
    return {facts.version: facts.state for facts in list_releases(house)}


def told(house: Collaborators) -> dict[str, str]:
    """What the signed state in the store says of each version."""
    document = json.loads(content(house, f"releases/{NAME}/state.json"))
    return {each["version"]: each["state"] for each in document["versions"]}


def test_a_version_that_was_revoked_since_the_backup_stays_revoked(house: Collaborators, restore: Restore) -> None:
    revoke_release(house, NAME, "1", "its licence was not ours to give")
    refresh_states(house)
    seen = current_state(house, NAME).serial

    restore()

    assert (states(house), told(house)) == ({"1": ReleaseState.REVOKED}, {"1": "revoked"})
    assert current_state(house, NAME).serial > seen


def test_a_version_that_was_published_since_the_backup_is_revoked_and_its_voices_are_gone(
    house: Collaborators, restore: Restore
) -> None:
    publish(house, "2")

    restore()

    assert (states(house)["2"], told(house)["2"], lies_in(house, "2")) == (ReleaseState.REVOKED, "revoked", [])
    assert (states(house)["1"], lies_in(house, "1") != []) == (ReleaseState.CURRENT, True)


def test_a_draft_that_was_built_since_the_backup_is_erased(house: Collaborators, restore: Restore) -> None:
    build_release(house, NAME, "2", SMALL_SHARDS)
    build_release(house, "others", "1", SMALL_SHARDS)

    restore()

    assert (lies_in(house, "2"), list(house.store.list("releases/others/"))) == ([], [])


def test_tombstones_come_back_as_they_were_told_and_revisions_go_on_above_what_was_seen(
    house: Collaborators, lenders: list[Lender], restore: Restore, clock: StillClock
) -> None:
    withdraw(house, lenders[0].account_id)
    recut_release(house, NAME, "1")
    refresh_states(house)
    with house.database.reading() as session:
        before = tombstones(session, NAME)
    clock.forward(timedelta(days=2))

    restore()
    made = recut_release(house, NAME, "1")

    with house.database.reading() as session:
        assert (tombstones(session, NAME), len(before)) == (before, 2)
    assert (made.revision, made.clips) == (3, 4)


def test_a_state_in_the_store_that_we_did_not_sign_is_not_believed(
    house: Collaborators, lenders: list[Lender], restore: Restore
) -> None:
    seen = content(house, f"releases/{NAME}/state/1.json")
    house.store.put(f"releases/{NAME}/state/9.json", seen.replace(b'"serial":1', b'"serial":9'))

    with pytest.raises(BadSignature):
        restore()


def test_on_a_database_that_is_up_to_date_nothing_changes(house: Collaborators, lenders: list[Lender]) -> None:
    before = current_state(house, NAME)

    catch_up(house)

    assert (current_state(house, NAME), states(house)) == (before, {"1": ReleaseState.CURRENT})
