"""A signed document says who signed what, and bears no change."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from corpus import signing
from corpus.errors import BadSignature, Misconfigured
from corpus.signing import Signer
from export.client import proofs

SIGNER, OTHER = Signer(bytes(range(32))), Signer(bytes(32))
TRUSTED = {SIGNER.key_id: SIGNER.public_key}
DOCUMENT = SIGNER.sign("loanword/test/1", {"name": "Käthe", "size": 7})


def test_what_was_signed_is_what_is_read() -> None:
    assert signing.verify(DOCUMENT, "loanword/test/1", TRUSTED) == {"name": "Käthe", "size": 7}


def test_the_same_content_is_the_same_document() -> None:
    assert SIGNER.sign("loanword/test/1", {"size": 7, "name": "Käthe"}) == DOCUMENT


@given(at=st.integers(0, len(DOCUMENT.encode()) - 1), bit=st.integers(0, 7))
def test_one_changed_bit_anywhere_is_found(at: int, bit: int) -> None:
    raw = bytearray(DOCUMENT.encode())
    raw[at] ^= 1 << bit

    with pytest.raises(BadSignature):
        signing.verify(bytes(raw), "loanword/test/1", TRUSTED)


@pytest.mark.parametrize(
    "document",
    [
        pytest.param(DOCUMENT + "\n", id="a-line-end-more"),
        pytest.param(json.dumps(json.loads(DOCUMENT)), id="spaces"),
        pytest.param(DOCUMENT.replace('"size":7', '"size":7,"size":7'), id="a-key-twice"),
        pytest.param("[]", id="no-object"),
        pytest.param("", id="empty"),
        pytest.param("[" * 100_000, id="deep"),
    ],
)
def test_another_form_of_the_same_is_refused(document: str) -> None:
    with pytest.raises(BadSignature):
        signing.verify(document, "loanword/test/1", TRUSTED)


def test_people_compare_the_same_fingerprint_here_and_where_they_pull() -> None:
    told = signing.fingerprint_of(SIGNER.public_key)

    assert told == proofs.fingerprint(SIGNER.public_key)
    assert [len(group) for group in told.split(" ")] == [4] * 16


def test_one_kind_of_document_never_passes_for_another() -> None:
    with pytest.raises(BadSignature, match="and not a 'loanword/receipt/1'"):
        signing.verify(DOCUMENT, "loanword/receipt/1", TRUSTED)


def test_a_key_that_is_not_trusted_is_named() -> None:
    with pytest.raises(BadSignature, match=OTHER.key_id):
        signing.verify(OTHER.sign("loanword/test/1", {}), "loanword/test/1", TRUSTED)


def test_a_key_under_anothers_name_is_refused() -> None:
    with pytest.raises(BadSignature):
        signing.verify(DOCUMENT, "loanword/test/1", {SIGNER.key_id: OTHER.public_key})


def test_a_key_file_that_others_can_read_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "signing.key"
    Signer.write_new(path)
    path.chmod(0o644)

    with pytest.raises(Misconfigured, match="chmod 600"):
        Signer.read(path)
