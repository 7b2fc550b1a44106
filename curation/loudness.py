"""Loudness as ITU-R BS.1770-5 defines it, for one channel at 16 kHz, on the power spectra of 100 ms blocks. Pure.

The standard filters the signal and takes the mean square of 400 ms blocks that begin every 100 ms. Weighing a block's
power spectrum by the filter's response is the same but for the block's borders; a test holds the two within 0.1 LU.
"""

from functools import cache
from typing import Any

import numpy as np
import scipy.signal
from numpy.typing import NDArray

from corpus.audio import RATE_HZ
from corpus.windows import overlapping

BLOCK_SAMPLES = 1_600
GATE_BLOCKS = 4
"""A gating block is 400 ms, and begins every 100 ms."""
ABSOLUTE_GATE_LUFS, RELATIVE_GATE_LU = -70.0, -10.0
OFFSET_LU = -0.691


def k_weighting(rate_hz: int) -> NDArray[np.float64]:
    """The standard's two filters as second-order sections, shape (2, 6), for any rate.

    It tabulates them at 48 kHz only; these are the analogue filters that the table comes from, as libebur128 derives
    them, through the same bilinear transform.
    """
    shelf_hz, shelf_q, gain = 1681.974450955533, 0.7071752369554196, 10 ** (3.999843853973347 / 20)
    high, band = gain, gain**0.4996667741545416
    tan = np.tan(np.pi * shelf_hz / rate_hz)
    norm = 1 + tan / shelf_q + tan**2
    shelf = [
        (high + band * tan / shelf_q + tan**2) / norm,
        2 * (tan**2 - high) / norm,
        (high - band * tan / shelf_q + tan**2) / norm,
        1,
        2 * (tan**2 - 1) / norm,
        (1 - tan / shelf_q + tan**2) / norm,
    ]
    low_hz, low_q = 38.13547087602444, 0.5003270373238773
    tan = np.tan(np.pi * low_hz / rate_hz)
    norm = 1 + tan / low_q + tan**2
    cut = [1, -2, 1, 1, 2 * (tan**2 - 1) / norm, (1 - tan / low_q + tan**2) / norm]
    return np.array([shelf, cut])


@cache
def block_weights() -> NDArray[np.float32]:
    """What the filters make of the power in each bin of a block's spectrum, shape (801,)."""
    bins_hz = np.arange(BLOCK_SAMPLES // 2 + 1) * RATE_HZ / BLOCK_SAMPLES
    _, response = scipy.signal.sosfreqz(k_weighting(RATE_HZ), bins_hz, fs=RATE_HZ)
    return np.asarray(np.square(np.abs(response)), np.float32)


def integrated_lufs(
    block_power: NDArray[Any], first_block: NDArray[Any], whole_blocks: NDArray[Any]
) -> NDArray[np.float64]:
    """Each clip's loudness, from the weighted power of all clips' blocks, shape (blocks,).

    `first_block` is where each clip begins, and `whole_blocks` how many of its blocks are filled. NaN under 400 ms.
    """
    padded = np.r_[block_power.astype(np.float64), np.zeros(GATE_BLOCKS - 1)]
    power = np.maximum(overlapping(padded, GATE_BLOCKS, 1).mean(axis=1), 1e-20)
    sizes = np.diff(np.r_[first_block, len(block_power)])
    place = np.arange(len(block_power)) - np.repeat(first_block, sizes)
    is_block = place <= np.repeat(whole_blocks - GATE_BLOCKS, sizes)
    passes = is_block & (_lufs(power) > ABSOLUTE_GATE_LUFS)
    gate = _lufs(_mean(power, passes, first_block)) + RELATIVE_GATE_LU
    passes &= _lufs(power) > np.repeat(gate, sizes)
    loudness = _lufs(_mean(power, passes, first_block))
    heard = np.add.reduceat(passes, first_block, dtype=np.int64) > 0
    return np.where(heard, loudness, np.nan)


def _mean(power: NDArray[Any], passes: NDArray[np.bool_], first_block: NDArray[Any]) -> NDArray[np.float64]:
    count = np.add.reduceat(passes, first_block, dtype=np.float64)
    return np.maximum(np.add.reduceat(np.where(passes, power, 0.0), first_block) / np.maximum(count, 1), 1e-20)


def _lufs(power: NDArray[Any]) -> NDArray[np.float64]:
    return np.asarray(OFFSET_LU + 10 * np.log10(power), np.float64)
