"""Makes canonical PCM of a recording's samples, whoever read them: one channel, 16 kHz, 16 bits.

No library here looks at a recording's bytes: it gets numbers.
"""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Protocol

import numpy as np
import soxr
from numpy.typing import NDArray

from corpus.audio import RATE_HZ
from corpus.errors import Undecodable

BLOCK_FRAMES = 1 << 16
RATES_KEPT = 8
"""More than devices have: each keeps some 100 kB, and a stranger may send any rate."""
MAX_CHANNELS = 8
MIN_RATE_HZ, MAX_RATE_HZ = 8_000, 192_000
BEYOND_FULL_SCALE = 64.0
"""36 dB over: no microphone's overshoot, but integers stored as floats, or garbage."""

Block = NDArray[np.float32] | NDArray[np.int16]
"""(frames, channels); float32 has full scale at ±1, int16 is canonical PCM already."""

Resample = Callable[[NDArray[np.float32], bool], NDArray[np.float32]]
"""Takes consecutive pieces, and whether this is the last one."""


class Source(Protocol):
    """An opened recording. `blocks` raises `Undecodable` where the recording is damaged."""

    @property
    def rate_hz(self) -> int: ...

    @property
    def channels(self) -> int: ...

    @property
    def container(self) -> str: ...

    @property
    def codec(self) -> str: ...

    def blocks(self) -> Iterator[Block]:
        """Of `BLOCK_FRAMES` at most."""


@dataclass(frozen=True, slots=True)
class Decoded:
    """`pcm` is 16 kHz mono, and ends at the limit where the recording is too long."""

    pcm: NDArray[np.int16]
    source: Source
    too_long: bool


class Resamplers:
    """One for all recordings of a rate: to design its filter takes as long as to resample a second.

    For one thread at a time.
    """

    def __init__(self) -> None:
        self._of_rate = lru_cache(maxsize=RATES_KEPT)(_resample_stream)

    def start(self, rate_hz: int) -> Resample:
        """For the pieces of one recording."""
        if rate_hz == RATE_HZ:
            return lambda samples, _last: samples
        stream = self._of_rate(rate_hz)
        stream.clear()  # of a recording that ended early
        return lambda samples, last: stream.resample_chunk(samples, last)


def canonical(source: Source, max_samples: int, resamplers: Resamplers) -> Decoded:
    """Canonical PCM of at most `max_samples`. Raises `Undecodable`."""
    if not 1 <= source.channels <= MAX_CHANNELS:
        raise Undecodable(f"It has {source.channels} channels; 1 to {MAX_CHANNELS} are read.")
    if not MIN_RATE_HZ <= source.rate_hz <= MAX_RATE_HZ:
        raise Undecodable(f"It has {source.rate_hz} samples a second; {MIN_RATE_HZ} to {MAX_RATE_HZ} are read.")
    max_frames = math.ceil(max_samples * source.rate_hz / RATE_HZ)
    pieces: list[NDArray[np.int16]] = []
    resample = resamplers.start(source.rate_hz)
    frames, blocks = 0, source.blocks()
    block = next(blocks, None)
    while block is not None:
        frames += len(block)
        after = next(blocks, None) if frames <= max_frames else None
        pieces.append(_canonical(block, resample, after is None))
        block = after
    pcm = np.concatenate(pieces or [np.empty(0, np.int16)])
    return Decoded(pcm[:max_samples], source, too_long=frames > max_frames)


def _canonical(block: Block, resample: Resample, is_last: bool) -> NDArray[np.int16]:
    if block.dtype == np.int16:
        return np.asarray(block[:, 0], np.int16)
    return to_int16(resample(to_mono(np.asarray(block, np.float32)), is_last))


def to_mono(block: NDArray[np.float32]) -> NDArray[np.float32]:
    """The mean of the channels, before any change of rate. Raises `Undecodable` at NaN, infinity and garbage."""
    if block.size and not (block.max() < BEYOND_FULL_SCALE and block.min() > -BEYOND_FULL_SCALE):  # nor is NaN
        raise Undecodable("It has samples that are no numbers, or far beyond full scale.")
    return np.ascontiguousarray(block[:, 0]) if block.shape[1] == 1 else block.mean(axis=1, dtype=np.float32)


def to_int16(samples: NDArray[np.float32]) -> NDArray[np.int16]:
    """Rounded and clipped, without dither: the same recording gives the same bytes, and 16-bit ones come back as is."""
    scaled: NDArray[np.float32] = samples * np.float32(32768)
    np.rint(scaled, out=scaled)
    return np.clip(scaled, -32768, 32767, out=scaled).astype(np.int16)


def _resample_stream(rate_hz: int) -> soxr.ResampleStream:
    return soxr.ResampleStream(rate_hz, RATE_HZ, 1, dtype="float32", quality="HQ")
