"""The arithmetic between a recording and canonical PCM."""

import io
import struct

import numpy as np
import pytest
import soundfile
from numpy.typing import NDArray

from corpus.audio import RATE_HZ
from corpus.errors import Undecodable
from corpus.speech.canonical import Resamplers, to_int16, to_mono
from corpus.speech.decode_child import decode, with_open_end


def streamed_wav(riff_bytes: int, data_bytes: int) -> bytes:
    """A WAV whose sizes are as given, and which holds four samples and nothing after them."""
    form = struct.pack("<4sIHHIIHH", b"fmt ", 16, 1, 1, 16_000, 32_000, 2, 16)
    return (
        struct.pack("<4sI4s", b"RIFF", riff_bytes, b"WAVE")
        + form
        + struct.pack("<4sI", b"data", data_bytes)
        + b"12345678"
    )


def test_every_16_bit_sample_comes_back_as_it_was() -> None:
    every = np.arange(-32768, 32768, dtype=np.int16)

    assert np.array_equal(to_int16(every.astype(np.float32) / np.float32(32768)), every)


def test_what_is_beyond_full_scale_is_clipped_and_not_wrapped() -> None:
    assert to_int16(np.array([1.5, -1.5, 1.0], np.float32)).tolist() == [32767, -32768, 32767]


def test_channels_are_averaged() -> None:
    assert to_mono(np.array([[0.5, 0.0], [-0.5, 0.5]], np.float32)).tolist() == [0.25, 0.0]


@pytest.mark.parametrize("sample", [np.nan, np.inf, -np.inf, 32767.0])
def test_samples_that_are_no_sound_are_refused(sample: float) -> None:
    with pytest.raises(Undecodable, match="samples"):
        to_mono(np.array([[0.0], [sample]], np.float32))


def test_nothing_of_a_recording_that_was_cut_off_is_heard_in_the_next_one() -> None:
    resamplers = Resamplers()

    def decoded(samples: NDArray[np.float32], max_samples: int) -> NDArray[np.int16]:
        written = io.BytesIO()
        soundfile.write(written, samples, 8_000, format="WAV", subtype="PCM_16")
        return decode(written.getvalue(), max_samples, resamplers).pcm

    noise = np.random.default_rng(1).uniform(-1, 1, 100_000).astype(np.float32)

    alone = decoded(noise[:4_000], RATE_HZ)
    decoded(noise, RATE_HZ)

    assert np.array_equal(decoded(noise[:4_000], RATE_HZ), alone)


@pytest.mark.parametrize("riff_bytes", [0, 0xFFFF_FFFF, 36])
def test_a_streamed_wav_without_sizes_is_read_to_its_end(riff_bytes: int) -> None:
    assert with_open_end(streamed_wav(riff_bytes, data_bytes=0)) == streamed_wav(riff_bytes, data_bytes=0xFFFF_FFFF)


@pytest.mark.parametrize(
    ("riff_bytes", "data_bytes"),
    [pytest.param(44, 8, id="honest-sizes"), pytest.param(44, 0, id="honestly-empty-with-something-after")],
)
def test_a_wav_that_knows_its_sizes_is_left_alone(riff_bytes: int, data_bytes: int) -> None:
    assert with_open_end(streamed_wav(riff_bytes, data_bytes)) == streamed_wav(riff_bytes, data_bytes)
