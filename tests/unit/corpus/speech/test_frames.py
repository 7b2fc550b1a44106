"""A child that a recording has taken over can say anything; the parent believes only what fits."""

from collections.abc import Callable

import pytest

from corpus.speech.frames import LENGTHS, BadFrame, Header, count, frame_start, parse_header, parse_lengths, text


def test_a_header_comes_back_as_it_went() -> None:
    header = {"container": "wav", "rate_hz": 16_000}

    encoded = frame_start(header, payload_bytes=7)

    assert parse_lengths(encoded[: LENGTHS.size], payload_max_bytes=7) == (len(encoded) - LENGTHS.size, 7)
    assert parse_header(encoded[LENGTHS.size :]) == header


@pytest.mark.parametrize(
    ("header_bytes", "payload_bytes"),
    [
        pytest.param(2**32 - 1, 0, id="a-header-of-4-GB"),
        pytest.param(10, 101, id="more-PCM-than-was-asked-for"),
    ],
)
def test_lengths_beyond_what_was_asked_for_are_refused(header_bytes: int, payload_bytes: int) -> None:
    with pytest.raises(BadFrame):
        parse_lengths(LENGTHS.pack(header_bytes, payload_bytes), payload_max_bytes=100)


@pytest.mark.parametrize("encoded", [b"", b"[]", b"{", b"\xff\xfe", b"1"])
def test_a_header_that_is_no_object_is_refused(encoded: bytes) -> None:
    with pytest.raises(BadFrame):
        parse_header(encoded)


@pytest.mark.parametrize(
    ("read", "header"),
    [
        pytest.param(count, {}, id="no-count"),
        pytest.param(count, {"x": -1}, id="a-negative-count"),
        pytest.param(count, {"x": 1.5}, id="half-a-count"),
        pytest.param(count, {"x": True}, id="a-truth-for-a-count"),
        pytest.param(text, {}, id="no-text"),
        pytest.param(text, {"x": 1}, id="a-number-for-a-text"),
    ],
)
def test_a_value_of_another_kind_is_refused(read: Callable[[Header, str], object], header: Header) -> None:
    with pytest.raises(BadFrame):
        read(header, "x")
