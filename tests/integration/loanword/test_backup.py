"""A backup brings back what was kept, and nothing that was taken back since."""

import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from sqlalchemy import select

from corpus import head_copies, object_keys
from corpus.audit import audit
from corpus.collaborators import Collaborators, collaborators
from corpus.errors import BackupRefused, KeyDestroyed, LinkSpent
from corpus.identity.links import LIFETIME, enter_by_link, make_link
from corpus.keys import KeyKind
from corpus.queries import consent_facts, usable_clips
from corpus.tables import Token
from corpus.words import AccountId, KeyId, Purpose, Scope
from export.state import refresh_states
from ingest.erase import finish_erasures
from ingest.give_consent import consent_states
from ingest.withdraw import withdraw
from loanword.backup import SUMS, back_up, restore
from loanword.catch_up import catch_up
from tests.factories import Lender, make_account, make_clip, make_lender, make_token, opt_in, voice_key
from tests.integration.corpus.test_release_queries import make_release


@pytest.fixture
def lender(house: Collaborators) -> Lender:
    lender = make_lender(house)
    make_clip(house, lender, label="turn on the lights")
    return lender


def usable(house: Collaborators) -> int:
    with house.database.reading() as session:
        return len(session.execute(usable_clips(Purpose.COLLECT, house.clock())).all())


Restoring = Callable[..., Collaborators]


@pytest.fixture
def restored(house: Collaborators) -> Iterator[Restoring]:
    """Restores a folder, and opens what came of it."""
    with ExitStack() as stack:

        def restoring(folder: Path, *, force: bool = True) -> Collaborators:
            house.database.close()
            restore(house.settings, folder, force=force, clock=house.clock)
            again = collaborators(house.settings, house.clock)
            stack.callback(again.database.close)
            return again

        yield restoring


def test_what_was_backed_up_is_there_again_and_the_log_goes_on(
    house: Collaborators, lender: Lender, tmp_path: Path, restored: Restoring
) -> None:
    back_up(house, tmp_path / "backup")

    again = restored(tmp_path / "backup")

    assert usable(again) == 1
    opt_in(again, make_account(again))
    assert audit(again).fault is None


def test_a_person_who_came_after_the_backup_has_agreed_to_nothing_and_the_log_does_not_fork(
    house: Collaborators, lender: Lender, tmp_path: Path, restored: Restoring
) -> None:
    back_up(house, tmp_path / "backup")
    late = make_lender(house)
    head_copies.copy_heads(house)

    again = restored(tmp_path / "backup")

    report = audit(again)
    assert (report.fault, report.lost) == (None, 3)
    with again.database.reading() as session:
        assert consent_facts(session, late.account_id) == []


def test_lost_objects_come_back_from_a_backup_that_has_them(
    house: Collaborators, lender: Lender, tmp_path: Path, restored: Restoring
) -> None:
    back_up(house, tmp_path / "backup", with_objects=True)
    keys = [info.key for info in house.store.list("voices/")]
    for key in keys:
        house.store.erase(key)

    again = restored(tmp_path / "backup")

    assert [info.key for info in again.store.list("voices/")] == keys


def test_no_key_is_in_a_backup(house: Collaborators, lender: Lender, tmp_path: Path, restored: Restoring) -> None:
    back_up(house, tmp_path / "backup", with_objects=True)

    secrets = [house.settings.resolved_master_key_file().read_bytes(), house.signer.secret]
    secrets += [path.read_bytes() for path in Path(house.settings.resolved_key_store()).rglob("*") if path.is_file()]
    files = [path.read_bytes() for path in (tmp_path / "backup").rglob("*") if path.is_file()]
    assert len(secrets) > 3
    assert [secret for secret in secrets for file in files if secret in file] == []


def test_a_database_in_use_is_not_replaced_unless_it_is_asked_for(
    house: Collaborators, lender: Lender, tmp_path: Path, restored: Restoring
) -> None:
    back_up(house, tmp_path / "backup")

    with pytest.raises(BackupRefused, match="--force"):
        restored(tmp_path / "backup", force=False)

    with pytest.raises(BackupRefused, match="not empty"):
        back_up(house, tmp_path / "backup")


def test_a_backup_of_which_a_byte_is_another_is_refused(
    house: Collaborators, lender: Lender, tmp_path: Path, restored: Restoring
) -> None:
    back_up(house, tmp_path / "backup")
    for path in (tmp_path / "backup").rglob("*"):
        if path.is_file() and path.name != SUMS and path.stat().st_size:
            sound = path.read_bytes()
            path.write_bytes(bytes([sound[0] ^ 1]) + sound[1:])
            with pytest.raises(BackupRefused):
                restore(house.settings, tmp_path / "backup", force=True)
            path.write_bytes(sound)

    assert usable(restored(tmp_path / "backup")) == 1


def test_a_voice_that_was_taken_back_since_the_backup_stays_beyond_reach(
    house: Collaborators, lender: Lender, tmp_path: Path, restored: Restoring
) -> None:
    key_id = voice_key(house, lender.account_id).key_id
    back_up(house, tmp_path / "backup", with_objects=True)
    withdraw(house, lender.account_id)

    finish_erasures(house)

    again = restored(tmp_path / "backup")

    with pytest.raises(KeyDestroyed):
        unwrap(again, lender.account_id, key_id)
    assert usable(again) == 0
    assert not any(state.in_force for state in consent_states(again, lender.account_id))
    assert [info.key for info in again.store.list("voices/")] == []
    assert audit(again).fault is None


def test_a_person_who_came_back_since_is_not_withdrawn_a_second_time_by_a_second_restore(
    house: Collaborators, lender: Lender, tmp_path: Path, restored: Restoring
) -> None:
    back_up(house, tmp_path / "backup")
    withdraw(house, lender.account_id)
    again = restored(tmp_path / "backup")
    opt_in(again, lender.account_id, at=again.clock())

    assert catch_up(again).erasures == 0

    assert any(state.in_force for state in consent_states(again, lender.account_id))


def test_no_way_in_for_a_person_comes_back(
    house: Collaborators, lender: Lender, tmp_path: Path, restored: Restoring
) -> None:
    link = make_link(house, lender.account_id, LIFETIME)
    make_token(house, lender.account_id, Scope.ACCOUNT)
    back_up(house, tmp_path / "backup")
    enter_by_link(house, link)

    again = restored(tmp_path / "backup")

    with pytest.raises(LinkSpent):
        enter_by_link(again, link)
    with again.database.reading() as session:
        tokens = session.scalars(select(Token)).all()
    assert {(token.device_id is None, token.revoked_at is None) for token in tokens} == {(True, False), (False, True)}


def test_no_state_is_signed_in_which_what_was_taken_back_since_is_still_current(
    house: Collaborators, lender: Lender, tmp_path: Path, restored: Restoring
) -> None:
    make_release(house, [[make_clip(house, lender)]], proofs=False)
    refresh_states(house)
    back_up(house, tmp_path / "backup")
    withdraw(house, lender.account_id)
    refresh_states(house)
    before = signed_states(house)

    again = restored(tmp_path / "backup")

    signed = signed_states(again)
    assert [before[serial] for serial in sorted(before)] == ["current", "revoked"]
    assert "current" not in {state for serial, state in signed.items() if serial not in before}


def signed_states(house: Collaborators) -> dict[int, str]:
    """What each state in the store says of the one version, by serial."""
    found = {}
    for info in house.store.list(object_keys.release_prefix("commands") + "state/"):
        if info.key.endswith(".json"):
            with house.store.open(info.key) as file:
                content = json.loads(file.read())
            found[content["serial"]] = content["versions"][0]["state"]
    return found


def unwrap(house: Collaborators, account_id: AccountId, key_id: KeyId) -> None:
    house.keyring.unwrap(account_id, key_id, KeyKind.VOICE)
