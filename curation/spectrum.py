"""The power spectra of 100 ms blocks, 801 bins of 10 Hz, and from them bandwidth and mains hum. Pure.

Clips lie end to end: `blocks` says how many blocks each has, and `whole_blocks` how many of these are filled.
"""

from functools import cache
from typing import Any

import numpy as np
import scipy.fft
from numpy.typing import NDArray

BLOCK_SAMPLES, BIN_HZ = 1_600, 10

LOOKED_AT = 8
"""Blocks a clip, those with most above 2 kHz: where a speaker hisses, the whole band is in use."""
BAND_BINS = 25
BAND_HZ = BAND_BINS * BIN_HZ
FULL_SCALE = 32_700
"""A flat top sounds in every band: blocks that touch it are not looked at, if there are others."""
BELOW_LOUDEST_DB, ABOVE_ROUNDING_DBFS = 60.0, -100.0
"""A band is in use where it is not so far below the loudest one, and over the rounding to 16 bits (-116 dBFS a band).

All tuning recordings made at 8 kHz then end at 4,000 Hz or below, and of the others that have speech 19 in 20 reach
6,000 Hz or more.
"""

QUIET_SHARE, FEWEST_QUIET = 0.3, 3
STANDS_OUT_DB = 10.0
MAINS_BINS = {50: (5, 10, 15, 20), 60: (6, 12, 18, 24)}
"""Whole periods of both fit into a block, so that hum lies in single bins and leaks into no other."""


class BlockSpectra:
    """The mean square of each block of a signal in each of 801 bins; a row would sum to the block's mean square.

    What is kept are the squares of real and imaginary parts side by side: all that is asked of them is weighed sums.
    """

    def __init__(self, signal: NDArray[np.float32]) -> None:
        """Takes blocks end to end, in steps of a 16-bit sample. A constant offset stays in the first bin."""
        self.blocks = signal.reshape(-1, BLOCK_SAMPLES)
        parts = scipy.fft.rfft(self.blocks, axis=1).view(np.float32)
        self._squares = np.square(parts, out=parts)
        self._scale = np.full(BLOCK_SAMPLES // 2 + 1, 2 / BLOCK_SAMPLES**2 / 32_768**2, np.float32)
        self._scale[[0, -1]] /= 2

    def weighed(self, weights: NDArray[np.float32]) -> NDArray[np.float32]:
        """The sum over the bins, each by its weight; shapes (801,) → (blocks,)."""
        return np.asarray(self._squares @ np.repeat(weights * self._scale, 2), np.float32)

    def lowest(self, bins: int) -> NDArray[np.float64]:
        """The first bins, shape (blocks, bins)."""
        pairs = self._squares[:, : 2 * bins].astype(np.float64)
        return np.asarray((pairs[:, ::2] + pairs[:, 1::2]) * self._scale[:bins], np.float64)


def bandwidth_hz(spectrum: BlockSpectra, blocks: NDArray[Any], whole_blocks: NDArray[Any]) -> list[float | None]:
    """Up to where each clip has sound, in steps of 250 Hz; None where no whole block sounds."""
    first = np.cumsum(blocks) - blocks
    clip = np.repeat(np.arange(len(blocks)), blocks)
    high = np.where(_is_whole(blocks, whole_blocks), spectrum.weighed(_high()), -1)
    order = np.lexsort((-high, clip))
    rank = np.arange(len(order)) - np.repeat(first, blocks)
    chosen = order[(rank < LOOKED_AT) & (high[order] >= 0)]
    found: list[float | None] = [None] * len(blocks)
    if not len(chosen):
        return found
    looked_at = spectrum.blocks[chosen]
    is_clipped = np.abs(looked_at).max(axis=1) >= FULL_SCALE
    of_clips = np.bincount(clip[chosen], weights=~is_clipped, minlength=len(blocks)) > 0
    chosen, looked_at = (kept[~is_clipped | ~of_clips[clip[chosen]]] for kept in (chosen, looked_at))
    windowed = (looked_at - looked_at.mean(axis=1, keepdims=True)) * _hann()
    bins = scipy.fft.rfft(windowed, axis=1)[:, 1:]
    power = (np.square(bins.real) + np.square(bins.imag)).reshape(len(chosen), -1, BAND_BINS).sum(axis=2)
    clips, starts = np.unique(clip[chosen], return_index=True)
    loudest = np.maximum.reduceat(power * (2 / np.square(_hann()).sum() / BLOCK_SAMPLES / 32_768**2), starts, axis=0)
    least = np.maximum(loudest.max(axis=1) * 10 ** (-BELOW_LOUDEST_DB / 10), 10 ** (ABOVE_ROUNDING_DBFS / 10))
    used = loudest > least[:, np.newaxis]
    last = np.where(used.any(axis=1), used.shape[1] - np.argmax(used[:, ::-1], axis=1), 0)
    for index, bands in zip(clips.tolist(), last.tolist(), strict=True):
        found[index] = float(bands * BAND_HZ) or None
    return found


def hum_dbfs(spectrum: BlockSpectra, blocks: NDArray[Any], whole_blocks: NDArray[Any]) -> list[float | None]:
    """The level of mains hum in each clip's quietest blocks; None where it does not stand out, or the clip is short.

    The blocks' logarithms are averaged: what comes and goes, as a low voice does, counts little.
    """
    first = np.cumsum(blocks) - blocks
    clip = np.repeat(np.arange(len(blocks)), blocks)
    low = spectrum.lowest(26)
    level = np.where(_is_whole(blocks, whole_blocks), low.sum(axis=1), np.inf)
    order = np.lexsort((level, clip))
    rank = np.arange(len(order)) - np.repeat(first, blocks)
    quiet = (whole_blocks * QUIET_SHARE).astype(np.int64)
    is_quiet = rank < np.repeat(quiet, blocks)
    logs = np.where(is_quiet[:, np.newaxis], np.log(np.maximum(low[order], 1e-14)), 0)
    power = np.exp(np.add.reduceat(logs, first, axis=0) / np.maximum(quiet, 1)[:, np.newaxis])
    best = np.zeros(len(blocks))
    for bins in MAINS_BINS.values():
        at = np.array(bins)
        hum, beside = power[:, at].sum(axis=1), (power[:, at - 1] + power[:, at + 1]).sum(axis=1) / 2
        best = np.maximum(best, np.where(hum > beside * 10 ** (STANDS_OUT_DB / 10), hum - beside, 0))
    return [
        float(10 * np.log10(power_of)) if power_of > 0 and count >= FEWEST_QUIET else None
        for power_of, count in zip(best.tolist(), quiet.tolist(), strict=True)
    ]


def _is_whole(blocks: NDArray[Any], whole_blocks: NDArray[Any]) -> NDArray[np.bool_]:
    place = np.arange(int(blocks.sum())) - np.repeat(np.cumsum(blocks) - blocks, blocks)
    return np.asarray(place < np.repeat(whole_blocks, blocks))


@cache
def _hann() -> NDArray[np.float32]:
    return np.asarray(np.hanning(BLOCK_SAMPLES + 1)[:-1], np.float32)


@cache
def _high() -> NDArray[np.float32]:
    bins = np.arange(BLOCK_SAMPLES // 2 + 1)
    return np.asarray((bins >= 200) & (bins < 780), np.float32)
