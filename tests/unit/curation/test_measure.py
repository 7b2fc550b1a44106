"""Measurements, against sounds whose numbers are known."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from curation.measure import Trim, measure_batch, trim_batch
from curation.measurements import FLOOR_DBFS
from tests.unit.curation.sounds import Samples, joined, measured, silence, tone


def noise(duration_s: float, *, rms_dbfs: float, seed: int = 1) -> Samples:
    wave = np.random.default_rng(seed).normal(0, 10 ** (rms_dbfs / 20) * 32_768, round(duration_s * 16_000))
    return np.asarray(np.clip(np.rint(wave), -32_768, 32_767), np.int16)


def test_a_sine_measures_as_it_was_made() -> None:
    clip = measured(tone(1.5, rms_dbfs=-20.0))

    assert clip.duration_s == 1.5
    assert clip.rms_dbfs == pytest.approx(-20.0, abs=0.01)
    assert clip.peak_dbfs == pytest.approx(-20.0 + 3.01, abs=0.01)
    assert clip.sounding_dbfs == pytest.approx(-20.0, abs=0.01)
    assert clip.sounding_s == 1.5


@pytest.mark.parametrize("samples", [silence(1.0), silence(0.0)], ids=["digital-silence", "no-samples"])
def test_what_has_no_sound_measures_the_floor(samples: Samples) -> None:
    clip = measured(samples)

    assert (clip.peak_dbfs, clip.rms_dbfs, clip.clipped_share, clip.sounding_s) == (FLOOR_DBFS, FLOOR_DBFS, 0.0, 0.0)
    assert {clip.lufs, clip.sounding_dbfs, clip.snr_db, clip.starts_db, clip.ends_db} == {None}


def test_the_loudest_sample_is_full_scale() -> None:
    assert measured(np.full(320, -32_768, np.int16)).peak_dbfs == 0.0


def test_a_constant_offset_is_no_sound_and_is_told() -> None:
    clip = measured(np.full(16_000, 3_000, np.int16))

    assert clip.sounding_s == 0.0
    assert clip.dc_offset == pytest.approx(3_000 / 32_768, abs=1e-4)


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

    assert measured(samples).clipped_share == pytest.approx(share)


def test_a_flat_top_at_either_end_is_counted_and_none_reaches_into_the_next_clip() -> None:
    loud = np.full(5, 32_767, np.int16)
    clips = [joined(loud, silence(1.0), loud), np.full(1_600, 32_767, np.int16), joined(loud[:2], silence(0.5))]

    shares = [clip.clipped_share for clip in measure_batch(clips)]

    assert shares == [pytest.approx(10 / 16_010, abs=1e-4), 1.0, 0.0]


def test_what_sounds_stands_above_what_is_always_there() -> None:
    room = noise(2.0, rms_dbfs=-60.0)
    voice = joined(silence(0.5), tone(1.0, rms_dbfs=-20.0), silence(0.5))

    assert measured(np.asarray(room + voice, np.int16)).snr_db == pytest.approx(40, abs=1)


def test_a_word_that_is_cut_off_is_as_loud_at_the_edge_as_anywhere() -> None:
    clip = measured(joined(silence(0.5), tone(1.0)))

    assert clip.starts_db is not None
    assert clip.starts_db < -60
    assert clip.ends_db == pytest.approx(0, abs=0.1)


@settings(max_examples=25, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 9_000), st.integers(-70, 3), st.booleans()), max_size=5))
def test_a_clip_measures_the_same_in_any_batch(clips: list[tuple[int, int, bool]]) -> None:
    batch = [(noise if noisy else tone)(samples / 16_000, rms_dbfs=float(level)) for samples, level, noisy in clips]

    together = measure_batch(batch)

    for clip, alone in zip(together, (measured(samples) for samples in batch), strict=True):
        for name in alone.__slots__:
            assert getattr(clip, name) == pytest.approx(getattr(alone, name), abs=2e-4), name


# Trimming


def test_silence_around_a_voice_is_cut_but_for_a_margin() -> None:
    samples = joined(silence(1.0), tone(0.5), silence(2.0))

    [trim] = trim_batch([samples])

    assert (trim.start, trim.end) == (16_000 - 3_840, 32_000 - 3_840)


@pytest.mark.parametrize(
    "samples",
    [
        pytest.param(silence(2.0), id="nothing-sounds"),
        pytest.param(silence(0.0), id="no-samples"),
        pytest.param(noise(2.0, rms_dbfs=-45), id="noise-over-the-gate"),
        pytest.param(joined(silence(0.2), tone(1.0), silence(0.2)), id="little-silence"),
    ],
)
def test_what_has_no_silence_to_spare_is_left_whole(samples: Samples) -> None:
    assert trim_batch([samples]) == [Trim(0, 0)]


def test_the_noise_of_a_room_is_trimmed_and_a_faint_voice_in_it_is_not() -> None:
    room = noise(3.0, rms_dbfs=-75.0)
    voice = joined(silence(1.0), tone(0.3, rms_dbfs=-56.0), tone(0.3), silence(1.4))

    [trim] = trim_batch([np.asarray(room + voice, np.int16)])

    assert trim.start == 16_000 - 3_840
