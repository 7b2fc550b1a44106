"""An acoustic fingerprint made for half a second to ten seconds of speech: what another copy is looked for by. Pure.

A clip is described every 10 ms by a hash of 36 bits: the signs of the lowest coefficients of a two-dimensional cosine
transform over 0.4 s of 16 bands between 250 and 3,400 Hz. Haitsma and Kalker ("A highly robust audio fingerprinting
system", ISMIR 2002) take signs of differences of bands; cosines are smoother, and so hold under a shift of half a frame
or one per cent of speed, and can be taken between frames: spectra are 20 ms apart. A gain moves no sign. Noise does:
the cube root of power and the steady floor of each band, subtracted, let what is loud decide.

Few are kept of a clip: `KEPT` hashes, those whose bits stand furthest from turning. A newcomer asks with those of
`ASKED` places, also with either of their two least certain bits turned: what is certain enough to be kept of a clip is
nearly always among the most certain of a copy. A fingerprint proposes and never decides: that is done sample by sample,
by `curation.same_recording`.
"""

from dataclasses import dataclass

import numpy as np
import scipy.fft
from numpy.typing import NDArray

from corpus.audio import RATE_HZ
from corpus.windows import overlapping

VERSION = 2
"""Grows whenever a hash comes out otherwise: hashes of two versions say nothing about each other."""

KEPT = 16
APART = 4
"""Places, of 10 ms. Kept hashes are at least this far apart, or they would say the same thing."""
ASKED = 2 * APART * KEPT
"""The most certain places. Where no hash comes twice, all that are kept stand among them. On the half that thresholds
are chosen on, as many of 1,650 copies come up as if every place were asked, also with both bits turned, which takes
twice the hashes; with 64 places, six fewer. On the other half two fewer are found."""

HOP_SAMPLES = 320
FRAME_SAMPLES = 768
PATCH_FRAMES = 20
BANDS = 16
LOWEST_HZ, HIGHEST_HZ = 250.0, 3_400.0  # what a telephone lets through
ORDERS = 7
BITS = 36
GROUP_FRAMES = 8
POWER = 1 / 3
FLOOR_QUANTILE, FLOOR_TIMES = 0.2, 2.0
EVENNESS = 0.3  # bands are made even by their mean, plus this share of the loudest band's: faint ones are noise
FAINT = 0.05  # of the strongest patch: what is fainter has no hash

TICK_PLACES = 4
"""Hashes remember where they stand to 40 ms: the true ones among hits agree about the lag."""


@dataclass(frozen=True, slots=True, eq=False)
class Hashes:
    """Hash values below 2^36, shape (hashes,), without repetition, and where each stands, in ticks of 40 ms."""

    values: NDArray[np.uint64]
    ticks: NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Fingerprint:
    """`kept` is what is stored of a clip, `asked` what others are looked for by."""

    kept: Hashes
    asked: Hashes


NO_HASHES = Hashes(np.zeros(0, np.uint64), np.zeros(0, np.int64))
NONE = Fingerprint(NO_HASHES, NO_HASHES)
"""Of a clip by which nothing can be found."""


def fingerprint(samples: NDArray[np.int16]) -> Fingerprint:
    """Of mono 16 kHz samples, shape (samples,). Nothing of a clip without sound."""
    coefficients = _coefficients(_patterns(samples))
    power = np.einsum("ij,ij->j", coefficients, coefficients)
    places = np.flatnonzero(power > FAINT**2 * power.max())
    if not len(places):
        return NONE
    coefficients = coefficients.take(places, axis=1)  # indexing lays them out place by place: all else were slower
    spread = np.sqrt(np.einsum("ij,ij->i", coefficients, coefficients) / len(places)) + np.float32(1e-12)
    certainty = np.abs(coefficients) * (1 / spread)[:, np.newaxis]
    values = (_BIT_VALUES @ (coefficients > 0)).astype(np.uint64)
    worst = certainty.min(axis=0)
    kept = _kept(values, places, worst)
    if len(places) > ASKED:
        most = np.sort(np.argpartition(worst, -ASKED)[-ASKED:])
        values, places, certainty = values[most], places[most], certainty[:, most]
    return Fingerprint(kept, _asked(values, places, certainty))


def _kept(values: NDArray[np.uint64], places: NDArray[np.intp], certainty: NDArray[np.float32]) -> Hashes:
    """The most certain hashes, apart from each other, and none twice. `certainty` is of each hash's worst bit."""
    ordered = np.sort((certainty.view(np.int32).astype(np.int64) << 32) | np.arange(len(certainty)))
    best = ordered[::-1] & 0xFFFF_FFFF
    chosen, taken, seen = list[int](), set[int](), set[int]()
    for index in best.tolist():
        place, value = int(places[index]), int(values[index])
        if place in taken or value in seen:
            continue
        chosen.append(index)
        seen.add(value)
        taken.update(range(place - APART + 1, place + APART))
        if len(chosen) == KEPT:
            break
    return Hashes(values[chosen], places[chosen] // TICK_PLACES)


def _asked(values: NDArray[np.uint64], places: NDArray[np.intp], certainty: NDArray[np.float32]) -> Hashes:
    """Each place's hash, and those with either of its two least certain bits turned.

    `certainty` has shape (bits, places). A bit's number replaces the last six bits of its certainty, and where a hash
    stands is written below its value: the least of each column, and the first of what is equal, then come of one
    minimum and one sort.
    """
    numbered = (certainty.view(np.int32) & ~63) | np.arange(BITS, dtype=np.int32)[:, np.newaxis]
    least = numbered.min(axis=0)
    next_least = np.where(numbered == least, np.iinfo(np.int32).max, numbered).min(axis=0)
    first, second = (np.uint64(1) << (each & 63).astype(np.uint64) for each in (least, next_least))
    every = np.concatenate([values, values ^ first, values ^ second])
    standing = np.sort((every << _STANDING_BITS) | np.arange(len(every), dtype=np.uint64))
    distinct = standing >> _STANDING_BITS
    is_first = np.concatenate([[True], distinct[1:] != distinct[:-1]])
    where = (standing[is_first] & ((np.uint64(1) << _STANDING_BITS) - np.uint64(1))).astype(np.intp)
    return Hashes(distinct[is_first], places[where % len(places)] // TICK_PLACES)


def _patterns(samples: NDArray[np.int16]) -> NDArray[np.float32]:
    """The bands of each frame without level, floor and colour, over bands transformed: shape (orders, frames)."""
    signal = np.zeros(len(samples) + FRAME_SAMPLES, np.float32)
    signal[: len(samples)] = samples
    spectra = scipy.fft.rfft(overlapping(signal, FRAME_SAMPLES, HOP_SAMPLES) * _WINDOW, axis=1)
    parts = spectra.view(np.float32)[:, : len(_PART_FILTERS)]  # real and imaginary, by turns
    power = np.ascontiguousarray((np.square(parts) @ _PART_FILTERS).T)  # (bands, frames)
    power = np.maximum(power - FLOOR_TIMES * _quantile(power), 0)
    loudness = (power / max(float(power.max()), 1.0)) ** np.float32(POWER)
    total = loudness.sum(axis=0)
    middle = len(total) // 2
    is_loud = (total >= np.partition(total, middle)[middle]).astype(np.float32)
    colour = loudness @ is_loud / is_loud.sum()
    even = colour + EVENNESS * colour.max() + np.float32(1e-9)
    return np.asarray((_BAND_COSINES / even[:, np.newaxis]).T @ loudness, np.float32)


def _quantile(power: NDArray[np.float32]) -> NDArray[np.float32]:
    """The floor of each band, shape (bands, 1): `numpy.quantile` takes as long as the spectra."""
    at = FLOOR_QUANTILE * (power.shape[1] - 1)
    low = int(at)
    beside = np.sort(power, axis=1)[:, low : low + 2]
    return beside[:, :1] + (beside[:, -1:] - beside[:, :1]) * np.float32(at - low)


def _coefficients(patterns: NDArray[np.float32]) -> NDArray[np.float32]:
    """The transform over time around each place, with silence around: shapes (orders, frames) → (bits, places).

    A place lies a quarter of a hop before each frame, and one as far after it. `GROUP_FRAMES` frames are taken at once:
    they look at nearly the same.
    """
    frames = patterns.shape[1]
    groups = -(-frames // GROUP_FRAMES)
    padded = np.zeros((ORDERS, groups * GROUP_FRAMES + PATCH_FRAMES), np.float32)
    padded[:, PATCH_FRAMES // 2 : PATCH_FRAMES // 2 + frames] = patterns
    seen = np.ascontiguousarray([overlapping(order, GROUP_FRAMES + PATCH_FRAMES, GROUP_FRAMES) for order in padded])
    both = seen.reshape(ORDERS * groups, -1) @ _GROUP_COSINES  # (… × groups, orders over time × places of a group)
    by_order = both.reshape(ORDERS, groups, ORDERS, 2 * GROUP_FRAMES).transpose(2, 0, 1, 3)
    return by_order[_TIME_ORDERS, _BAND_ORDERS].reshape(BITS, -1)[:, : 2 * frames]


def _filters() -> NDArray[np.float32]:
    """Triangles, evenly spaced in mel (O'Shaughnessy, "Speech Communication", 1987), shape (bins, bands)."""
    hz = np.arange(FRAME_SAMPLES // 2 + 1) * RATE_HZ / FRAME_SAMPLES
    edges = np.linspace(_mel(np.array(LOWEST_HZ)), _mel(np.array(HIGHEST_HZ)), BANDS + 2)
    mel = _mel(hz[hz <= HIGHEST_HZ])[:, None]
    rising, falling = (mel - edges[:-2]) / np.diff(edges)[:-1], (edges[2:] - mel) / np.diff(edges)[1:]
    return np.maximum(np.minimum(rising, falling), 0).astype(np.float32)


def _mel(hz: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(2595 * np.log10(1 + hz / 700))


def _time_cosines(offset: float) -> NDArray[np.float32]:
    """Shape (frames of a patch, orders), the first frame so many frames after the patch begins.

    They fade out at both ends, and are blind to what is constant from the first order on.
    """
    place = (np.arange(PATCH_FRAMES) + offset) / PATCH_FRAMES
    cosines = np.cos(np.pi * np.outer(place, np.arange(ORDERS))) * np.sin(np.pi * place)[:, np.newaxis]
    cosines[:, 1:] -= cosines[:, 1:].mean(axis=0)
    return np.asarray(cosines / np.linalg.norm(cosines, axis=0), dtype=np.float32)


def _band_cosines() -> NDArray[np.float32]:
    """Shape (bands, orders)."""
    cosines = np.cos(np.pi * np.outer((np.arange(BANDS) + 0.5) / BANDS, np.arange(ORDERS)))
    return np.asarray(cosines / np.linalg.norm(cosines, axis=0), dtype=np.float32)


def _pairs() -> list[tuple[int, int]]:
    """Orders over time and over bands, lowest together first; never the mean of the whole patch."""
    every = [(time, band) for time in range(ORDERS) for band in range(ORDERS) if time + band > 0]
    return sorted(every, key=lambda pair: (pair[0] ** 2 + pair[1] ** 2, pair))[:BITS]


def group_cosines() -> NDArray[np.float32]:
    """Those of time for each place of a group: shape (frames seen, orders × places)."""
    shifted = np.zeros((GROUP_FRAMES + PATCH_FRAMES, ORDERS, 2 * GROUP_FRAMES), np.float32)
    for frame in range(GROUP_FRAMES):
        shifted[frame : frame + PATCH_FRAMES, :, 2 * frame] = _time_cosines(0.25)
        shifted[frame + 1 : frame + 1 + PATCH_FRAMES, :, 2 * frame + 1] = _time_cosines(0.75)
    return shifted.reshape(len(shifted), -1)


_WINDOW = np.hanning(FRAME_SAMPLES).astype(np.float32)
_FILTERS = _filters()
_PART_FILTERS = np.repeat(_FILTERS, 2, axis=0)
_GROUP_COSINES, _BAND_COSINES = group_cosines(), _band_cosines()
_TIME_ORDERS, _BAND_ORDERS = (list(orders) for orders in zip(*_pairs(), strict=True))
_BIT_VALUES = 2.0 ** np.arange(BITS)
_STANDING_BITS = np.uint64(64 - BITS)
