"""Mel spectrograms: what both speaker encoders hear. Pure.

Windows of 25 ms, one every 10 ms, 40 bands on Slaney's scale with filters of equal area, as `librosa` makes them by
default ("Auditory Toolbox", Slaney 1998), which the weights of the recurrent encoder were trained on.
"""

import numpy as np
from numpy.typing import NDArray

from corpus.audio import RATE_HZ
from corpus.windows import overlapping

WINDOW_SAMPLES = RATE_HZ // 40
STEP_SAMPLES = RATE_HZ // 100
BANDS = 40

_LINEAR_UP_TO_HZ, _LINEAR_STEP_HZ = 1000.0, 200.0 / 3
_LOG_STEP = np.log(6.4) / 27

Floats = NDArray[np.float64]


def mel_power(samples: Floats) -> Floats:
    """(frames, bands), linear power, from samples in [-1, 1]; frames are centred, silence around the recording."""
    padded = np.pad(samples, WINDOW_SAMPLES // 2)
    padded = np.pad(padded, (0, max(0, WINDOW_SAMPLES - len(padded))))
    frames = overlapping(padded, WINDOW_SAMPLES, STEP_SAMPLES)
    window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(WINDOW_SAMPLES) / WINDOW_SAMPLES)
    power: Floats = np.abs(np.fft.rfft(frames * window, axis=1)) ** 2
    return power @ _filters().T


def _filters() -> Floats:
    """(bands, bins)."""
    edges_hz = _hz(np.linspace(_mel(0.0), _mel(RATE_HZ / 2), BANDS + 2))
    bins_hz = np.fft.rfftfreq(WINDOW_SAMPLES, 1 / RATE_HZ)
    low, middle, high = (edges_hz[start : start + BANDS, None] for start in range(3))
    rising, falling = (bins_hz - low) / (middle - low), (high - bins_hz) / (high - middle)
    filters: Floats = np.maximum(0, np.minimum(rising, falling)) * 2 / (high - low)
    return filters


def _mel(hz: float) -> float:
    linear = hz / _LINEAR_STEP_HZ
    if hz < _LINEAR_UP_TO_HZ:
        return linear
    return float(_LINEAR_UP_TO_HZ / _LINEAR_STEP_HZ + np.log(hz / _LINEAR_UP_TO_HZ) / _LOG_STEP)


def _hz(mel: Floats) -> Floats:
    bend = _LINEAR_UP_TO_HZ / _LINEAR_STEP_HZ
    bent = _LINEAR_UP_TO_HZ * np.exp(_LOG_STEP * (np.maximum(mel, bend) - bend))
    return np.where(mel < bend, mel * _LINEAR_STEP_HZ, bent)
