"""Copies of one recording are told from two of the same words."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from curation.same_recording import NOTHING_ALIKE, Likeness, compare, prepare
from tests.unit.curation.sounds import Samples, silence, tone
from tests.unit.curation.test_fingerprint import LIBRARY, LIGHTS


def likeness(one: Samples, other: Samples) -> Likeness:
    return compare(prepare(one), prepare(other))


def resampled(samples: Samples, speed: float) -> Samples:
    where = np.arange(0, len(samples) - 1, 1 + speed)
    return np.asarray(np.interp(where, np.arange(len(samples)), samples), dtype=np.int16)


@pytest.mark.parametrize("speed", [-0.01, 0.0, 0.004, 0.01])
def test_a_copy_is_recognised_at_another_speed_and_time(speed: float) -> None:
    copy = np.concatenate([silence(0.3), resampled(LIGHTS, speed)])

    found = likeness(LIGHTS, copy)

    assert found.is_same
    assert found.speed == pytest.approx(1 / (1 + speed) - 1, abs=2e-4) or found.speed == pytest.approx(speed, abs=2e-4)


@settings(max_examples=8, deadline=None)
@given(st.integers(0, 1_000), st.sampled_from([15, 20, 30]), st.integers(0, 4_000))
def test_noise_and_a_cut_make_no_other_recording(seed: int, snr_db: int, cut: int) -> None:
    noise = np.random.default_rng(seed).normal(0, LIBRARY.std() * 10 ** (-snr_db / 20), len(LIBRARY))
    copy = np.clip(LIBRARY + noise, -32_768, 32_767).astype(np.int16)[cut:]

    assert likeness(LIBRARY, copy).is_same
    assert likeness(copy, LIBRARY).is_same


def test_another_sentence_is_another_recording() -> None:
    assert not likeness(LIGHTS, LIBRARY).is_same


def test_the_same_words_at_another_pace_are_another_recording() -> None:
    """Five per cent slower, and unevenly: a person's next attempt, with nothing else changed."""
    where = np.arange(len(LIGHTS)) + 160 * np.sin(np.arange(len(LIGHTS)) / 2_500)
    again = np.interp(where, np.arange(len(LIGHTS)), LIGHTS).astype(np.int16)

    assert not likeness(LIGHTS, again).is_same


def test_two_clips_that_share_a_jingle_are_two() -> None:
    jingle = LIGHTS[:16_000]

    assert not likeness(np.concatenate([jingle, LIBRARY]), np.concatenate([jingle, LIGHTS[16_000:], LIGHTS])).is_same


def test_a_sine_is_nobodys_recording() -> None:
    """Sines of one pitch cannot be told apart, and those of a neighbouring one only by their speed."""
    assert not likeness(tone(1.5, frequency_hz=440), tone(2.0, frequency_hz=440)).is_same
    assert not likeness(tone(1.5, frequency_hz=1_000), tone(1.5, frequency_hz=1_003)).is_same


@pytest.mark.parametrize("other", [silence(0.0), silence(0.1), silence(2.0)], ids=["empty", "too-short", "silent"])
def test_what_cannot_be_compared_is_not_alike(other: Samples) -> None:
    assert likeness(LIGHTS, other) == NOTHING_ALIKE
    assert likeness(other, LIGHTS) == NOTHING_ALIKE
