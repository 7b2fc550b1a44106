"""Which answers of a recogniser are not believed: recognisers make up words where nobody speaks. Pure.

Whisper says "You" to silence and repeats itself on noise. What is doubted is no hypothesis: it stays empty, with the
reason. The thresholds were chosen on the tuning half of recorded speech and noise (docs/curation.md).
"""

import zlib
from dataclasses import replace
from enum import StrEnum

from corpus.speech.heard import Heard

NO_SPEECH_AT = 0.6
"""Whisper's own threshold (Radford et al. 2022, section 4.5), and its second condition beside it:"""
UNSURE_BELOW = 0.45
"""Mean token probability; a voice that is heard well goes with a false "nobody speaks" and is believed."""

COMPRESSES_AT = 2.4
"""Whisper's own threshold on size / size of zlib's (ibid.)"""

LOOP_WORDS = 8
LOOPS_AT = 4
"""So often the same words follow each other, `LOOP_WORDS` of them at most; a single word may twice as often."""

MOST_WORDS_A_S = 8.0
MOST_LETTERS_A_S = 35.0
GRACE_S = 0.25
"""Nobody says more; the fastest of 1,035 recordings says 5.5 words a second. A very short clip has some grace."""


class Doubt(StrEnum):
    """Why words that were heard are not believed."""

    SILENCE = "silence"
    """The speech gate found nobody speaking, and the recogniser was not asked."""
    NO_SPEECH = "no_speech"
    """The recogniser itself thought that nobody speaks, and was not sure of its words."""
    REPEATS = "repeats"
    TOO_FAST = "too_fast"
    """More words than anybody can say in that time."""
    RECOGNISER_FAILED = "recogniser_failed"
    """It could not make anything of this clip."""


def nothing(doubt: Doubt) -> Heard:
    return Heard("", doubt=doubt.value)


def believed(heard: Heard, duration_s: float) -> Heard:
    """The answer, or an empty one with the reason for it. `duration_s` is of the clip."""
    doubt = _doubt(heard, duration_s) if heard.text else None
    if doubt is None:
        return heard
    return replace(heard, text="", words=(), confidence=None, doubt=doubt.value)


def _doubt(heard: Heard, duration_s: float) -> Doubt | None:
    unsure = heard.confidence is not None and heard.confidence < UNSURE_BELOW
    if heard.no_speech is not None and heard.no_speech > NO_SPEECH_AT and unsure:
        return Doubt.NO_SPEECH
    if is_loop(heard.text):
        return Doubt.REPEATS
    words, letters = len(heard.text.split()), sum(character.isalpha() for character in heard.text)
    spoken_s = duration_s + GRACE_S
    too_fast = words > MOST_WORDS_A_S * spoken_s or letters > MOST_LETTERS_A_S * spoken_s
    return Doubt.TOO_FAST if too_fast else None


def is_loop(text: str) -> bool:
    """Whether a text goes round and round."""
    encoded = text.encode()
    if len(encoded) > 3 * len(zlib.compress(b"")) and len(encoded) / len(zlib.compress(encoded)) > COMPRESSES_AT:
        return True
    words = "".join(character if character.isalnum() else " " for character in text.lower()).split()
    return any(_times(words, length) >= (2 * LOOPS_AT if length == 1 else LOOPS_AT) for length in range(1, LOOP_WORDS))


def _times(words: list[str], length: int) -> int:
    """How often any `length` words follow each other at most, the first time counted."""
    most = run = 0
    for at in range(length, len(words)):
        run = run + 1 if words[at] == words[at - length] else 0
        most = max(most, run)
    return most // length + 1
