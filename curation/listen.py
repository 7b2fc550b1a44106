"""How much speech a detector hears in clips. Pure, but for the detector that it is handed.

The detector costs more than all other measures together, so it listens to as much as it takes: first to the part of a
clip that stands out most from its pauses, then to how it begins, and to the whole only where both leave it unsure.
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from corpus.audio import RATE_HZ
from corpus.speech.detector import CHUNK_SAMPLES, SpeechDetector
from curation.measure import Samples, dbfs
from curation.measurements import Measurements

CHUNK_S = CHUNK_SAMPLES / RATE_HZ

COUNTS_AS_SPEECH_AT = 0.3
"""The probability from which a chunk counts as speech. At 0.5, 7 of 496 recordings of speech seem to have none; at 0.3
it is 2, for 45 instead of 50 noises of 54 that are told from speech."""

LIVELIEST_CHUNKS = 16
"""Half a second. Listening no further loses some 30 of 496 recordings, whose loudest part is a noise; with the other
looks 2 are lost, as when all are listened to wholly, and more than half the listening is saved."""
FIRST_CHUNKS = 48
"""A second and a half. The detector hears there what it would hear there of the whole, so this look changes no verdict,
but only how much speech is known of."""
SURE_S = 0.2
"""So much speech in what was listened to settles it: more than the stage `speech` asks for."""

_MEAN = np.full(CHUNK_SAMPLES, 1 / CHUNK_SAMPLES, np.float32)


def listen(detector: SpeechDetector, batch: Sequence[Samples], measured: Sequence[Measurements]) -> list[Measurements]:
    """The measurements of these clips with what the detector hears."""
    after, unsure = list(measured), list(range(len(batch)))
    for part_of in (_most_lively, _beginning, _whole):
        parts = [part_of(batch[at]) for at in unsure]
        heard = _heard(detector, parts, [measured[at] for at in unsure])
        for at, clip in zip(unsure, heard, strict=True):
            after[at] = clip
        unsure = [
            at
            for at, clip, part in zip(unsure, heard, parts, strict=True)
            if (clip.speech_s or 0) < SURE_S and len(part) < len(batch[at])
        ]
    return after


def _heard(detector: SpeechDetector, batch: Sequence[Samples], measured: Sequence[Measurements]) -> list[Measurements]:
    answers = detector.speech(batch) if batch else []
    return [
        replace(
            clip,
            heard_s=round(len(samples) / RATE_HZ, 4),
            speech_s=round(min(np.count_nonzero(answer >= COUNTS_AS_SPEECH_AT) * CHUNK_S, len(samples) / RATE_HZ), 4),
        )
        for clip, samples, answer in zip(measured, batch, answers, strict=True)
    ]


def _most_lively(samples: Samples) -> Samples:
    """The half second that stands highest above the pauses, by the sum of its levels: one bang does not make it."""
    chunks = len(samples) // CHUNK_SAMPLES
    if chunks <= LIVELIEST_CHUNKS:
        return samples
    signal = samples[: chunks * CHUNK_SAMPLES].reshape(chunks, CHUNK_SAMPLES).astype(np.float32)
    mean, square = signal @ _MEAN, np.einsum("ij,ij->i", signal, signal) / CHUNK_SAMPLES
    level = dbfs((square - np.square(mean)) / 32_768**2)
    above = np.maximum(level - np.partition(level, chunks // 10)[chunks // 10], 0)
    sums = np.convolve(above, np.ones(LIVELIEST_CHUNKS), "valid")
    start = int(np.argmax(sums)) * CHUNK_SAMPLES
    return samples[start : start + LIVELIEST_CHUNKS * CHUNK_SAMPLES]


def _beginning(samples: Samples) -> Samples:
    return samples[: FIRST_CHUNKS * CHUNK_SAMPLES]


def _whole(samples: Samples) -> Samples:
    return samples
