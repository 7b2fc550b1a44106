"""Lays a transcript on its audio: where each word stands, and how well it fits what is heard there.

The check is independent of the recognisers: another model, by other people, that is told the words and has only to find
them. What fits ill is compared with the best that any sequence of sounds could do: acoustic log-likelihood of the words
minus that of a free loop of phones over the same frames ("goodness of pronunciation": Witt and Young, Speech
Communication 30, 2000). A noisy clip costs both alike, so that the difference means the same in every clip.

Scores are nats a frame of 10 ms; 0 is as good as any sounds, and -1 far worse. English only: the model knows no other.
"""

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from corpus.audio import RATE_HZ
from corpus.errors import Misconfigured
from curation.pronunciation import Phones, pronounce

VERSION = 1
"""Grows with whatever changes a time or a score."""

POCKETSPHINX = "pocketsphinx"

FRAMES_A_SECOND = 100
FRAME_SAMPLES = RATE_HZ // FRAMES_A_SECOND
PHONE_FRAMES = 3
"""A phone has three states, each of which takes a frame at least."""

STRETCH_FRAMES = 30
"""0.3 s, the length of a short word: over less the score is noise, over more a wrong word hides among right ones."""

COINED_MOST = 500
"""Words that the dictionary lacks and a decoder remembers, before a new one forgets them: they are somebody's words."""

LOUD_WITHIN_DB = 15.0
"""Of the loudest frames: a sound this loud is speech, or else a noise that no word should have to explain."""

_SCALE = 1024  # pocketsphinx gives the scores of its phone loop without the ten bits by which it shifts the others
_FLOOR = 1e-300
_VARIANT = re.compile(r"\(\d+\)$")
_WIDE_BEAMS = {"beam": 1e-80, "pbeam": 1e-80, "wbeam": 1e-60, "maxhmmpf": -1}
"""Wrong words are to be found somewhere and scored, and not lost on the way; this costs 1 % of real time."""


@dataclass(frozen=True, slots=True)
class AlignedWord:
    """Times are from the start of the clip, in steps of 10 ms; `score` is a frame's mean."""

    text: str
    start_s: float
    end_s: float
    score: float


@dataclass(frozen=True, slots=True)
class Alignment:
    """`score` is the mean over the frames of all words, `worst` the mean over the worst 0.3 s anywhere in the clip."""

    words: tuple[AlignedWord, ...]
    score: float
    worst: float
    total: float
    """Nats over the whole clip, its silence too: the difference of two transcripts' is the odds of one to the other."""
    outside: float
    """The share of the loud frames, 0 to 1, that no word claims."""
    is_whole: bool
    """Whether every word found a place: where the clip ended first, the last ones are missing."""


class Aligner(Protocol):
    """`align` takes 16 kHz mono samples, shape (samples,), and labels, each a guess at the same clip."""

    def align(self, samples: NDArray[np.int16], labels: Sequence[str]) -> list[Alignment | None]:
        """None where the words cannot have been said in this clip: it is too short for them, or none found a place."""


class PocketsphinxAligner:
    """Keeps two decoders, about 90 MB. One a worker: not for several threads."""

    def __init__(self, *, coined_most: int = COINED_MOST) -> None:
        """Raises `Misconfigured` where the extra `asr` is not installed."""
        try:
            import pocketsphinx
        except ImportError as error:
            raise Misconfigured("There is no pocketsphinx: install `loanword[asr]`.") from error
        self._new_decoder: Any = pocketsphinx.Decoder
        self._model = Path(pocketsphinx.__file__).parent / "model" / "en-us"
        self._loop = self._decoder(dict=None)
        self._loop.add_allphone_file("loop", None)
        self._loop.activate_search("loop")
        self._coined_most = coined_most
        self._open()

    @property
    def coined(self) -> int:
        """How many words it remembers that the dictionary lacks."""
        return self._coined

    def align(self, samples: NDArray[np.int16], labels: Sequence[str]) -> list[Alignment | None]:
        pcm, frames = np.ascontiguousarray(samples, dtype="<i2").tobytes(), len(samples) // FRAME_SAMPLES
        if self._coined > self._coined_most:
            self._open()
        found = [self._spans(pcm, self._known(label, frames)) for label in labels]
        if not any(found):
            return [None for _ in labels]
        free, loudness = self._free_scores(pcm, frames), _loudness(samples)
        return [
            _scored(spans, len(label.split()), free, loudness) if spans else None
            for spans, label in zip(found, labels, strict=True)
        ]

    def _known(self, label: str, frames: int) -> list[str]:
        """The words, each now in the dictionary; none where the clip has too few frames for their phones."""
        words = []
        for word in label.split():
            if phones := self._phones(word):
                words.append(word)
                frames -= PHONE_FRAMES * len(phones)
        return words if frames >= 0 else []

    def _phones(self, word: str) -> Phones | None:
        known = self._look_up(word)
        phones = known or pronounce(word, self._look_up)
        if phones and not known:
            self._words.add_word(word, " ".join(phones), update=False)
            self._coined += 1
        return phones

    def _look_up(self, word: str) -> Phones | None:
        found = self._words.lookup_word(word)
        return tuple(found.split()) if found else None

    def _spans(self, pcm: bytes, words: Sequence[str]) -> list["_Span"]:
        """Empty where no word found a place."""
        if not words:
            return []
        self._words.set_align_text(" ".join(words))
        _hear(self._words, pcm)
        spans = [
            _Span(_VARIANT.sub("", each.word), each.start_frame, each.end_frame, math.log(max(each.ascore, _FLOOR)))
            for each in self._words.seg() or ()
        ]
        return spans if any(span.is_word for span in spans) else []

    def _free_scores(self, pcm: bytes, frames: int) -> NDArray[np.float64]:
        """What the free loop of phones scores in each frame."""
        _hear(self._loop, pcm)
        scores = np.zeros(frames)
        for each in self._loop.seg() or ():
            length = each.end_frame - each.start_frame + 1
            scores[each.start_frame : each.end_frame + 1] = math.log(max(each.ascore, _FLOOR)) * _SCALE / length
        return scores

    def _open(self) -> None:
        self._words = self._decoder(dict=str(self._model / "cmudict-en-us.dict"), **_WIDE_BEAMS)
        self._coined = 0

    def _decoder(self, **options: object) -> Any:
        return self._new_decoder(hmm=str(self._model / "en-us"), lm=None, samprate=RATE_HZ, loglevel="FATAL", **options)


@dataclass(frozen=True, slots=True)
class _Span:
    """Frames from `start` to `end`, both included, and their log-likelihood together. Fillers are in brackets."""

    text: str
    start: int
    end: int
    nats: float

    @property
    def frames(self) -> int:
        return self.end - self.start + 1

    @property
    def is_word(self) -> bool:
        return self.text[0] not in "<[("


def load_aligner(setting: str | None) -> Aligner | None:
    """`pocketsphinx`, or none. Raises `Misconfigured`."""
    return PocketsphinxAligner() if setting == POCKETSPHINX else None


def _hear(decoder: Any, pcm: bytes) -> None:
    decoder.start_utt()
    decoder.process_raw(pcm, no_search=False, full_utt=True)
    decoder.end_utt()


def _loudness(samples: NDArray[np.int16]) -> NDArray[np.float64]:
    """Of each whole frame, in dB."""
    frames = samples[: len(samples) // FRAME_SAMPLES * FRAME_SAMPLES].astype(np.float64).reshape(-1, FRAME_SAMPLES)
    return np.asarray(10 * np.log10(np.square(frames).mean(axis=1) + 1))


def _scored(spans: Sequence[_Span], asked: int, free: NDArray[np.float64], loudness: NDArray[np.float64]) -> Alignment:
    """All arrays have a value for each frame."""
    own, in_word = np.zeros(len(free)), np.zeros(len(free), dtype=bool)
    for span in spans:
        own[span.start : span.end + 1] = span.nats / span.frames
        in_word[span.start : span.end + 1] = span.is_word
    over_free = own - free
    words = tuple(
        AlignedWord(
            span.text,
            span.start / FRAMES_A_SECOND,
            (span.end + 1) / FRAMES_A_SECOND,
            float(over_free[span.start : span.end + 1].mean()),
        )
        for span in spans
        if span.is_word
    )
    loud = loudness > np.percentile(loudness, 95) - LOUD_WITHIN_DB
    return Alignment(
        words=words,
        score=float(over_free[in_word].mean()),
        worst=_worst(over_free),
        total=float(over_free.sum()),
        outside=float((loud & ~in_word).sum() / max(1, loud.sum())),
        is_whole=len(words) == asked,
    )


def _worst(over_free: NDArray[np.float64]) -> float:
    sums = np.cumsum(np.concatenate([[0.0], over_free]))
    length = min(STRETCH_FRAMES, len(over_free))
    return float(((sums[length:] - sums[:-length]) / length).min())
