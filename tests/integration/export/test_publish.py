"""A release is published whole, and with everyone in it still willing, or not at all."""

from dataclasses import replace

import pytest

from corpus.collaborators import Collaborators
from corpus.errors import ReleaseExists, ReleaseIncomplete, ReleaseWithdrawn, StoreUnavailable, UnknownRelease
from corpus.tables import Release
from corpus.words import ReleaseState
from export import queries, snapshot
from export.build import build_release, discard
from export.policy import Policy
from export.publish import list_releases, publish_release, show_release
from tests.factories import Lender, withdraw_consent
from tests.integration.export.releases import NAME, PREFIX, VERSION, Rival, clock_that, interfering, lend


@pytest.fixture
def lenders(house: Collaborators) -> list[Lender]:
    """Two people in a built draft."""
    lent = lend(house, speakers=2)
    build_release(house, NAME, VERSION, Policy())
    return lent


def state(house: Collaborators, version: str = VERSION) -> ReleaseState:
    return show_release(house, NAME, version).facts.state


def revoke(house: Collaborators) -> None:
    with house.database.writing() as session:
        release = queries.release_of(session, NAME, VERSION)
        assert isinstance(release, Release)
        release.state = ReleaseState.REVOKED


def test_a_published_release_is_current_and_the_one_before_superseded(
    house: Collaborators, lenders: list[Lender]
) -> None:
    publish_release(house, NAME, VERSION)
    build_release(house, NAME, "2.0", Policy())

    published = publish_release(house, NAME, "2.0")

    assert (published.state, published.published_at) == (ReleaseState.CURRENT, house.clock())
    assert state(house) is ReleaseState.SUPERSEDED


def test_a_release_is_listed_and_shown_with_its_counts(house: Collaborators, lenders: list[Lender]) -> None:
    (listed,) = list_releases(house)

    view = show_release(house, NAME, VERSION)

    assert (listed.name, listed.version, listed.state) == (NAME, VERSION, ReleaseState.DRAFT)
    assert (listed.clips, listed.speakers, listed.built_at) == (4, 2, house.clock())
    assert view.facts == listed
    assert view.file is not None
    assert sum(counted.clips for counted in view.file.counts.values()) == 4
    assert list_releases(house, "another") == []


def test_it_is_published_once(house: Collaborators, lenders: list[Lender]) -> None:
    publish_release(house, NAME, VERSION)

    with pytest.raises(ReleaseExists):
        publish_release(house, NAME, VERSION)


def test_a_builder_that_comes_late_lets_a_published_release_be(house: Collaborators, lenders: list[Lender]) -> None:
    with house.database.reading() as session:
        release = queries.release_of(session, NAME, VERSION)
        assert release is not None
        frozen = snapshot.of(session, release)
    publish_release(house, NAME, VERSION)
    before = [info.key for info in house.store.list(PREFIX)]

    discard(house, frozen)

    assert [info.key for info in house.store.list(PREFIX)] == before
    assert state(house) is ReleaseState.CURRENT


def test_an_unknown_release_is_not_found(house: Collaborators) -> None:
    with pytest.raises(UnknownRelease):
        publish_release(house, NAME, VERSION)
    with pytest.raises(UnknownRelease):
        show_release(house, NAME, VERSION)


def test_a_build_that_was_interrupted_is_not_published(house: Collaborators) -> None:
    lend(house)

    def lose_power() -> None:
        raise StoreUnavailable("SHA256SUMS")

    with pytest.raises(StoreUnavailable):
        build_release(interfering(house, "SHA256SUMS", lose_power), NAME, VERSION, Policy())

    with pytest.raises(ReleaseIncomplete):
        publish_release(house, NAME, VERSION)


@pytest.mark.parametrize("path", ["release.json", "SHA256SUMS", "train.csv", "archives/train-00000.tar"])
@pytest.mark.parametrize("damage", ["gone", "changed"])
def test_a_damaged_release_is_not_published(house: Collaborators, path: str, damage: str) -> None:
    lend(house, speakers=6)
    build_release(house, NAME, VERSION, Policy(min_speakers={}))
    with house.store.open(PREFIX + path) as file:
        content = file.read()
    house.store.erase(PREFIX + path)
    if damage == "changed":
        house.store.put(PREFIX + path, content[:-1] + bytes([content[-1] ^ 1]))

    with pytest.raises(ReleaseIncomplete):
        publish_release(house, NAME, VERSION)

    assert state_row(house) is ReleaseState.DRAFT


def state_row(house: Collaborators) -> ReleaseState:
    (listed,) = list_releases(house)
    return listed.state


def test_a_release_with_a_stray_file_is_not_published(house: Collaborators, lenders: list[Lender]) -> None:
    house.store.put(PREFIX + "archives/train-00009.tar", b"a voice of whom?")

    with pytest.raises(ReleaseIncomplete, match="train-00009"):
        publish_release(house, NAME, VERSION)


def test_a_revoked_release_is_not_published_nor_built_again(house: Collaborators, lenders: list[Lender]) -> None:
    revoke(house)

    with pytest.raises(ReleaseWithdrawn):
        publish_release(house, NAME, VERSION)
    with pytest.raises(ReleaseWithdrawn, match="another version"):
        build_release(house, NAME, VERSION, Policy())

    assert state(house) is ReleaseState.REVOKED


def test_a_withdrawal_before_publication_refuses_it(house: Collaborators, lenders: list[Lender]) -> None:
    withdraw_consent(house, lenders[0].account_id)

    with pytest.raises(ReleaseWithdrawn):
        publish_release(house, NAME, VERSION)

    assert state(house) is ReleaseState.DRAFT


def test_a_withdrawal_waits_while_a_release_is_published(house: Collaborators, lenders: list[Lender]) -> None:
    rival = Rival(lambda: withdraw_consent(house, lenders[0].account_id))
    watched = replace(house, clock=clock_that(house.clock, 3, rival.start_and_look))

    publish_release(watched, NAME, VERSION)
    rival.join()

    assert rival.got_through is False
    assert state(house) is ReleaseState.CURRENT
