"""Bandwidth and hum, of sounds made for it."""

import numpy as np
import pytest
import soxr

from tests.unit.curation.sounds import Samples, joined, measured, silence, tone


def hiss(duration_s: float, rate_hz: int = 16_000, *, rms_dbfs: float = -30.0) -> Samples:
    wave = np.random.default_rng(3).normal(0, 10 ** (rms_dbfs / 20) * 32_768, round(duration_s * rate_hz))
    return np.asarray(np.rint(wave), np.int16)


def test_what_was_recorded_for_the_telephone_shows_at_any_rate() -> None:
    upsampled = np.asarray(soxr.resample(hiss(1.0, 8_000), 8_000, 16_000), np.int16)

    assert measured(hiss(1.0)).bandwidth_hz == 8_000
    assert measured(upsampled).bandwidth_hz in (3_750, 4_000)


def test_one_hiss_in_a_clip_shows_that_its_band_is_wide() -> None:
    assert measured(joined(tone(2.0), hiss(0.2), tone(2.0))).bandwidth_hz == 8_000


def test_a_flat_top_does_not_widen_the_band() -> None:
    low = np.asarray(soxr.resample(hiss(1.0, 8_000), 8_000, 16_000), np.int16)
    clipped = np.clip(low.astype(np.int32) * 40, -32_768, 32_767).astype(np.int16)

    assert measured(joined(low, clipped[:1_600], low)).bandwidth_hz == measured(low).bandwidth_hz


def test_silence_has_no_bandwidth_and_no_hum() -> None:
    assert (measured(silence(2.0)).bandwidth_hz, measured(silence(2.0)).hum_dbfs) == (None, None)


@pytest.mark.parametrize("mains_hz", [50.0, 60.0])
def test_mains_hum_shows_under_a_voice_by_its_level(mains_hz: float) -> None:
    hum = tone(3.0, rms_dbfs=-45.0, frequency_hz=mains_hz)
    voice = joined(silence(1.0), tone(1.0, frequency_hz=310.0), silence(1.0))

    found = measured(np.asarray(hum + voice + hiss(3.0, rms_dbfs=-70.0), np.int16)).hum_dbfs

    assert found == pytest.approx(-45, abs=0.5)


def test_a_low_voice_and_a_hiss_are_no_hum() -> None:
    voice = joined(*(tone(0.3, frequency_hz=hz) for hz in (100, 104, 110, 117, 122, 113, 106, 99)))

    assert measured(np.asarray(voice + hiss(2.4), np.int16)).hum_dbfs is None
    assert measured(hiss(2.0)).hum_dbfs is None
