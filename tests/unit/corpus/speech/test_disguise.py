"""A disguise moves formants as its coefficient says, and leaves length, level, pitch and silence alone."""

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.signal import lfilter

from corpus.audio import RATE_HZ
from corpus.speech.disguise import mcadams

FORMANTS_HZ = (700.0, 1_800.0, 3_600.0)
BANDWIDTH_HZ = 60.0
PITCH_HZ = 110.0


def vowel(*, duration_s: float = 1.0, peak: float = 0.5) -> NDArray[np.int16]:
    """A train of pulses through three resonances."""
    sound = np.zeros(int(duration_s * RATE_HZ))
    sound[:: round(RATE_HZ / PITCH_HZ)] = 1.0
    for formant_hz in FORMANTS_HZ:
        radius, angle = np.exp(-np.pi * BANDWIDTH_HZ / RATE_HZ), 2 * np.pi * formant_hz / RATE_HZ
        sound = lfilter([1.0], [1.0, -2 * radius * np.cos(angle), radius**2], sound)
    samples: NDArray[np.int16] = np.rint(sound / np.max(np.abs(sound)) * peak * 32767).astype(np.int16)
    return samples


def formants_hz(samples: NDArray[np.int16]) -> list[float]:
    """Where the spectrum's envelope peaks, each within 400 Hz of a neighbour at most: by linear prediction, anew."""
    sound = samples[4_000:12_000].astype(float) * np.hanning(8_000)
    lags = [float(sound[: len(sound) - lag] @ sound[lag:]) for lag in range(13)]
    matrix = np.array([[lags[abs(row - column)] for column in range(12)] for row in range(12)])
    roots = np.roots([1.0, *-np.linalg.solve(matrix, lags[1:])])
    return sorted(np.angle(root) * RATE_HZ / (2 * np.pi) for root in roots if root.imag > 0 and abs(root) > 0.97)


def level_db(samples: NDArray[np.int16]) -> float:
    return float(20 * np.log10(np.sqrt(np.mean(samples.astype(float) ** 2)) / 32768))


def expected_hz(formant_hz: float, alpha: float) -> float:
    return float((2 * np.pi * formant_hz / RATE_HZ) ** alpha * RATE_HZ / (2 * np.pi))


@pytest.mark.parametrize("alpha", [0.6, 0.8])
def test_formants_move_to_their_angle_to_the_power_of_alpha(alpha: float) -> None:
    moved = formants_hz(mcadams(vowel(), alpha))

    for formant_hz in FORMANTS_HZ:
        wanted_hz = expected_hz(formant_hz, alpha)
        assert min(abs(found - wanted_hz) for found in moved) < 0.03 * wanted_hz
        assert abs(wanted_hz - formant_hz) > 0.06 * formant_hz


def test_pitch_length_and_level_are_as_they_were() -> None:
    said = vowel()

    disguised = mcadams(said, 0.7)

    assert disguised.shape == said.shape
    assert level_db(disguised) == pytest.approx(level_db(said), abs=0.1)
    spectrum = np.abs(np.fft.rfft(disguised * np.hanning(len(disguised)), 1 << 17))
    pitch_bin_hz = RATE_HZ / (1 << 17)
    near = slice(int(100 / pitch_bin_hz), int(120 / pitch_bin_hz))
    assert (np.argmax(spectrum[near]) + near.start) * pitch_bin_hz == pytest.approx(PITCH_HZ, rel=0.02)


HOSTILE = [
    pytest.param(vowel(), id="vowel"),
    pytest.param(np.zeros(0, np.int16), id="nothing"),
    pytest.param(np.array([-32768], np.int16), id="one-sample"),
    pytest.param(vowel()[:100], id="less-than-a-frame"),
    pytest.param(np.zeros(16_000, np.int16), id="silence"),
    pytest.param(np.full(16_000, 12_000, np.int16), id="an-offset-alone"),
    pytest.param((vowel(peak=0.3) + 8_000).astype(np.int16), id="an-offset"),
    pytest.param(np.where(vowel() >= 0, 32767, -32768).astype(np.int16), id="clipped"),
    pytest.param(np.rint(20_000 * np.sin(0.3 * np.arange(16_000))).astype(np.int16), id="a-pure-tone"),
    pytest.param(np.random.default_rng(1).integers(-32768, 32768, 16_000).astype(np.int16), id="noise"),
]


@pytest.mark.parametrize("samples", HOSTILE)
def test_an_alpha_of_one_changes_nothing(samples: NDArray[np.int16]) -> None:
    assert np.max(np.abs(mcadams(samples, 1.0).astype(int) - samples), initial=0) <= 1


@pytest.mark.parametrize("samples", HOSTILE)
def test_whatever_comes_in_as_many_samples_come_out_and_none_wraps_around(samples: NDArray[np.int16]) -> None:
    disguised = mcadams(samples, 0.6)

    assert disguised.shape == samples.shape
    offset = np.mean(samples) if len(samples) else 0
    assert np.linalg.norm(disguised - offset) <= np.linalg.norm(samples - offset) * 1.001 + len(samples)
    assert np.max(np.abs(np.diff(disguised.astype(int))), initial=0) < 60_000


def test_what_was_silenced_stays_silent_to_the_sample() -> None:
    said = vowel()
    said[5_000:7_000] = 0

    disguised = mcadams(said, 0.6)

    assert not np.any(disguised[5_000:7_000])
    assert np.any(disguised[4_900:5_000])


def test_the_same_samples_and_alpha_give_the_same_samples_and_another_alpha_gives_others() -> None:
    said = vowel()

    assert np.array_equal(mcadams(said, 0.7), mcadams(said, 0.7))
    assert not np.array_equal(mcadams(said, 0.7), mcadams(said, 0.71))


def test_an_alpha_that_is_no_power_is_refused() -> None:
    with pytest.raises(ValueError, match="alpha"):
        mcadams(vowel(), 0.0)
