"""An acoustic fingerprint made for half a second to ten seconds of speech: what another copy is looked for by. Pure.

A clip is described around each of its 10 ms frames by a hash of 36 bits: the signs of the lowest coefficients of a
two-dimensional cosine transform over 0.4 s of 16 bands between 250 and 3,400 Hz (Haitsma and Kalker, "A highly robust
audio fingerprinting system", ISMIR 2002, take signs of differences of bands; cosines are smoother, and so hold under a
shift of half a frame or one per cent of speed). A gain moves no sign. Noise does: the cube root of power and the
steady floor of each band, subtracted, let what is loud decide.

Few are kept of a clip: `KEPT` hashes, those whose bits stand furthest from turning. A newcomer asks with the hashes of
all its frames, also with each of their two least certain bits turned. Whatever frame a kept hash stems from, the copy
has asked there. A fingerprint proposes and never decides: `curation.same_recording` does, sample by sample.
"""

from dataclasses import dataclass

import numpy as np
import scipy.fft
from numpy.typing import NDArray

from corpus.audio import RATE_HZ

VERSION = 1
"""Grows whenever a hash comes out otherwise: hashes of two versions say nothing about each other."""

KEPT = 16
APART_FRAMES = 4
"""Kept hashes are at least this far apart, or they would say the same thing."""

HOP_SAMPLES = 160
FRAME_SAMPLES = 512
PATCH_FRAMES = 40
BANDS = 16
LOWEST_HZ, HIGHEST_HZ = 250.0, 3_400.0  # what a telephone lets through
ORDERS = 7
BITS = 36
POWER = 1 / 3
FLOOR_QUANTILE, FLOOR_TIMES = 0.2, 2.0
EVENNESS = 0.3  # bands are made even by their mean, plus this share of the loudest band's: faint ones are noise
FAINT = 0.05  # of the strongest patch: what is fainter has no hash

TICK_FRAMES = 4
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
    strength = np.sqrt(np.square(coefficients).sum(axis=1))
    frames = np.flatnonzero(strength > FAINT * strength.max(initial=0.0))
    coefficients = coefficients[frames]
    if not len(frames):
        return NONE
    spread = np.sqrt(np.square(coefficients).mean(axis=0)) + np.float32(1e-12)
    certainty = np.abs(coefficients) / spread
    values = (coefficients > 0) @ (np.uint64(1) << np.arange(BITS, dtype=np.uint64))
    return Fingerprint(_kept(values, frames, certainty.min(axis=1)), _asked(values, frames, certainty))


def _kept(values: NDArray[np.uint64], frames: NDArray[np.intp], certainty: NDArray[np.float32]) -> Hashes:
    """The most certain hashes, apart from each other, and none twice."""
    chosen, taken = list[int](), np.zeros(int(frames[-1]) + APART_FRAMES + 1, dtype=bool)
    seen = set[int]()
    for place in np.argsort(-certainty, kind="stable"):
        frame, value = int(frames[place]), int(values[place])
        if taken[frame] or value in seen:
            continue
        chosen.append(int(place))
        seen.add(value)
        taken[max(0, frame - APART_FRAMES + 1) : frame + APART_FRAMES] = True
        if len(chosen) == KEPT:
            break
    return Hashes(values[chosen], frames[chosen] // TICK_FRAMES)


def _asked(values: NDArray[np.uint64], frames: NDArray[np.intp], certainty: NDArray[np.float32]) -> Hashes:
    """Every frame's hash, and those with either or both of the two least certain bits turned."""
    doubtful = np.argpartition(certainty, 1, axis=1)[:, :2].astype(np.uint64)
    first, second = (np.uint64(1) << doubtful).T
    every = np.concatenate([values, values ^ first, values ^ second, values ^ first ^ second])
    distinct, where = np.unique(every, return_index=True)
    return Hashes(distinct, frames[where % len(frames)] // TICK_FRAMES)


def _patterns(samples: NDArray[np.int16]) -> NDArray[np.float32]:
    """The bands of each frame, shape (frames, bands), without level, floor and colour, and silence around."""
    padding = PATCH_FRAMES // 2
    signal = np.pad(samples.astype(np.float32), (0, FRAME_SAMPLES))
    windows = np.lib.stride_tricks.sliding_window_view(signal, FRAME_SAMPLES)[::HOP_SAMPLES]
    spectra = scipy.fft.rfft(windows * _WINDOW, axis=1)[:, : len(_FILTERS)]
    power = (np.square(spectra.real) + np.square(spectra.imag)) @ _FILTERS
    power = np.maximum(power - FLOOR_TIMES * np.quantile(power, FLOOR_QUANTILE, axis=0), 0)
    loudness = (power / max(float(power.max()), 1.0)) ** POWER
    total = loudness.sum(axis=1)
    colour = loudness[total >= np.median(total)].mean(axis=0)
    even = loudness / (colour + EVENNESS * colour.max() + 1e-9)
    return np.pad(even, ((padding, padding), (0, 0))).astype(np.float32)


def _coefficients(patterns: NDArray[np.float32]) -> NDArray[np.float32]:
    """The transform around each frame, shape (frames, bits): over bands first, then over time."""
    over_bands = np.ascontiguousarray((patterns @ _BAND_COSINES).T)  # (orders, frames)
    patches = np.lib.stride_tricks.sliding_window_view(over_bands, PATCH_FRAMES, axis=1)
    both = patches @ _TIME_COSINES  # (orders over bands, frames, orders over time)
    return np.stack([both[band, :, time] for time, band in _PAIRS], axis=1)


def _filters() -> NDArray[np.float32]:
    """Triangles, evenly spaced in mel (O'Shaughnessy, "Speech Communication", 1987), shape (bins, bands)."""
    hz = np.arange(FRAME_SAMPLES // 2 + 1) * RATE_HZ / FRAME_SAMPLES
    edges = np.linspace(_mel(np.array(LOWEST_HZ)), _mel(np.array(HIGHEST_HZ)), BANDS + 2)
    mel = _mel(hz[hz <= HIGHEST_HZ])[:, None]
    rising, falling = (mel - edges[:-2]) / np.diff(edges)[:-1], (edges[2:] - mel) / np.diff(edges)[1:]
    return np.maximum(np.minimum(rising, falling), 0).astype(np.float32)


def _mel(hz: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(2595 * np.log10(1 + hz / 700))


def _time_cosines() -> NDArray[np.float32]:
    """Shape (frames of a patch, orders): fading out at both ends, and blind to what is constant from the first on."""
    place = (np.arange(PATCH_FRAMES) + 0.5) / PATCH_FRAMES
    fade = np.sqrt(np.hanning(PATCH_FRAMES + 2)[1:-1])
    cosines = np.cos(np.pi * np.outer(place, np.arange(ORDERS))) * fade[:, None]
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


_WINDOW = np.hanning(FRAME_SAMPLES).astype(np.float32)
_FILTERS = _filters()
_TIME_COSINES, _BAND_COSINES, _PAIRS = _time_cosines(), _band_cosines(), _pairs()
