"""A decoded recording with all that the stages ask of it, measured once.

Levels are dBFS of a 16-bit sample: 0 is full scale (32,768), and digital silence counts as `FLOOR_DBFS`.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from corpus.audio import RATE_HZ

FRAME_SAMPLES = 320  # 20 ms: two periods of the lowest voice, and the step of the models that will train on it
FLOOR_DBFS = -120.0  # far below the -96 dBFS of one least significant bit, and a number that JSON can carry

FULL_SCALE = 32_700  # 0.02 dB under the largest sample: a resampler rings a little beside a clipped peak
FLAT_RUN_SAMPLES = 3  # one sample at full scale is a loud peak; three in a row are a flat top


@dataclass(frozen=True, slots=True, eq=False)
class MeasuredClip:
    """Mono 16 kHz audio and its measurements."""

    samples: NDArray[np.int16]
    """Shape (samples,)."""
    is_cut: bool
    """Whether the recording went on past the decoder's limit, so that this is only its beginning."""
    peak_dbfs: float
    rms_dbfs: float
    clipped_share: float
    """The share of samples, 0 to 1, that stand in a flat top at full scale."""
    frames_dbfs: NDArray[np.float64]
    """The level of each whole 20 ms frame without the clip's constant offset, shape (frames,)."""

    @property
    def duration_s(self) -> float:
        return len(self.samples) / RATE_HZ


def measure(samples: NDArray[np.int16], *, is_cut: bool = False) -> MeasuredClip:
    """Measures mono 16 kHz samples, shape (samples,); there may be none."""
    signal = samples.astype(np.float64) / 32_768
    centred = signal - signal.sum() / max(len(signal), 1)  # a faulty microphone's offset is no sound
    frames = centred[: len(signal) // FRAME_SAMPLES * FRAME_SAMPLES].reshape(-1, FRAME_SAMPLES)
    return MeasuredClip(
        samples=samples,
        is_cut=is_cut,
        peak_dbfs=float(_dbfs(np.max(np.square(signal), initial=0.0))),
        rms_dbfs=float(_dbfs(np.square(signal).sum() / max(len(signal), 1))),
        clipped_share=_clipped_share(samples),
        frames_dbfs=_dbfs(np.square(frames).mean(axis=1)),
    )


def _dbfs(power: Any) -> NDArray[np.float64]:
    return np.asarray(10 * np.log10(np.maximum(power, 10 ** (FLOOR_DBFS / 10))), dtype=np.float64)


def _clipped_share(samples: NDArray[np.int16]) -> float:
    at_full_scale = np.abs(samples.astype(np.int32)) >= FULL_SCALE
    edges = np.flatnonzero(np.diff(at_full_scale.astype(np.int8), prepend=0, append=0))
    runs = edges[1::2] - edges[::2]
    return float(runs[runs >= FLAT_RUN_SAMPLES].sum() / max(len(samples), 1))
