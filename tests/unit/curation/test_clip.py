"""Measurements, against sounds whose levels are known."""

import numpy as np
import pytest

from curation.clip import FLOOR_DBFS, measure
from tests.unit.curation.sounds import Samples, joined, silence, tone


def test_a_sine_measures_as_it_was_made() -> None:
    clip = measure(tone(1.5, rms_dbfs=-20.0))

    assert clip.duration_s == 1.5
    assert clip.rms_dbfs == pytest.approx(-20.0, abs=0.01)
    assert clip.peak_dbfs == pytest.approx(-20.0 + 3.01, abs=0.01)
    assert clip.frames_dbfs == pytest.approx(-20.0, abs=0.01)
    assert len(clip.frames_dbfs) == 75


@pytest.mark.parametrize("samples", [silence(1.0), silence(0.0)], ids=["digital-silence", "no-samples"])
def test_what_has_no_sound_measures_the_floor(samples: Samples) -> None:
    clip = measure(samples)

    assert (clip.peak_dbfs, clip.rms_dbfs, clip.clipped_share) == (FLOOR_DBFS, FLOOR_DBFS, 0.0)


def test_the_loudest_sample_is_full_scale() -> None:
    assert measure(np.full(320, -32_768, np.int16)).peak_dbfs == 0.0


def test_a_constant_offset_is_no_sound() -> None:
    clip = measure(np.full(16_000, 3_000, np.int16))

    assert clip.frames_dbfs.max() < -100


@pytest.mark.parametrize(
    ("run", "share"),
    [
        pytest.param(2, 0.0, id="two-samples-at-full-scale-are-a-peak"),
        pytest.param(3, 0.003, id="three-are-a-flat-top"),
        pytest.param(10, 0.01, id="a-long-flat-top-counts-whole"),
    ],
)
@pytest.mark.parametrize("level", [32_767, -32_768])
def test_flat_tops_are_counted_by_their_samples(run: int, share: float, level: int) -> None:
    samples = np.zeros(1_000, np.int16)
    samples[100 : 100 + run] = level

    assert measure(samples).clipped_share == pytest.approx(share)


def test_a_flat_top_at_either_end_is_counted() -> None:
    loud = np.full(5, 32_767, np.int16)

    assert measure(joined(loud, silence(1.0), loud)).clipped_share == pytest.approx(10 / 16_010)
