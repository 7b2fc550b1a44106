"""A release is cut anew without who left it: what they did not touch stays byte for byte, and nothing of them does."""

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from corpus import object_keys, signing
from corpus.collaborators import Collaborators
from corpus.errors import ObjectAbsent, RecutUnderWay, ReleaseAwaitsRecut, ReleaseWithdrawn, StoreUnavailable
from corpus.object_store import ObjectInfo
from corpus.release_queries import clips_of_account
from corpus.release_state import STATE
from corpus.tables import Release, ReleaseClip, ReleaseSerial, Tombstone
from corpus.withdrawn_releases import empty_withdrawn
from corpus.words import ConsentAct, Purpose, ReleaseState
from export import queries, recut
from export.build import build_release
from export.catalogue.serve_file import check_may_be_served, find_file, open_span
from export.publish import publish_release, show_release
from export.recut import LEASE, recut_release, recut_waiting, revoke_release
from export.state import current_state, refresh_states, settle_serials
from tests.factories import Lender, consent_event
from tests.fixtures.house import StillClock
from tests.integration.export.leaving import leave
from tests.integration.export.releases import (
    NAME,
    PREFIX,
    SMALL_SHARDS,
    VERSION,
    InterferingStore,
    content,
    interfering,
    lend,
    on_store,
    stored,
)

ONE_SHARD_A_SPEAKER = replace(SMALL_SHARDS, shard_max_bytes=1 << 20)


@pytest.fixture
def lenders(house: Collaborators) -> list[Lender]:
    """Four people in four archives of a published release."""
    lent = lend(house, speakers=4, clips=2, duration_s=9)
    build_release(house, NAME, VERSION, ONE_SHARD_A_SPEAKER)
    publish_release(house, NAME, VERSION)
    assert sum(path.startswith("archives/") for path in stored(house)) == 4
    return lent


def also_leave(house: Collaborators, lender: Lender) -> None:
    leave(house, lender.account_id)


def row(house: Collaborators) -> Release:
    with house.database.reading() as session:
        release = queries.release_of(session, NAME, VERSION)
    assert release is not None
    return release


def clips_in_release(house: Collaborators, lender: Lender) -> list[ReleaseClip]:
    """The clips of somebody who is still in the release."""
    with house.database.reading() as session:
        of_lender = clips_of_account(lender.account_id)
        found = list(session.scalars(select(ReleaseClip).where(ReleaseClip.clip_id.in_(of_lender))))
    assert found
    return found


def names_of(house: Collaborators, lender: Lender) -> set[str]:
    return {each.wav_filename for each in clips_in_release(house, lender)}


def served(house: Collaborators, path: str) -> bytes:
    file = find_file(house, NAME, VERSION, path)
    return b"".join(open_span(house, file, 0, file.size_bytes))


def test_untouched_archives_stay_byte_for_byte_and_the_rest_is_made_anew(
    house: Collaborators, lenders: list[Lender]
) -> None:
    before = stored(house)
    gone = names_of(house, lenders[0])
    leave(house, lenders[0].account_id)

    made = recut_release(house, NAME, VERSION)

    assert (made.revision, made.clips, made.archives_kept, made.archives_made) == (2, 6, 3, 0)
    after = stored(house)
    archives = {path: digest for path, digest in after.items() if "archives/" in path}
    assert archives.items() < before.items()
    told = json.loads(served(house, "release.json"))
    assert (told["revision"], told["consent_leaves"], told["counts"]["clips"]) == (2, 6, 6)
    lists = served(house, "clips.jsonl") + served(house, "consent.jsonl") + served(house, "train.csv")
    assert not any(name.encode() in lists for name in gone)
    assert {path for path in after if "/" not in path} == set()


def test_an_archive_of_several_speakers_is_made_again_without_the_one(house: Collaborators) -> None:
    lenders = lend(house, speakers=3, duration_s=1)
    build_release(house, NAME, VERSION, SMALL_SHARDS)
    publish_release(house, NAME, VERSION)
    gone = names_of(house, lenders[1])
    leave(house, lenders[1].account_id)

    made = recut_release(house, NAME, VERSION)

    assert (made.revision, made.clips, made.archives_kept, made.archives_made) == (2, 4, 0, 1)
    archive = served(house, "archives/train-00000.tar")
    assert not any(name.encode() in archive for name in gone)
    assert archive.count(b".wav\0") == 4


def test_between_the_withdrawal_and_the_recut_nothing_is_served(house: Collaborators, lenders: list[Lender]) -> None:
    file = find_file(house, NAME, VERSION, "archives/train-00003.tar")
    leave(house, lenders[0].account_id)

    with pytest.raises(ReleaseWithdrawn):
        check_may_be_served(house, file)
    with pytest.raises(ReleaseAwaitsRecut):
        find_file(house, NAME, VERSION, "archives/train-00003.tar")


def test_a_download_that_is_under_way_goes_on_only_if_its_archive_stays(
    house: Collaborators, lenders: list[Lender]
) -> None:
    (hit,), (spared,) = ({each.shard for each in clips_in_release(house, lender)} for lender in lenders[:2])
    going, staying, lists = (find_file(house, NAME, VERSION, path) for path in (hit, spared, "train.csv"))
    leave(house, lenders[0].account_id)
    recut_release(house, NAME, VERSION)

    check_may_be_served(house, staying)
    for file in (going, lists):
        with pytest.raises(ReleaseWithdrawn):
            check_may_be_served(house, file)


def test_where_nobody_is_left_the_version_is_revoked(house: Collaborators, lenders: list[Lender]) -> None:
    for lender in lenders:
        leave(house, lender.account_id)

    made = recut_release(house, NAME, VERSION)

    assert (made.revision, row(house).state) == (None, ReleaseState.REVOKED)
    assert stored(house) == {}


def test_a_version_that_is_superseded_before_it_was_cut_anew_is_revoked(
    house: Collaborators, lenders: list[Lender]
) -> None:
    leave(house, lenders[0].account_id)
    build_release(house, NAME, "2.0", ONE_SHARD_A_SPEAKER)

    publish_release(house, NAME, "2.0")
    empty_withdrawn(house)

    assert (row(house).state, stored(house)) == (ReleaseState.REVOKED, {})
    assert recut_waiting(house) == []


def test_where_nothing_was_withdrawn_nothing_is_done(house: Collaborators, lenders: list[Lender]) -> None:
    before = stored(house)

    made = recut_release(house, NAME, VERSION)

    assert (made.revision, made.archives_made) == (1, 0)
    assert stored(house) == before


def test_somebody_who_leaves_while_it_is_cut_is_not_in_it_either(house: Collaborators, lenders: list[Lender]) -> None:
    leave(house, lenders[0].account_id)
    acting = interfering(house, "clips.jsonl", lambda: also_leave(house, lenders[1]))

    made = recut_release(acting, NAME, VERSION)

    assert (made.revision, made.clips) == (3, 4)
    assert not any(path.startswith("r2/") for path in stored(house))


def test_somebody_who_leaves_after_the_ledger_was_told_is_not_in_it_either(
    house: Collaborators, lenders: list[Lender]
) -> None:
    leave(house, lenders[0].account_id)
    acting = interfering(house, "release.json.sig", lambda: also_leave(house, lenders[1]))

    made = recut_release(acting, NAME, VERSION)

    assert (made.revision, made.clips) == (3, 4)
    with house.database.reading() as session:
        assert {each.revision for each in session.scalars(select(Tombstone))} == {1}


def test_of_two_recuts_the_second_waits(house: Collaborators, lenders: list[Lender], clock: StillClock) -> None:
    leave(house, lenders[0].account_id)
    seen: list[type[Exception]] = []

    def second() -> None:
        try:
            recut_release(house, NAME, VERSION)
        except RecutUnderWay as error:
            seen.append(type(error))

    made = recut_release(interfering(house, "clips.jsonl", second), NAME, VERSION)

    assert (made.revision, seen) == (2, [RecutUnderWay])


def test_a_recut_that_lost_its_lease_does_not_end(
    house: Collaborators, lenders: list[Lender], clock: StillClock
) -> None:
    leave(house, lenders[0].account_id)

    def another_takes_over() -> None:
        clock.forward(2 * LEASE)
        recut_release(house, NAME, VERSION)

    with pytest.raises((RecutUnderWay, ObjectAbsent)):
        recut_release(interfering(house, "release.json", another_takes_over), NAME, VERSION)

    assert (row(house).revision, row(house).newest_revision) == (3, 3)
    assert json.loads(served(house, "release.json"))["revision"] == 3
    assert not any(path.startswith("r2/") for path in stored(house))


class SlowStore(InterferingStore):
    """Takes most of a lease to look at each file that a re-cut has made; others try meanwhile."""

    def __init__(self, house: Collaborators, clock: StillClock, meanwhile: Callable[[], None]) -> None:
        super().__init__(house.store, "", lambda: None)
        self._clock, self._meanwhile = clock, meanwhile

    def head(self, key: str) -> ObjectInfo:
        if "/r2/" in key:
            self._clock.forward(LEASE * 3 / 4)
            self._meanwhile()
        return super().head(key)


def test_reading_a_large_release_back_outlasts_no_lease(
    house: Collaborators, lenders: list[Lender], clock: StillClock
) -> None:
    leave(house, lenders[0].account_id)
    waited: list[bool] = []

    def another_tries() -> None:
        with pytest.raises(RecutUnderWay):
            recut_release(house, NAME, VERSION)
        waited.append(True)

    made = recut_release(on_store(house, SlowStore(house, clock, another_tries)), NAME, VERSION)

    assert (made.revision, len(waited) > 2) == (2, True)


def test_a_recut_that_died_is_begun_anew(house: Collaborators, lenders: list[Lender], clock: StillClock) -> None:
    leave(house, lenders[0].account_id)

    def lose_power() -> None:
        raise StoreUnavailable("clips.jsonl")

    with pytest.raises(StoreUnavailable):
        recut_release(interfering(house, "clips.jsonl", lose_power), NAME, VERSION)

    (made,) = recut_waiting(house)
    assert made.revision == 3
    assert all(object_keys.revision_of(path) in (1, 3) for path in stored(house))


def test_expired_consent_leaves_as_a_withdrawal_does(
    house: Collaborators, lenders: list[Lender], clock: StillClock
) -> None:
    consent_event(house, lenders[0].account_id, ConsentAct.EXPIRED, purposes=[Purpose.PUBLISH], at=house.clock())

    (made,) = recut_waiting(house)

    assert (made.revision, made.clips) == (2, 6)
    with house.database.reading() as session:
        assert {each.reason for each in session.scalars(select(Tombstone))} == {"expired"}


def test_a_steward_revokes_a_version_for_good(house: Collaborators, lenders: list[Lender]) -> None:
    revoke_release(house, NAME, VERSION, "its licence was not ours to give")

    assert (row(house).state, stored(house)) == (ReleaseState.REVOKED, {})
    told = json.loads(current_state(house, NAME).document)
    assert [(each["version"], each["state"]) for each in told["versions"]] == [(VERSION, "revoked")]
    with pytest.raises(ReleaseWithdrawn):
        revoke_release(house, NAME, VERSION, "again")


# The signed state


def test_each_change_has_a_serial_and_a_copy_in_the_store(house: Collaborators, lenders: list[Lender]) -> None:
    refresh_states(house)
    leave(house, lenders[0].account_id)
    refresh_states(house)
    recut_release(house, NAME, VERSION)
    refresh_states(house)

    kept = stored(house, f"releases/{NAME}/")
    assert {f"state/{serial}.json" for serial in (1, 2, 3)} <= set(kept)
    assert kept["state.json"] == kept["state/3.json"]
    assert kept["tombstones.csv"] == kept["tombstones/3.csv"] == kept["tombstones/2.csv"]


@pytest.mark.parametrize("file", ["state.json", "tombstones.csv"])
def test_what_a_slower_process_leaves_under_the_names_that_everyone_knows_is_replaced_by_the_next_run(
    house: Collaborators, lenders: list[Lender], file: str
) -> None:
    refresh_states(house)
    old = content(house, f"releases/{NAME}/{file}")
    leave(house, lenders[0].account_id)

    def a_slower_one_puts_what_it_has() -> None:
        house.store.put(f"releases/{NAME}/{file}", old)

    refresh_states(interfering(house, f"{NAME}/{file}", a_slower_one_puts_what_it_has))
    refresh_states(house)

    kept = stored(house, f"releases/{NAME}/")
    assert (kept["state.json"], kept["tombstones.csv"]) == (kept["state/2.json"], kept["tombstones/2.csv"])


def test_a_state_that_was_replaced_by_an_older_one_long_after_comes_back(
    house: Collaborators, lenders: list[Lender]
) -> None:
    refresh_states(house)
    old = content(house, f"releases/{NAME}/state.json")
    leave(house, lenders[0].account_id)
    refresh_states(house)
    house.store.erase(f"releases/{NAME}/state.json")
    house.store.put(f"releases/{NAME}/state.json", old)

    refresh_states(house)

    kept = stored(house, f"releases/{NAME}/")
    assert kept["state.json"] == kept["state/2.json"]


def test_a_state_that_runs_out_soon_is_signed_anew(
    house: Collaborators, lenders: list[Lender], clock: StillClock
) -> None:
    first = current_state(house, NAME)
    clock.forward(timedelta(days=1))
    same = current_state(house, NAME)
    clock.forward(timedelta(days=5))

    renewed = current_state(house, NAME)

    assert (first, renewed.serial) == (same, first.serial + 1)
    keys = {house.signer.key_id: house.signer.public_key}
    told = signing.verify(renewed.document, STATE, keys)
    assert told["expires_at"] > signing.verify(first.document, STATE, keys)["expires_at"]


def test_a_restored_database_goes_on_above_what_the_store_has_seen(house: Collaborators, lenders: list[Lender]) -> None:
    leave(house, lenders[0].account_id)
    refresh_states(house)
    with house.database.writing() as session:  # as it was before
        serial = session.get_one(ReleaseSerial, NAME)
        serial.serial, serial.copied_serial = 1, 1

    settle_serials(house)

    assert current_state(house, NAME).serial == 3


def test_the_bytes_of_who_left_are_gone_before_it_is_cut_anew(
    house: Collaborators, lenders: list[Lender], tmp_path: Path
) -> None:
    gone = names_of(house, lenders[0])
    leave(house, lenders[0].account_id)

    empty_withdrawn(house)

    left = b"".join(content(house, info.key) for info in house.store.list(PREFIX))
    assert left != b""
    assert not any(name.encode() in left for name in gone)


def test_the_register_and_the_rows_agree(house: Collaborators, lenders: list[Lender]) -> None:
    leave(house, lenders[0].account_id)
    recut_release(house, NAME, VERSION)

    with house.database.reading() as session:
        clips = session.scalars(select(ReleaseClip.wav_sha256)).all()
    assert (row(house).clips, len(clips), None in clips) == (6, 6, False)
    assert show_release(house, NAME, VERSION).facts.revision == 2
    assert recut.recut_waiting(house) == []
