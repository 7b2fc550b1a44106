"""Announced digests."""

import base64
import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from corpus.errors import BadDigestHeader, DigestMismatch
from ingest import digests

SHA = hashlib.sha256(b"a voice").digest()
ENCODED = base64.b64encode(SHA).decode()


@given(st.binary(max_size=100))
def test_what_is_written_is_read(body: bytes) -> None:
    assert digests.parse(digests.header_for(body)) == hashlib.sha256(body).digest()


@pytest.mark.parametrize(
    "header",
    [
        pytest.param(f"sha-512=:AAAA:, sha-256=:{ENCODED}:", id="beside-another"),
        pytest.param(f"sha-256=:{ENCODED}:;q=1;w", id="with-parameters"),
        pytest.param(f"  sha-256=:{ENCODED.rstrip('=')}:  ", id="without-padding"),
        pytest.param(f"sha-256=:AAAA:,sha-256=:{ENCODED}:", id="the-last-of-two-counts"),
    ],
)
def test_a_sha_256_is_found(header: str) -> None:
    assert digests.parse(header) == SHA


def test_an_algorithm_that_we_do_not_know_is_ignored() -> None:
    assert digests.parse("md5=:AAAA:, crc32c=:AAAA:") is None


@pytest.mark.parametrize(
    "header",
    [
        pytest.param("", id="nothing"),
        pytest.param("sha-256", id="no-value"),
        pytest.param("sha-256=abc", id="a-token"),
        pytest.param(f"sha-256={ENCODED}", id="no-colons"),
        pytest.param(f"sha-256=:{ENCODED}", id="one-colon"),
        pytest.param("sha-256=:AAAA:", id="too-short"),
        pytest.param("sha-256=:a:", id="not-base64"),
        pytest.param("sha-256=:é:", id="not-ascii"),
        pytest.param(f"sha-256=:{ENCODED}:,", id="a-comma-too-many"),
        pytest.param(f"sha-256=:{ENCODED}: x", id="something-behind"),
        pytest.param(f"SHA-256=:{ENCODED}:", id="capitals"),
        pytest.param("x" * 3000, id="too-long"),
    ],
)
def test_what_cannot_be_read_is_refused(header: str) -> None:
    with pytest.raises(BadDigestHeader):
        digests.parse(header)


@given(st.text(max_size=80))
def test_no_header_raises_anything_but_a_refusal(header: str) -> None:
    try:
        found = digests.parse(header)
    except BadDigestHeader:
        return
    assert found is None or len(found) == 32


def test_other_bytes_are_refused() -> None:
    digests.check([SHA], SHA)

    with pytest.raises(DigestMismatch):
        digests.check([SHA, bytes(32)], SHA)
