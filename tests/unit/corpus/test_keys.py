"""Account keys seal, open only where they sealed, and are gone once destroyed."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from corpus.errors import KeyDestroyed, Misconfigured, SealBroken
from corpus.keys import AccountKey, KeyKind, Keyring, MasterKey
from corpus.object_store import DirectoryStore
from corpus.words import AccountId, KeyId

ACCOUNT = AccountId("a" * 32)
KEY = AccountKey(KeyId("b" * 32), ACCOUNT, bytes(32))


@pytest.fixture
def keyring(tmp_path: Path) -> Keyring:
    return Keyring(MasterKey(bytes(range(32))), DirectoryStore(tmp_path))


@given(st.binary(max_size=300), st.text(max_size=30))
def test_what_is_sealed_opens_to_the_same(plaintext: bytes, context: str) -> None:
    assert KEY.open(KEY.seal(plaintext, context), context) == plaintext


@given(st.binary(max_size=300), st.text(max_size=30))
def test_what_is_sealed_opens_in_a_place_of_its_size(plaintext: bytes, context: str) -> None:
    page = bytearray(b"<" + bytes(len(plaintext)) + b">")

    KEY.open_into(memoryview(page)[1:-1], KEY.seal(plaintext, context), context)

    assert bytes(page) == b"<" + plaintext + b">"


@pytest.mark.parametrize("size", [pytest.param(4, id="too small"), pytest.param(6, id="too large")])
def test_a_place_of_another_size_is_refused(size: int) -> None:
    with pytest.raises(SealBroken):
        KEY.open_into(memoryview(bytearray(size)), KEY.seal(b"voice", "here"), "here")


@given(st.binary(min_size=1, max_size=64), st.data())
def test_one_changed_byte_breaks_the_seal(plaintext: bytes, data: st.DataObject) -> None:
    sealed = bytearray(KEY.seal(plaintext, "here"))
    position = data.draw(st.integers(0, len(sealed) - 1))
    sealed[position] ^= data.draw(st.integers(1, 255))

    with pytest.raises(SealBroken):
        KEY.open(bytes(sealed), "here")
    with pytest.raises(SealBroken):
        KEY.open_into(memoryview(bytearray(len(plaintext))), bytes(sealed), "here")


@pytest.mark.parametrize(
    ("key", "context"),
    [
        pytest.param(KEY, "elsewhere", id="moved to another place"),
        pytest.param(AccountKey(KEY.key_id, AccountId("c" * 32), KEY.secret), "here", id="claimed by another account"),
        pytest.param(AccountKey(KeyId("d" * 32), ACCOUNT, KEY.secret), "here", id="another key id"),
        pytest.param(AccountKey(KEY.key_id, ACCOUNT, bytes(31) + b"\1"), "here", id="another secret"),
    ],
)
def test_a_seal_opens_only_in_its_place_and_for_its_account(key: AccountKey, context: str) -> None:
    sealed = KEY.seal(b"voice", "here")

    with pytest.raises(SealBroken):
        key.open(sealed, context)


@pytest.mark.parametrize("length", [0, 1, 28, 29, 44])
def test_a_cut_off_seal_is_broken(length: int) -> None:
    sealed = KEY.seal(b"voice", "here")

    with pytest.raises(SealBroken):
        KEY.open(sealed[:length], "here")


def test_two_seals_of_one_plaintext_differ() -> None:
    assert KEY.seal(b"voice", "here") != KEY.seal(b"voice", "here")


def test_a_destroyed_key_cannot_be_unwrapped_and_destroying_twice_is_once(keyring: Keyring) -> None:
    key_id = keyring.create(ACCOUNT, KeyKind.VOICE)

    keyring.destroy(ACCOUNT, key_id)
    keyring.destroy(ACCOUNT, key_id)

    with pytest.raises(KeyDestroyed):
        keyring.unwrap(ACCOUNT, key_id, KeyKind.VOICE)


def test_a_wrapped_key_of_one_kind_is_not_of_the_other(keyring: Keyring) -> None:
    key_id = keyring.create(ACCOUNT, KeyKind.IDENTITY)

    with pytest.raises(SealBroken):
        keyring.unwrap(ACCOUNT, key_id, KeyKind.VOICE)


def test_the_stored_key_is_wrapped_under_the_master_key(keyring: Keyring, tmp_path: Path) -> None:
    key_id = keyring.create(ACCOUNT, KeyKind.VOICE)
    secret = keyring.unwrap(ACCOUNT, key_id, KeyKind.VOICE).secret
    other = Keyring(MasterKey(bytes(32)), DirectoryStore(tmp_path))

    stored = b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())

    assert secret not in stored
    with pytest.raises(SealBroken):
        other.unwrap(ACCOUNT, key_id, KeyKind.VOICE)


def test_digests_under_two_labels_differ() -> None:
    master = MasterKey(bytes(32))

    assert master.digest("pcm", b"x") != master.digest("upload", b"x")


def test_a_key_file_that_others_can_read_is_refused(tmp_path: Path) -> None:
    MasterKey.write_new(tmp_path / "master.key")
    (tmp_path / "master.key").chmod(0o644)

    with pytest.raises(Misconfigured, match="chmod 600"):
        MasterKey.read(tmp_path / "master.key")


def test_a_master_key_is_never_written_over(tmp_path: Path) -> None:
    MasterKey.write_new(tmp_path / "master.key")

    with pytest.raises(FileExistsError):
        MasterKey.write_new(tmp_path / "master.key")
