"""Decides whether two clips are the same recording, sample by sample: aligned in time and speed, then coherent. Pure.

Two copies of a recording agree in the phase of every band once one is laid over the other, whatever codec, gain or
noise came between. One person who says the same words again never agrees for longer than a vowel: pitch and pace differ
by more than the fraction of a millisecond that phase forgives. So the line that maps one clip's time to the other's is
found from short pieces, each looked for everywhere in the other clip, and then the coherence of five bands between 200
and 3,400 Hz is taken under that one line, at no freedom of lag.
"""

from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from corpus.audio import RATE_HZ
from corpus.windows import overlapping

VERSION = 1
"""Grows whenever a pair could be decided otherwise."""

MOST_SPEED = 0.014
"""Speeds are looked for up to 1.4 % apart: a resampler's confusion or a slow crystal, not another performance."""

COHERENT = 0.55
COHERENT_MORE_PER_MISSING_S = 0.5
"""Asked of an overlap of a second or more; of a shorter one more: chance needs to be right less often.

On the tuning half the highest mean of a pair that is none was 0.40 over a second or more, and 0.65 under half a one.
"""
OVERLAP_ENERGY, OVERLAP_TIME = 0.6, 0.7
"""The overlap holds at least this share of each clip's energy, or of its time: a jingle before two requests makes no
copies of them, and a cut that takes the loudest word makes no other recording."""
SHORTEST_S = 0.2

LOWEST_HZ, HIGHEST_HZ = 200, 3_400
EDGES_HZ = (200, 600, 1_100, 1_700, 2_400, 3_400)
FAINTEST = 1e-5
"""A band that holds less than this share of a clip's energy says nothing: a sine would leak into all of them."""

PIECE = 1_024  # 128 ms at 8 kHz
PIECES = 16
PEAKS = 4
WEAKEST_PEAK = 0.3
TOLERANCE = 6  # samples at 8 kHz, 0.75 ms
HOPELESS = 0.12  # of the summed peaks: the best line through noise has less than this
SPEEDS = (0.0, 0.01, -0.01)
LINES = 3

Signal = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Line:
    """Where each sample of one clip lies in the other: at `start + (1 + speed) * sample`."""

    start: float
    speed: float
    support: float


@dataclass(frozen=True, slots=True)
class Likeness:
    """How far two clips agree once they are aligned."""

    coherence: float
    """Mean over five bands of the cross-spectrum's real part beside its magnitude's bound: 1 is the same, 0 chance."""
    overlap_s: float
    energy_share: float
    """How much of the energy lies in the overlap, of the clip that has less of it there."""
    time_share: float
    """The same of the time."""
    speed: float
    """How much faster the second plays: 0.01 is one per cent."""

    @property
    def is_same(self) -> bool:
        """Coherent enough for the length of the overlap, which holds most of both clips."""
        asked = COHERENT + COHERENT_MORE_PER_MISSING_S * max(0.0, 1 - self.overlap_s)
        covers = self.energy_share >= OVERLAP_ENERGY or self.time_share >= OVERLAP_TIME
        return self.coherence >= asked and covers and self.overlap_s >= SHORTEST_S


NOTHING_ALIKE = Likeness(0.0, 0.0, 0.0, 0.0, 0.0)


def prepare(samples: NDArray[np.int16]) -> Signal:
    """The speech band of mono 16 kHz samples, shape (samples,), to give to `compare` as often as wanted."""
    size = _fast(len(samples))
    spectrum = np.fft.rfft(samples.astype(np.float32), size)
    hz = np.arange(len(spectrum)) * RATE_HZ / size
    spectrum[(hz < LOWEST_HZ) | (hz > HIGHEST_HZ)] = 0
    return np.fft.irfft(spectrum, size)[: len(samples)].astype(np.float32)


def compare(one: Signal, other: Signal) -> Likeness:
    """How alike two prepared clips are."""
    if min(len(one), len(other)) < 4 * PIECE or not one.any() or not other.any():
        return NOTHING_ALIKE
    found = [NOTHING_ALIKE]
    for rough in _lines(one, other):
        line = rough
        for reach in (24, 8):
            line = _sharpened(one, other, line, reach)
        found.append(_coherence(one, other, line))
    return max(found, key=lambda likeness: likeness.coherence)


# The line, roughly


def _lines(one: Signal, other: Signal) -> list[Line]:
    """The likeliest, at 8 kHz and three speeds, between which half a per cent blurs no piece.

    A few, for a steady voice agrees with itself one period later nearly as well as it does where it belongs.
    """
    found = list[Line]()
    for speed in SPEEDS:
        stretched = other if speed == 0 else _at(other, np.arange(int(len(other) / (1 + speed))) * (1 + speed))
        for rough in _rough_lines(one[::2], stretched[::2]):
            found.append(Line(2 * rough.start, (1 + rough.speed) / (1 + speed) - 1, rough.support))
        if found and max(line.support for line in found) > 0.9:
            break
    hopeful = [line for line in found if line.support >= HOPELESS]
    return sorted(hopeful, key=lambda line: -line.support)[:LINES]


def _rough_lines(one: Signal, other: Signal) -> list[Line]:
    """Those that most pieces of one clip agree on, out of the lines through any two of their likeliest places."""
    starts = _loud_pieces(other, PIECE)
    likeness = _everywhere(one, other, starts)
    piece, place, weight = _peaks(likeness)
    if len(piece) < 2:
        return []
    time = starts[piece].astype(np.float64)
    lag = place - PIECE // 2 - time
    first, second = np.triu_indices(len(time), 1)
    apart = np.abs(time[second] - time[first]) >= PIECE
    first, second = first[apart], second[apart]
    speed = (lag[second] - lag[first]) / (time[second] - time[first])
    possible = np.abs(speed) <= MOST_SPEED / 2
    start = np.concatenate([lag[first][possible] - speed[possible] * time[first][possible], lag])
    speed = np.concatenate([speed[possible], np.zeros(len(lag))])
    near = np.abs(start[:, None] + speed[:, None] * time - lag) <= TOLERANCE
    agreed = np.zeros((len(start), len(starts)))
    for each in range(len(starts)):
        agreed[:, each] = (near[:, piece == each] * weight[piece == each]).max(axis=1, initial=0.0)
    supports, found = agreed.sum(axis=1) / len(starts), list[Line]()
    middle = start + speed * len(other) / 2
    left = np.ones(len(start), dtype=bool)
    while left.any() and len(found) < LINES:
        best = int(np.where(left, supports, -1.0).argmax())
        fitted = _fit(time[near[best]], lag[near[best]], weight[near[best]])
        support = float(supports[best])
        if fitted and abs(fitted[1]) <= MOST_SPEED:
            found.append(Line(*fitted, support))
        else:
            found.append(Line(float(start[best]), float(speed[best]), support))
        left &= np.abs(middle - middle[best]) > 2 * TOLERANCE
    return found


def _loud_pieces(signal: Signal, size: int) -> NDArray[np.intp]:
    """Where up to `PIECES` pieces begin, evenly among those within 20 dB of the loudest."""
    starts = np.arange(0, max(len(signal) - size, 0) + 1, size // 4)
    energy = np.concatenate([[0.0], np.cumsum(np.square(signal, dtype=np.float64))])
    each = energy[np.minimum(starts + size, len(signal))] - energy[starts]
    loud = starts[each >= each.max() / 100]
    chosen = np.linspace(0, len(loud) - 1, min(PIECES, len(loud))).round().astype(np.intp)
    return np.asarray(loud[chosen], dtype=np.intp)


def _everywhere(one: Signal, other: Signal, starts: NDArray[np.intp]) -> Signal:
    """Each piece's normalised correlation with every place of the other clip, from half a piece before its start."""
    pieces = np.stack([other[start : start + PIECE] for start in starts])
    size, half = _fast(len(one) + PIECE), PIECE // 2
    products = np.fft.rfft(one, size)[None] * np.conj(np.fft.rfft(pieces, size, axis=1))
    circular = np.fft.irfft(products, size, axis=1)
    along = np.concatenate([circular[:, size - half :], circular[:, : len(one) - half]], axis=1)
    energy = np.pad(np.cumsum(np.square(one, dtype=np.float64)), (half + 1, PIECE), mode="edge")
    energy[: half + 1] = 0.0
    under = energy[PIECE : PIECE + along.shape[1]] - energy[: along.shape[1]]
    under = np.maximum(under, under.max() * 1e-4)
    own = np.square(pieces, dtype=np.float64).sum(axis=1)
    return np.asarray(along / np.sqrt(under[None] * own[:, None] + 1e-9), dtype=np.float32)


def _peaks(likeness: Signal) -> tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.float64]]:
    """The highest places of each row, 1 ms apart: row, place and height of each that is high enough."""
    left, rows = likeness.copy(), np.arange(len(likeness))
    found = list[tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.float64]]]()
    for _ in range(PEAKS):
        place = left.argmax(axis=1)
        found.append((rows, place, left[rows, place].astype(np.float64)))
        for row in rows:
            left[row, max(0, place[row] - 10) : place[row] + 11] = 0
    which, where, height = (np.concatenate(each) for each in zip(*found, strict=True))
    high = height > WEAKEST_PEAK
    return which[high], where[high], height[high]


# The line, to a fraction of a sample


def _sharpened(one: Signal, other: Signal, line: Line, reach: int) -> Line:
    """The line moved to where long pieces agree best, within `reach` samples at 16 kHz of where it lay."""
    size = min(2 * PIECE, len(other))
    starts = _loud_pieces(other, size)
    pieces = np.stack([other[start : start + size] for start in starts])
    under = _at(one, line.start + (1 + line.speed) * (starts[:, None] + np.arange(-reach, size + reach)))
    width = 2 * reach + 1
    padded = _fast(size + 2 * reach)
    products = np.fft.rfft(under, padded, axis=1) * np.conj(np.fft.rfft(pieces, padded, axis=1))
    along = np.fft.irfft(products, padded, axis=1)[:, :width]
    energy = np.pad(np.cumsum(np.square(under, dtype=np.float64), axis=1), ((0, 0), (1, 0)))
    bound = (energy[:, size : size + width] - energy[:, :width]) * np.square(pieces, dtype=np.float64).sum(1)[:, None]
    likeness = along / np.sqrt(bound + 1e-3)
    rows, place = np.arange(len(starts)), likeness.argmax(axis=1)
    height = likeness[rows, place]
    inner = np.clip(place, 1, width - 2)
    before, at, after = (likeness[rows, inner + step] for step in (-1, 0, 1))
    offset = inner - reach + np.clip((before - after) / 2 / np.minimum(before - 2 * at + after, -1e-9), -1, 1)
    sure = (height > 0.4) & (place > 0) & (place < width - 1)
    if not sure.any():
        return line
    time, moved, weight = starts[sure] + size / 2, offset[sure], height[sure] ** 4
    fitted = _fit_robustly(time, moved, weight)
    if fitted and abs(line.speed + fitted[1]) <= MOST_SPEED:
        return Line(line.start + fitted[0], line.speed + fitted[1], line.support)
    return Line(line.start + float(np.average(moved, weights=weight)), line.speed, line.support)


def _fit_robustly(
    time: NDArray[np.float64], moved: NDArray[np.float64], weight: NDArray[np.float64]
) -> tuple[float, float] | None:
    """Three rounds, in which what lies samples off the line loses its say."""
    trust, fitted = weight, None
    for _ in range(3):
        fitted = _fit(time, moved, trust)
        if fitted is None:
            return None
        trust = weight / (1 + np.square((moved - fitted[0] - fitted[1] * time) / 1.5))
    return fitted


def _fit(
    time: NDArray[np.float64], value: NDArray[np.float64], weight: NDArray[np.float64]
) -> tuple[float, float] | None:
    """Start and slope of the line by weighted least squares; None through fewer than three points."""
    if len(time) < 3:
        return None
    matrix = np.stack([np.ones(len(time)), time], axis=1) * weight[:, None]
    (start, slope), *_ = np.linalg.lstsq(matrix, value * weight, rcond=None)
    return float(start), float(slope)


# Coherence under the line


def _coherence(one: Signal, other: Signal, line: Line) -> Likeness:
    where = line.start + (1 + line.speed) * np.arange(len(other))
    inside = np.flatnonzero((where >= 0) & (where <= len(one) - 1))
    if len(inside) < SHORTEST_S * RATE_HZ:
        return NOTHING_ALIKE
    first, last = int(inside[0]), int(inside[-1]) + 1
    left, right = _spectra(_at(one, where[first:last])), _spectra(other[first:last])
    hz = np.arange(left.shape[1]) * RATE_HZ / 512
    agreement, floor = np.zeros(len(EDGES_HZ) - 1), (_energy(left) * FAINTEST, _energy(right) * FAINTEST)
    for band, (low, high) in enumerate(pairwise(EDGES_HZ)):
        some_left, some_right = (each[:, (hz >= low) & (hz < high)] for each in (left, right))
        if _energy(some_left) <= floor[0] or _energy(some_right) <= floor[1]:
            continue
        together = (some_left * np.conj(some_right)).real.sum(axis=1, dtype=np.float64)
        bound = np.sqrt(_by_frame(some_left) * _by_frame(some_right)) + 1e-9
        # Frames count by the root of their amplitudes' product: neither the loudest vowel alone, nor every silence.
        agreement[band] = (together / np.sqrt(bound)).sum() / np.sqrt(bound).sum()
    covered = one[max(0, int(where[first])) : int(where[last - 1]) + 1]
    energy = min(_part(covered, one), _part(other[first:last], other))
    time = min(len(covered) / len(one), (last - first) / len(other))
    return Likeness(float(agreement.mean()), (last - first) / RATE_HZ, energy, time, line.speed)


def _spectra(signal: Signal) -> NDArray[np.complex64]:
    """Of frames of 32 ms, half overlapping, shape (frames, bins)."""
    frames = overlapping(np.pad(signal, (0, 512)), 512, 256)
    return np.asarray(np.fft.rfft(frames * np.hanning(512).astype(np.float32), axis=1), dtype=np.complex64)


def _by_frame(spectra: NDArray[np.complex64]) -> NDArray[np.float64]:
    return np.asarray((np.square(spectra.real) + np.square(spectra.imag)).sum(axis=1, dtype=np.float64))


def _energy(spectra: NDArray[np.complex64]) -> float:
    return float(_by_frame(spectra).sum())


def _part(some: Signal, whole: Signal) -> float:
    return float(np.square(some, dtype=np.float64).sum() / max(np.square(whole, dtype=np.float64).sum(), 1e-9))


# Sampling


def _at(signal: Signal, where: NDArray[np.floating[Any]]) -> Signal:
    """The signal between its samples, by cubics (Lagrange); zero outside."""
    whole = np.floor(where).astype(np.intp)
    part = (where - whole).astype(np.float32)
    padded = np.pad(signal, (2, 3))
    at = np.clip(whole, -1, len(signal)) + 2
    before, here, next_, after = (padded[at + step] for step in (-1, 0, 1, 2))
    return np.asarray(
        -part * (part - 1) * (part - 2) / 6 * before
        + (part + 1) * (part - 1) * (part - 2) / 2 * here
        - (part + 1) * part * (part - 2) / 2 * next_
        + (part + 1) * part * (part - 1) / 6 * after,
        dtype=np.float32,
    )


def _fast(size: int) -> int:
    """The next size that a Fourier transform is fast at: a power of two, or one and a half of one."""
    power = 1 << max(size - 1, 1).bit_length()
    return power * 3 // 4 if size <= power * 3 // 4 else power
