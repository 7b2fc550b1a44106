"""Takes spans of time out of a recording: nothing of what was there is left, and that is proven. Pure.

Under a span the samples are silence or a tone, both of which are known to the bit, so that whoever checks need not take
anybody's word for it. What stands beside a span fades, outside it.
"""

import warnings
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray

from corpus.audio import RATE_HZ, SAMPLE_BYTES
from corpus.errors import RedactionFailed

with warnings.catch_warnings():
    warnings.simplefilter("ignore", RuntimeWarning)  # it looks for ffmpeg, which we never let it call
    from pydub import AudioSegment
    from pydub.generators import Sine

Samples = NDArray[np.int16]
"""Mono, 16 kHz, shape (samples,)."""

PADDING_S = 0.1
"""On either side of a span: word bounds are good to about that."""

FADE_MS = 10
TONE_HZ = 1000
TONE_DBFS = -20.0


class Cover(StrEnum):
    """What is put where something was taken out."""

    SILENCE = "silence"
    TONE = "tone"


@dataclass(frozen=True, slots=True, order=True)
class Stretch:
    """Samples `start` to before `stop`."""

    start: int
    stop: int


def stretches(spans_s: Iterable[tuple[float, float]], samples: int, padding_s: float = PADDING_S) -> list[Stretch]:
    """Spans of seconds as samples of a recording of that length: padded, in order, one where two would touch."""
    merged: list[Stretch] = []
    for start_s, stop_s in sorted(spans_s):
        start = max(0, int((start_s - padding_s) * RATE_HZ))
        stop = min(samples, int(np.ceil((stop_s + padding_s) * RATE_HZ)))
        if merged and start <= merged[-1].stop:
            merged[-1] = Stretch(merged[-1].start, max(stop, merged[-1].stop))
        elif start < stop:
            merged.append(Stretch(start, stop))
    return merged


def redact(samples: Samples, taken_out: Sequence[Stretch], cover: Cover) -> Samples:
    """The recording without them, as long as it was. Raises `RedactionFailed` rather than return what is not clean."""
    whole = _segment(samples)
    pieces, place = [], 0
    for stretch in taken_out:
        pieces.append(_faded(whole.get_sample_slice(place, stretch.start), begins=place > 0, ends=True))
        pieces.append(_segment(covering(stretch, cover)))
        place = stretch.stop
    pieces.append(_faded(whole.get_sample_slice(place, len(samples)), begins=place > 0, ends=False))
    redacted = np.frombuffer(b"".join(piece.raw_data for piece in pieces), dtype="<i2")
    prove(samples, redacted, taken_out, cover)
    return redacted


def prove(before: Samples, after: Samples, taken_out: Sequence[Stretch], cover: Cover) -> None:
    """Raises `RedactionFailed` unless each stretch is the cover to the bit, and all away from them is as before."""
    fade = FADE_MS * RATE_HZ // 1000
    near = np.zeros(len(before), dtype=bool)
    if len(after) != len(before):
        raise RedactionFailed
    for stretch in taken_out:
        if not np.array_equal(after[stretch.start : stretch.stop], covering(stretch, cover)):
            raise RedactionFailed
        near[max(0, stretch.start - fade) : stretch.stop + fade] = True
    if not np.array_equal(after[~near], before[~near]):
        raise RedactionFailed


def covering(stretch: Stretch, cover: Cover) -> Samples:
    """What stands over a stretch: the same samples each time."""
    size = stretch.stop - stretch.start
    if cover is Cover.SILENCE:
        return np.zeros(size, dtype="<i2")
    tone = Sine(TONE_HZ, sample_rate=RATE_HZ, bit_depth=16).to_audio_segment(
        duration=1000 * size / RATE_HZ + 1, volume=TONE_DBFS
    )
    return np.frombuffer(tone.raw_data, dtype="<i2")[:size]


def _segment(samples: Samples) -> Any:
    return AudioSegment(samples.tobytes(), sample_width=SAMPLE_BYTES, frame_rate=RATE_HZ, channels=1)


def _faded(piece: Any, *, begins: bool, ends: bool) -> Any:
    """Fades at the ends that meet a stretch, if there is room. Cut to the sample: pydub counts milliseconds."""
    size, samples = FADE_MS * RATE_HZ // 1000, int(piece.frame_count())
    if samples <= 2 * size:
        return piece
    head, body = piece.get_sample_slice(0, size), piece.get_sample_slice(size, samples - size)
    tail = piece.get_sample_slice(samples - size, samples)
    parts = [head.fade_in(FADE_MS) if begins else head, body, tail.fade_out(FADE_MS) if ends else tail]
    return _segment(np.frombuffer(b"".join(part.raw_data for part in parts), dtype="<i2"))
