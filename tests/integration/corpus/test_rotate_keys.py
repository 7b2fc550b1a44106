"""Keys are rotated: all that was sealed opens, all that was signed holds, and what was destroyed stays so."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from corpus import head_copies, ledger_queries, object_keys, signing
from corpus.audit import audit
from corpus.collaborators import Collaborators, collaborators
from corpus.errors import KeyDestroyed, Misconfigured, StoreUnavailable
from corpus.keys import KeyKind, Keyring, MasterKey
from corpus.queries import lock_account
from corpus.rotate_keys import next_signing_key, prepare_signing_key, rotate_master_key, rotate_signing_key
from corpus.signing import Signer
from corpus.words import AccountId, EntryKind, KeyId
from ingest.receipts import receipts
from ingest.sweep import sweep
from ingest.verify_receipt import verify
from ingest.withdraw import withdraw
from tests.factories import Lender, identity_key, make_lender, voice_key
from tests.fixtures.house import StillClock


@pytest.fixture
def lender(house: Collaborators) -> Lender:
    return make_lender(house)


def path_of(house: Collaborators) -> Path:
    return house.settings.resolved_signing_key_file()


def names(house: Collaborators) -> list[str]:
    folder = Path(house.settings.resolved_key_store())
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("accounts/**/*") if path.is_file())


def anew(house: Collaborators) -> Collaborators:
    """As a process that starts now opens it."""
    master = MasterKey.read(house.settings.resolved_master_key_file())
    return replace(house, signer=Signer.read(path_of(house)), master=master, keyring=house.keyring.with_master(master))


def sign_something(house: Collaborators) -> None:
    with house.database.writing() as session:
        ledger_queries.append_entry(session, house.signer, EntryKind.RELEASE, {"name": "x"}, house.clock())


# The signing key


def test_a_new_signing_key_is_endorsed_and_all_that_was_signed_holds(house: Collaborators, lender: Lender) -> None:
    before = receipts(house, lender.account_id)

    public_key = rotate_signing_key(house, path_of(house))

    renewed = anew(house)
    sign_something(renewed)
    assert renewed.signer.public_key.hex() == public_key
    assert receipts(renewed, lender.account_id) == before
    assert verify(before[0].document.encode())
    assert audit(renewed).fault is None
    with house.database.reading() as session:
        old, new = ledger_queries.known_keys(session)
    assert new.endorsement is not None
    told = signing.verify(new.endorsement, ledger_queries.KEY_ENDORSEMENT, {old.key_id: bytes.fromhex(old.public_key)})
    assert told["public_key"] == public_key


def test_a_server_that_still_holds_the_old_key_goes_on_signing(house: Collaborators, lender: Lender) -> None:
    rotate_signing_key(house, path_of(house))

    sign_something(house)

    assert audit(anew(house)).fault is None


def test_a_lost_key_signs_no_more(house: Collaborators, lender: Lender) -> None:
    path = path_of(house)
    path.unlink()
    prepare_signing_key(path)
    opened = replace(house, signer=Signer.read(next_signing_key(path)))

    rotate_signing_key(opened, path, lost=True)

    with pytest.raises(Misconfigured, match="given up as lost"):
        sign_something(house)
    sign_something(anew(house))
    assert audit(anew(house)).fault is None


def test_a_rotation_of_the_signing_key_that_was_interrupted_is_completed(
    house: Collaborators, lender: Lender, monkeypatch: pytest.MonkeyPatch
) -> None:
    def dies(*_: object) -> None:
        raise StoreUnavailable("ledger/keys")

    with monkeypatch.context() as patched:
        patched.setattr(head_copies, "copy_keys", dies)
        with pytest.raises(StoreUnavailable):
            rotate_signing_key(house, path_of(house))
    public_key = rotate_signing_key(house, path_of(house))

    assert anew(house).signer.public_key.hex() == public_key
    with house.database.reading() as session:
        assert len(ledger_queries.known_keys(session)) == 2
    assert audit(anew(house)).fault is None


# The master key


def test_all_that_was_sealed_opens_after_the_wrapping_key_was_rotated(house: Collaborators, lender: Lender) -> None:
    voice, identity = voice_key(house, lender.account_id), identity_key(house, lender.account_id)

    assert rotate_master_key(house) == 2
    assert rotate_master_key(house) == 2

    for opened in (house, anew(house)):  # one that was running, and one that starts now
        assert voice_key(opened, lender.account_id) == voice
        assert identity_key(opened, lender.account_id) == identity
    assert all(name.endswith(".2") for name in names(house))
    assert anew(house).master.digest("x", b"y") == house.master.digest("x", b"y")
    collaborators(house.settings).database.close()


def test_a_wrapping_key_that_leaked_opens_nothing_of_what_is_stored(house: Collaborators, lender: Lender) -> None:
    leaked = MasterKey(house.settings.resolved_master_key_file().read_bytes())
    key_id = voice_key(house, lender.account_id).key_id

    rotate_master_key(house)

    with pytest.raises(KeyDestroyed):
        house.keyring.with_master(leaked).unwrap(lender.account_id, key_id, KeyKind.VOICE)


def test_a_rotation_of_the_master_key_that_was_interrupted_is_completed(
    house: Collaborators, lender: Lender, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = make_lender(house)
    keys = [voice_key(house, each.account_id) for each in (lender, other)]
    calls = iter(range(100))
    wrap_anew = Keyring.wrap_anew

    def dies(*arguments: object) -> bool:
        if next(calls) == 1:
            raise StoreUnavailable("accounts")
        return wrap_anew(*arguments)  # type: ignore[arg-type]

    with monkeypatch.context() as patched:
        patched.setattr(Keyring, "wrap_anew", dies)
        with pytest.raises(StoreUnavailable):
            rotate_master_key(house)
    assert rotate_master_key(house) == 3

    assert [voice_key(anew(house), each.account_id) for each in (lender, other)] == keys
    assert anew(house).master.generation == 1
    assert all(name.endswith(".1") for name in names(house))


def test_a_key_that_is_destroyed_while_it_is_wrapped_anew_never_comes_back(
    house: Collaborators, lender: Lender, monkeypatch: pytest.MonkeyPatch
) -> None:
    key_id = voice_key(house, lender.account_id).key_id
    wrap = Keyring._wrap

    def withdrawn_just_before(keyring: Keyring, key: object, kind: KeyKind, generation: int) -> None:
        if kind is KeyKind.VOICE:
            withdraw(house, lender.account_id)
        wrap(keyring, key, kind, generation)  # type: ignore[arg-type]

    with monkeypatch.context() as patched:
        patched.setattr(Keyring, "_wrap", withdrawn_just_before)
        rotate_master_key(house)

    with pytest.raises(KeyDestroyed):
        anew(house).keyring.unwrap(lender.account_id, key_id, KeyKind.VOICE)
    assert [name for name in names(house) if key_id in name] == []


def test_destroying_reaches_every_generation(house: Collaborators, lender: Lender) -> None:
    key_id = voice_key(house, lender.account_id).key_id
    rotate_master_key(house)

    withdraw(house, lender.account_id)

    assert [name for name in names(house) if key_id in name] == []


def test_a_key_that_no_row_names_yet_is_left_for_who_is_making_it(house: Collaborators, lender: Lender) -> None:
    made = house.keyring.create(lender.account_id, KeyKind.VOICE)

    rotate_master_key(house)

    with house.database.writing() as session:
        lock_account(session, lender.account_id).voice_key_id = made
    assert voice_key(house, lender.account_id).key_id == made
    assert voice_key(anew(house), lender.account_id).key_id == made


def test_names_of_account_keys_can_be_read_back() -> None:
    account_id, key_id = AccountId("a" * 32), KeyId("b" * 32)

    for generation in (0, 1, 12):
        name = object_keys.account_key(account_id, key_id, generation)
        assert object_keys.account_key_named(name) == (account_id, key_id, generation)
    assert object_keys.account_key_named("accounts/x") is None


def test_a_sweep_leaves_keys_alone_that_were_wrapped_anew(
    house: Collaborators, lender: Lender, clock: StillClock
) -> None:
    before = voice_key(house, lender.account_id), identity_key(house, lender.account_id)
    rotate_master_key(house)
    clock.forward(timedelta(days=3650))  # the store's own clock is a real one

    sweep(house)

    assert (voice_key(house, lender.account_id), identity_key(house, lender.account_id)) == before
