"""Sounds made on the spot: 16 kHz mono, int16, shape (samples,)."""

import numpy as np
from numpy.typing import NDArray

from curation.measure import measure_batch
from curation.measurements import Measurements

RATE_HZ = 16_000

Samples = NDArray[np.int16]


def tone(duration_s: float = 1.0, *, rms_dbfs: float = -20.0, frequency_hz: float = 200.0) -> Samples:
    """A sine of that level; it goes flat at full scale where it is too loud."""
    time_s = np.arange(round(duration_s * RATE_HZ)) / RATE_HZ
    peak = np.sqrt(2) * 10 ** (rms_dbfs / 20) * 32_768
    wave = np.rint(peak * np.sin(2 * np.pi * frequency_hz * time_s))
    return np.asarray(np.clip(wave, -32_768, 32_767), dtype=np.int16)


def silence(duration_s: float = 1.0) -> Samples:
    return np.zeros(round(duration_s * RATE_HZ), np.int16)


def joined(*parts: Samples) -> Samples:
    return np.concatenate(parts)


def measured(samples: Samples, *, is_cut: bool = False) -> Measurements:
    """What is measured of one clip, without a detector."""
    [found] = measure_batch([samples], cut=[is_cut])
    return found
