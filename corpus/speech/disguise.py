"""Disguises a voice by the McAdams coefficient: moves its formants, and leaves pitch, rhythm, words, level and length.

Frame by frame, the poles of an all-pole model (linear prediction) keep their radius, and a pole at the angle φ, in
radians, moves to φ to the power of α. Below one radian (2,546 Hz at 16 kHz) an α below 1 moves a formant up, above
it down. After Patino et al., Interspeech 2021 (arXiv 2011.01130), the second baseline of the VoicePrivacy challenges,
whose window, step and order these are; their level is that of the loudest sample, ours that of the recording.

It is a disguise and no more: a listener or a program that knows of it still tells many voices apart, and
`loanword evaluate disguise` measures how many. Pure. The same samples and α give the same samples on one machine;
on another, whose linear algebra rounds otherwise, a sample may differ by one step.
"""

import numpy as np
from numpy.typing import NDArray

from corpus.audio import RATE_HZ
from corpus.windows import overlapping

METHOD = "mcadams"
VERSION = 1
"""Of the transformation. It is raised when the same α would give other samples."""

WINDOW_SAMPLES = RATE_HZ // 50
STEP_SAMPLES = WINDOW_SAMPLES // 2
ORDER = 20

SILENT_SAMPLES = RATE_HZ // 100
"""A run of zeros as long as this, 10 ms, stays zeros: nothing rings into what was silenced on purpose."""

_FLOOR = 1e-9
"""Of the energy, added to a frame's own: the model of a frame that holds one pure tone stays solvable (-90 dB)."""

_LARGEST_RADIUS = 0.9999
_LOWEST, _HIGHEST = -32768.0, 32767.0
_TINY = float(np.finfo(np.float64).tiny)

Samples = NDArray[np.int16]
Frames = NDArray[np.float64]


def mcadams(samples: Samples, alpha: float) -> Samples:
    """As many samples, of the same level unless they would clip, at 16 kHz. With an `alpha` of 1 they are the same.

    `samples` has shape (n,), n from 0. Raises `ValueError` for an `alpha` that is not above 0.
    """
    if not alpha > 0:
        raise ValueError("alpha must be above 0")
    offset = float(np.mean(samples)) if len(samples) else 0.0
    wanted = samples.astype(np.float64) - offset
    moved = _overlap_added(_moved(_framed(wanted), alpha), len(samples))
    moved = moved * _gain(wanted, moved, offset) + offset
    moved[_silenced(samples)] = 0.0
    return np.rint(moved).astype(np.int16)


def _framed(samples: NDArray[np.float64]) -> Frames:
    """(window, frames), each frame under the root of a Hann window; the first begins a step before the recording."""
    count = -(-len(samples) // STEP_SAMPLES) + 1
    padded = np.zeros((count + 1) * STEP_SAMPLES)
    padded[STEP_SAMPLES : STEP_SAMPLES + len(samples)] = samples
    frames = overlapping(padded, WINDOW_SAMPLES, STEP_SAMPLES)
    return np.ascontiguousarray(frames.T * _window()[:, None])


def _overlap_added(frames: Frames, length: int) -> NDArray[np.float64]:
    """The recording that `_framed` took apart, once the frames are windowed again."""
    windowed = frames * _window()[:, None]
    added = np.zeros((frames.shape[1] + 1, STEP_SAMPLES))
    added[:-1] += windowed[:STEP_SAMPLES].T
    added[1:] += windowed[STEP_SAMPLES:].T
    return added.reshape(-1)[STEP_SAMPLES : STEP_SAMPLES + length]


def _window() -> NDArray[np.float64]:
    """The root of a periodic Hann window: its square, shifted by half and added, is 1."""
    return np.sin(np.pi * np.arange(WINDOW_SAMPLES) / WINDOW_SAMPLES)


def _moved(frames: Frames, alpha: float) -> Frames:
    """Each frame as its residual sounds through the moved poles, with the energy it had. Silent ones stay silent."""
    energy = np.einsum("tf,tf->f", frames, frames)
    moved = np.zeros_like(frames)
    sounding = np.flatnonzero(energy > 0)
    if len(sounding):
        chosen = frames[:, sounding]
        model = _linear_prediction(chosen)
        through = _through_poles(_residual(chosen, model), _polynomial(_turned(_roots(model), alpha)))
        level = np.sqrt(energy[sounding] / np.maximum(np.einsum("tf,tf->f", through, through), _TINY))
        moved[:, sounding] = through * level
    return moved


def _linear_prediction(frames: Frames) -> Frames:
    """Coefficients (order + 1, frames), the first of them 1, by autocorrelation and Levinson's recursion.

    All roots lie within the unit circle (Makhoul 1975, "Linear prediction: a tutorial review").
    """
    correlation = [np.einsum("tf,tf->f", frames[: WINDOW_SAMPLES - lag], frames[lag:]) for lag in range(ORDER + 1)]
    model = np.zeros((ORDER + 1, frames.shape[1]))
    model[0] = 1.0
    error = correlation[0] * (1 + _FLOOR)
    for order in range(1, ORDER + 1):
        reflection = -sum(model[lag] * correlation[order - lag] for lag in range(order)) / error
        model[1 : order + 1] += reflection * model[order - 1 :: -1]
        error = error * (1 - reflection**2)
    return model


def _roots(model: Frames) -> NDArray[np.complex128]:
    """(frames, order): the eigenvalues of the companion matrices."""
    companion = np.zeros((model.shape[1], ORDER, ORDER))
    companion[:, 0, :] = -model[1:].T
    companion[:, np.arange(1, ORDER), np.arange(ORDER - 1)] = 1.0
    return np.linalg.eigvals(companion).astype(np.complex128)


def _turned(poles: NDArray[np.complex128], alpha: float) -> NDArray[np.complex128]:
    """Complex poles at their angle to the power of alpha, and never past half the rate; real ones where they are."""
    angle = np.minimum(np.abs(np.angle(poles)) ** alpha, np.pi)
    radius = np.minimum(np.abs(poles), _LARGEST_RADIUS)
    return np.where(poles.imag == 0, poles, radius * np.exp(1j * np.sign(poles.imag) * angle))


def _polynomial(roots: NDArray[np.complex128]) -> Frames:
    """(order + 1, frames): the coefficients that have these roots, which are real or come in conjugate pairs."""
    model = np.zeros((ORDER + 1, len(roots)), np.complex128)
    model[0] = 1.0
    for order in range(ORDER):
        model[1 : order + 2] -= roots[:, order] * model[: order + 1]
    return np.ascontiguousarray(model.real)


def _residual(frames: Frames, model: Frames) -> Frames:
    """What the model does not predict of each frame."""
    residual = frames.copy()
    for lag in range(1, ORDER + 1):
        residual[lag:] += model[lag] * frames[:-lag]
    return residual


def _through_poles(residual: Frames, model: Frames) -> Frames:
    """The all-pole filter of each frame over its residual: sample by sample, all frames at once."""
    backwards = np.ascontiguousarray(model[:0:-1])
    sound = np.zeros((ORDER + len(residual), residual.shape[1]))
    for at, value in enumerate(residual):
        sound[ORDER + at] = value - np.einsum("kf,kf->f", backwards, sound[at : at + ORDER])
    return sound[ORDER:]


def _gain(wanted: NDArray[np.float64], moved: NDArray[np.float64], offset: float) -> float:
    """To the level of what was there, or as much of it as does not clip beside the offset."""
    have = float(np.linalg.norm(moved))
    if not have:
        return 0.0
    level = float(np.linalg.norm(wanted)) / have
    up, down = float(np.max(moved)), float(np.min(moved))
    return min(level, (_HIGHEST - offset) / max(up, _TINY), (_LOWEST - offset) / min(down, -_TINY))


def _silenced(samples: Samples) -> NDArray[np.bool_]:
    """Which samples stand in a long run of zeros."""
    edges = np.flatnonzero(np.diff(np.concatenate(([False], samples == 0, [False])).astype(np.int8)))
    silenced = np.zeros(len(samples), np.bool_)
    for start, end in edges.reshape(-1, 2):
        silenced[start:end] = end - start >= SILENT_SAMPLES
    return silenced
