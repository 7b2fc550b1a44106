"""Plain WAVs, beside what the decoder's child makes of the same bytes."""

import struct

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from corpus.errors import Undecodable
from corpus.speech import plain_wav
from corpus.speech.canonical import Resamplers, canonical
from corpus.speech.decode_child import answer
from tests.recordings import encoded, noise

LIMIT = 32_000
PLAIN = [(1, 1, 16), (7, 1, 8)]


def read(recording: bytes) -> tuple[dict[str, object], bytes] | None:
    """In the words of the child; None where the child is to read it."""
    plain = plain_wav.read(recording)
    if plain is None:
        return None
    try:
        decoded = canonical(plain, LIMIT, Resamplers())
    except Undecodable as error:
        return {"undecodable": str(error)}, b""
    source = decoded.source
    header = {name: getattr(source, name) for name in ("rate_hz", "channels", "container", "codec")}
    return header | {"too_long": decoded.too_long}, decoded.pcm.tobytes()


def by_the_child(recording: bytes) -> tuple[dict[str, object], bytes]:
    header, pcm = answer(recording, LIMIT, Resamplers())
    return dict(header), bytes(pcm)


@pytest.mark.parametrize("subtype", ["PCM_16", "ULAW"])
@pytest.mark.parametrize("rate_hz", [8_000, 16_000, 22_050, 48_000])
@pytest.mark.parametrize("samples", [0, 1, 999, 31_999, 32_000, 32_001, 150_000])
def test_a_plain_wav_is_what_the_child_makes_of_it(subtype: str, rate_hz: int, samples: int) -> None:
    recording = encoded(noise(10)[:samples], rate_hz, subtype=subtype)

    assert read(recording) == by_the_child(recording)


def test_every_byte_of_mu_law_stands_for_what_it_should() -> None:
    form = struct.pack("<4sIHHIIHH", b"fmt ", 16, 7, 1, 16_000, 16_000, 1, 8)
    body = b"WAVE" + form + struct.pack("<4sI", b"data", 256) + bytes(range(256))
    recording = struct.pack("<4sI", b"RIFF", len(body)) + body

    assert read(recording) == by_the_child(recording)
    assert len(set(np.frombuffer(by_the_child(recording)[1], np.int16).tolist())) == 255  # there are two zeros


@pytest.mark.parametrize(
    "options",
    [
        pytest.param({"container": "FLAC"}, id="flac"),
        pytest.param({"container": "WAVEX"}, id="extensible"),
        pytest.param({"container": "RF64"}, id="rf64"),
        pytest.param({"subtype": "PCM_24"}, id="24-bits"),
        pytest.param({"subtype": "FLOAT"}, id="floats"),
        pytest.param({"subtype": "ALAW"}, id="a-law"),
    ],
)
def test_what_is_not_plain_is_the_childs_to_read(options: dict[str, str]) -> None:
    assert read(encoded(noise(0.1), **options)) is None  # type: ignore[arg-type]


def test_two_channels_are_the_childs_to_read() -> None:
    assert read(encoded(noise(0.1).reshape(-1, 2))) is None


@st.composite
def wavs(draw: st.DrawFn) -> bytes:
    """Of two or three chunks that may say anything, and whose sizes are true."""
    code, channels, bits = draw(st.sampled_from([*PLAIN * 3, (1, 2, 16), (1, 1, 8), (6, 1, 8), (3, 1, 32)]))
    rate_hz = draw(st.sampled_from([1, 7_999, 8_000, 16_000, 44_100, 192_001]))
    sample_bytes = draw(st.sampled_from([*[bits // 8 * channels] * 5, 3]))
    form = struct.pack("<HHIIHH", code, channels, rate_hz, rate_hz * sample_bytes, sample_bytes, bits)
    extension = draw(st.sampled_from([b"", bytes(2), b"", bytes(2), b"\x02\0ab", b"\1\0"]))
    fact = draw(st.none() | st.binary(min_size=4, max_size=4) | st.binary(max_size=12))
    data = draw(st.binary(max_size=40))
    chunks = [(b"fmt ", form + extension), *([] if fact is None else [(b"fact", fact)]), (b"data", data)]
    body = b"WAVE" + b"".join(
        struct.pack("<4sI", name, len(content)) + content + bytes(len(content) % 2) for name, content in chunks
    )
    return struct.pack("<4sI", b"RIFF", len(body)) + body


@settings(max_examples=400)
@given(wavs())
def test_whatever_the_chunks_say_it_is_read_as_the_child_reads_it_or_left_to_it(recording: bytes) -> None:
    assert read(recording) in (None, by_the_child(recording))


@given(at=st.integers(0, 59), value=st.integers(0, 255), subtype=st.sampled_from(["PCM_16", "ULAW"]))
def test_a_damaged_header_is_read_as_the_child_reads_it_or_left_to_it(at: int, value: int, subtype: str) -> None:
    recording = bytearray(encoded(noise(0.02), subtype=subtype))
    recording[at] = value

    assert read(bytes(recording)) in (None, by_the_child(bytes(recording)))
