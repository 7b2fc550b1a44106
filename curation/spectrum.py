"""The power spectra of 100 ms blocks, 801 bins of 10 Hz, and from them bandwidth and mains hum. Pure.

Clips lie end to end: `blocks` says how many blocks each has, and `whole_blocks` how many of these are filled.
"""

from functools import cache
from typing import Any

import numpy as np
import scipy.fft
from numpy.typing import NDArray

BLOCK_SAMPLES, BIN_HZ = 1_600, 10
BLOCKS_AT_ONCE = 64
LOWEST_BINS = 26

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
    """What is asked of the mean squares of blocks in 801 bins; those of all bins would sum to the block's own."""

    def __init__(self, signal: NDArray[np.int16], weights: NDArray[np.float32]) -> None:
        """Takes blocks end to end, and the weight of each bin, shape (801,). A constant offset stays in the first bin.

        A few blocks at once, which stay in a processor's cache.
        """
        self.blocks = signal.reshape(-1, BLOCK_SAMPLES)
        sums = np.empty((len(self.blocks), 2), np.float32)
        lowest = np.empty((len(self.blocks), 2 * LOWEST_BINS))
        scale = _scale()
        of_parts = np.repeat(np.stack([weights, _high()], axis=1) * scale[:, np.newaxis], 2, axis=0)
        for start in range(0, len(self.blocks), BLOCKS_AT_ONCE):
            some = slice(start, start + BLOCKS_AT_ONCE)
            parts = scipy.fft.rfft(self.blocks[some].astype(np.float32), axis=1).view(np.float32)
            squares = np.square(parts, out=parts)  # of real and imaginary parts, by turns
            sums[some] = squares @ of_parts
            lowest[some] = squares[:, : 2 * LOWEST_BINS]
        self.weighed, self.high = sums.T
        """The sum over the bins, each by its weight, and that of the bins above 2 kHz; shape (blocks,)."""
        self.lowest = (lowest[:, ::2] + lowest[:, 1::2]) * scale[:LOWEST_BINS]
        """The first bins, shape (blocks, 26)."""


def bandwidth_hz(spectrum: BlockSpectra, blocks: NDArray[Any], whole_blocks: NDArray[Any]) -> NDArray[np.float64]:
    """Up to where each clip has sound, in steps of 250 Hz; NaN where no whole block sounds."""
    first = np.cumsum(blocks) - blocks
    clip = np.repeat(np.arange(len(blocks)), blocks)
    high = np.where(_is_whole(blocks, whole_blocks), spectrum.high, -1)
    order = np.lexsort((-high, clip))
    rank = np.arange(len(order)) - np.repeat(first, blocks)
    chosen = order[(rank < LOOKED_AT) & (high[order] >= 0)]
    found = np.full(len(blocks), np.nan)
    if not len(chosen):
        return found
    looked_at = spectrum.blocks[chosen].astype(np.float32)
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
    found[clips] = np.where(last > 0, last * BAND_HZ, np.nan)
    return found


def hum_dbfs(spectrum: BlockSpectra, blocks: NDArray[Any], whole_blocks: NDArray[Any]) -> NDArray[np.float64]:
    """The level of mains hum in each clip's quietest blocks; NaN where it does not stand out, or the clip is short.

    The blocks' logarithms are averaged: what comes and goes, as a low voice does, counts little.
    """
    first = np.cumsum(blocks) - blocks
    clip = np.repeat(np.arange(len(blocks)), blocks)
    low = spectrum.lowest
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
    there = (best > 0) & (quiet >= FEWEST_QUIET)
    return np.where(there, 10 * np.log10(np.where(there, best, 1)), np.nan)


def _is_whole(blocks: NDArray[Any], whole_blocks: NDArray[Any]) -> NDArray[np.bool_]:
    place = np.arange(int(blocks.sum())) - np.repeat(np.cumsum(blocks) - blocks, blocks)
    return np.asarray(place < np.repeat(whole_blocks, blocks))


@cache
def _scale() -> NDArray[np.float32]:
    scale = np.full(BLOCK_SAMPLES // 2 + 1, 2 / BLOCK_SAMPLES**2 / 32_768**2, np.float32)
    scale[[0, -1]] /= 2
    return scale


@cache
def _hann() -> NDArray[np.float32]:
    return np.asarray(np.hanning(BLOCK_SAMPLES + 1)[:-1], np.float32)


@cache
def _high() -> NDArray[np.float32]:
    bins = np.arange(BLOCK_SAMPLES // 2 + 1)
    return np.asarray((bins >= 200) & (bins < 780), np.float32)
