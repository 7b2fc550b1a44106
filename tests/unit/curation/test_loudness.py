"""Loudness, against the standard's own numbers and against its definition carried out in time."""

import numpy as np
import pytest
import scipy.signal

from curation.loudness import k_weighting
from tests.unit.curation.sounds import Samples, joined, measured, silence, tone


def by_definition(samples: Samples) -> float:
    """BS.1770: filter the signal, take blocks of 400 ms every 100 ms, gate twice, and average what is left."""
    filtered = scipy.signal.sosfilt(k_weighting(16_000), samples / 32_768)
    blocks = np.array([np.square(filtered[at : at + 6_400]).mean() for at in range(0, len(filtered) - 6_399, 1_600)])
    loudness = -0.691 + 10 * np.log10(blocks)
    gated = blocks[loudness > -70]
    gate = -0.691 + 10 * np.log10(gated.mean()) - 10
    return float(-0.691 + 10 * np.log10(blocks[(loudness > -70) & (loudness > gate)].mean()))


def test_the_filters_at_48_khz_are_the_standards_tables() -> None:
    shelf, high_pass = k_weighting(48_000)

    assert shelf == pytest.approx(
        [1.53512485958697, -2.69169618940638, 1.19839281085285, 1, -1.69065929318241, 0.73248077421585], abs=1e-9
    )
    assert high_pass == pytest.approx([1, -2, 1, 1, -1.99004745483398, 0.99007225036621], abs=1e-9)


def test_a_full_scale_sine_of_997_hz_in_one_channel_is_3_lufs_below_zero() -> None:
    assert measured(tone(2.0, rms_dbfs=-3.02, frequency_hz=997.0)).lufs == pytest.approx(-3.01, abs=0.1)


@pytest.mark.parametrize("frequency_hz", [60.0, 200.0, 1_500.0, 6_000.0])
def test_tones_are_as_loud_as_the_definition_says(frequency_hz: float) -> None:
    samples = tone(1.5, frequency_hz=frequency_hz)

    assert measured(samples).lufs == pytest.approx(by_definition(samples), abs=0.1)


def test_pauses_are_gated_as_the_definition_says() -> None:
    rng = np.random.default_rng(7)
    words = [np.asarray(rng.normal(0, 2_000 * size, 5_000), np.int16) for size in (1.0, 0.05, 0.4, 1.5)]
    samples = joined(words[0], silence(0.7), words[1], words[2], silence(0.33), words[3])

    assert measured(samples).lufs == pytest.approx(by_definition(samples), abs=0.1)


def test_what_is_shorter_than_a_gating_block_has_no_loudness() -> None:
    assert measured(tone(0.39)).lufs is None
