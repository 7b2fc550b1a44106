"""Measures clips, a whole batch in one go. Pure.

The clips lie end to end in one array, and sums run from border to border; only laying them out loops over clips.
A clip measures the same in any batch. Speech is no arithmetic: `curation/listen.py` has a detector listen.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from corpus.audio import RATE_HZ
from curation.loudness import block_weights, integrated_lufs
from curation.measurements import FLOOR_DBFS, GATE_DBFS, Measurements
from curation.spectrum import BlockSpectra, bandwidth_hz, hum_dbfs

Samples = NDArray[np.int16]
"""Mono, 16 kHz, shape (samples,)."""
Floats = NDArray[np.floating[Any]]

FRAME_SAMPLES = 320  # 20 ms: two periods of the lowest voice, and the step of the models that will train on it
BLOCK_SAMPLES = 1_600  # 100 ms: whole periods of 50 and 60 Hz, and the step of BS.1770's gating blocks
BLOCK_FRAMES = BLOCK_SAMPLES // FRAME_SAMPLES
FRAMES_AT_ONCE = 320  # 400 kB: they stay in a processor's cache
EDGE_SAMPLES = 640  # 40 ms: shorter than a syllable, longer than a click

FULL_SCALE = 32_700  # 0.02 dB under the largest sample: a resampler rings a little beside a clipped peak
FLAT_RUN_SAMPLES = 3  # one sample at full scale is a loud peak; three in a row are a flat top

ALWAYS_THERE = 0.1
"""The part of the frames that are taken for pauses, of which the loudest is the noise."""

STANDS_OUT = 2.0
"""Frames of so many times the noise's power (3 dB) are the signal."""

TRIM_MARGIN_SAMPLES = 12 * FRAME_SAMPLES
"""0.24 s stay on either side: the faint start of a word (an h, an f) lasts less, and aligners want some silence."""
TRIM_OVER_NOISE_DB, TRIM_QUIETEST_DBFS = 10.0, -65.0

DECIMALS = 4


@dataclass(frozen=True, slots=True)
class Trim:
    """What is cut off: samples at the start, and samples at the end."""

    start: int
    end: int


def trim_batch(batch: Sequence[Samples]) -> list[Trim]:
    """How much silence leads and trails each clip, but for a margin.

    Silence is what lies near the noise of the clip's pauses, or under -65 dBFS; nothing above the gate is ever cut.
    A clip in which nothing sounds is left whole.
    """
    if not batch:
        return []
    laid = _Laid(batch)
    quietest = np.clip(laid.noise_dbfs + TRIM_OVER_NOISE_DB, TRIM_QUIETEST_DBFS, GATE_DBFS)
    sounds = laid.is_whole_frame & (laid.frames_dbfs > laid.each_frames(quietest))
    place = np.arange(len(sounds)) - laid.each_frames(laid.first_frame)
    first = np.minimum.reduceat(np.where(sounds, place, np.iinfo(np.int64).max), laid.first_frame)
    last = np.maximum.reduceat(np.where(sounds, place, -1), laid.first_frame)
    start = np.maximum(first * FRAME_SAMPLES - TRIM_MARGIN_SAMPLES, 0)
    end = np.maximum(laid.samples - (last + 1) * FRAME_SAMPLES - TRIM_MARGIN_SAMPLES, 0)
    return [Trim(int(start[index]), int(end[index])) if last[index] >= 0 else Trim(0, 0) for index in range(len(batch))]


def measure_batch(batch: Sequence[Samples], *, cut: Sequence[bool] | None = None) -> list[Measurements]:
    """Measures each clip, all but its speech; there may be clips without samples.

    `cut` says which ended at the decoder's limit.
    """
    if not batch:
        return []
    laid = _Laid(batch)
    sounding_frames = laid.sum_frames(laid.is_sounding)
    sounding_s = sounding_frames * FRAME_SAMPLES / RATE_HZ
    sounding = laid.sum_frames(np.where(laid.is_sounding, laid.frames_power, 0)) / np.maximum(sounding_frames, 1)
    sounds = sounding_frames > 0
    sounding_dbfs = dbfs(sounding)
    stands_out = laid.is_sounding & (laid.frames_power > laid.each_frames(laid.noise) * STANDS_OUT)
    standing_frames = laid.sum_frames(stands_out)
    standing = laid.sum_frames(np.where(stands_out, laid.frames_power, 0)) / np.maximum(standing_frames, 1)
    snr_db = 10 * np.log10(np.maximum(standing / laid.noise - 1, 1e-3))
    columns: dict[str, NDArray[Any]] = {
        "samples": laid.samples,
        "is_cut": np.zeros(len(batch), bool) if cut is None else np.array(cut, bool),
        "peak_dbfs": dbfs(np.square(laid.peak)),
        "rms_dbfs": dbfs(laid.sum_frames(laid.frames_energy) / laid.at_least_one + np.square(laid.mean)),
        "lufs": integrated_lufs(laid.spectrum.weighed, laid.first_block, laid.whole_blocks),
        "clipped_share": _clipped(batch, laid) / laid.at_least_one,
        "dc_offset": laid.mean,
        "sounding_s": sounding_s,
        "sounding_dbfs": np.where(sounds, sounding_dbfs, np.nan),
        "snr_db": np.where(standing_frames > 0, snr_db, np.nan),
        "bandwidth_hz": bandwidth_hz(laid.spectrum, laid.blocks, laid.whole_blocks),
        "hum_dbfs": hum_dbfs(laid.spectrum, laid.blocks, laid.whole_blocks),
        "starts_db": np.where(sounds, laid.edge_dbfs(at_end=False) - sounding_dbfs, np.nan),
        "ends_db": np.where(sounds, laid.edge_dbfs(at_end=True) - sounding_dbfs, np.nan),
    }
    rows = zip(*map(_rounded, columns.values()), strict=True)
    return [Measurements(**dict(zip(columns, row, strict=True))) for row in rows]


def _rounded(column: NDArray[Any]) -> list[Any]:
    """To `DECIMALS`, for the last bits of a sum depend on what else was summed with it; NaN is None."""
    if column.dtype.kind != "f":
        return list(column.tolist())
    return [None if math.isnan(value) else value for value in column.round(DECIMALS).tolist()]


def dbfs(power: Any) -> NDArray[np.float64]:
    """The level of a mean square, full scale at 1."""
    return np.asarray(10 * np.log10(np.maximum(power, 10 ** (FLOOR_DBFS / 10))), dtype=np.float64)


class _Laid:
    """A batch end to end, each clip padded with zeros to whole blocks, at least one; `first_…` are their borders."""

    def __init__(self, batch: Sequence[Samples]) -> None:
        self.samples = np.array([len(clip) for clip in batch])
        self.at_least_one = np.maximum(self.samples, 1)
        self.blocks = np.maximum(-(-self.samples // BLOCK_SAMPLES), 1)
        self.whole_blocks = self.samples // BLOCK_SAMPLES
        padding = self.blocks * BLOCK_SAMPLES - self.samples
        zeros = np.zeros(BLOCK_SAMPLES, np.int16)
        parts = [part for clip, pad in zip(batch, padding, strict=True) for part in (clip, zeros[:pad])]
        self.raw = np.concatenate(parts)
        self.first_block = np.cumsum(self.blocks) - self.blocks
        self.first_frame = self.first_block * BLOCK_FRAMES
        sums, squares = _sums(self.raw.reshape(-1, FRAME_SAMPLES))
        place = np.arange(len(sums)) - self.each_frames(self.first_frame)
        left = self.each_frames(self.samples) - place * FRAME_SAMPLES
        mean = self.sum_frames(sums) / self.at_least_one
        self.mean = mean / 32_768
        # Without a faulty microphone's offset, which is no sound: Σ(x - m)² = Σx² - 2mΣx + nm².
        offset = self.each_frames(mean)
        energy = squares - 2 * offset * sums + np.clip(left, 0, FRAME_SAMPLES) * np.square(offset)
        self.frames_energy = np.maximum(energy, 0) / 32_768**2
        self.frames_power = self.frames_energy / FRAME_SAMPLES
        self.is_whole_frame = left >= FRAME_SAMPLES

    def each_frames(self, of_clips: NDArray[Any]) -> NDArray[Any]:
        """A clip's number, once for each of its frames."""
        return np.repeat(of_clips, self.blocks * BLOCK_FRAMES)

    def sum_frames(self, of_frames: NDArray[Any]) -> NDArray[np.float64]:
        return np.add.reduceat(of_frames, self.first_frame, dtype=np.float64)

    @cached_property
    def frames_dbfs(self) -> NDArray[np.float64]:
        return dbfs(self.frames_power)

    @cached_property
    def is_sounding(self) -> NDArray[np.bool_]:
        return np.asarray(self.is_whole_frame & (self.frames_dbfs > GATE_DBFS))

    @cached_property
    def noise(self) -> NDArray[np.float64]:
        """The power that nine frames in ten exceed, at least that of the rounding to 16 bits; of each clip."""
        power = np.where(self.is_whole_frame, self.frames_power, np.inf)
        ranks = (ALWAYS_THERE * np.maximum(self.samples // FRAME_SAMPLES - 1, 0)).astype(np.int64).tolist()
        borders = pairwise([*self.first_frame.tolist(), len(power)])
        of_clips = [power[first:after] for first, after in borders]
        found = np.array([np.partition(clip, rank)[rank] for clip, rank in zip(of_clips, ranks, strict=True)])
        return np.maximum(np.where(np.isfinite(found), found, 0), 1 / 12 / 32_768**2)

    @cached_property
    def noise_dbfs(self) -> NDArray[np.float64]:
        return dbfs(self.noise)

    @cached_property
    def peak(self) -> NDArray[np.float64]:
        """The largest sample of each clip, full scale at 1."""
        first = self.first_block * BLOCK_SAMPLES
        highest, lowest = np.maximum.reduceat(self.raw, first), np.minimum.reduceat(self.raw, first)
        return np.maximum(highest.astype(np.float64), -lowest.astype(np.float64)) / 32_768

    @cached_property
    def spectrum(self) -> BlockSpectra:
        return BlockSpectra(self.raw, block_weights())

    def edge_dbfs(self, *, at_end: bool) -> NDArray[np.float64]:
        """The level of the first or last 40 ms, or of a shorter clip."""
        size = np.clip(self.samples, 1, EDGE_SAMPLES)
        first = self.first_block * BLOCK_SAMPLES + (np.maximum(self.samples - EDGE_SAMPLES, 0) if at_end else 0)
        edges = self.raw[first[:, np.newaxis] + np.arange(EDGE_SAMPLES)]
        centred = (edges / 32_768 - self.mean[:, np.newaxis]) * (np.arange(EDGE_SAMPLES) < size[:, np.newaxis])
        return dbfs(np.square(centred).sum(axis=1) / size)


def _sums(frames: NDArray[np.int16]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Each frame's sum and sum of squares, in steps of a 16-bit sample; shapes (frames, 320) → (frames,) twice."""
    sums, squares = np.empty(len(frames)), np.empty(len(frames))
    for start in range(0, len(frames), FRAMES_AT_ONCE):
        part = slice(start, start + FRAMES_AT_ONCE)
        signal = frames[part].astype(np.float32)
        sums[part] = signal @ _ONES  # whole numbers below 2^24: no order of summing rounds
        squares[part] = np.einsum("ij,ij->i", signal, signal)
    return sums, squares


def _clipped(batch: Sequence[Samples], laid: _Laid) -> NDArray[np.float64]:
    """How many samples of each clip stand in a flat top."""
    counts = np.zeros(len(batch))
    for index in np.flatnonzero(laid.peak * 32_768 >= FULL_SCALE).tolist():
        samples = batch[index]
        at = np.flatnonzero((samples >= FULL_SCALE) | (samples <= -FULL_SCALE))
        begins = np.flatnonzero(np.r_[True, np.diff(at) != 1])
        runs = np.diff(np.r_[begins, len(at)])
        counts[index] = runs[runs >= FLAT_RUN_SAMPLES].sum()
    return counts


_ONES = np.ones(FRAME_SAMPLES, np.float32)
