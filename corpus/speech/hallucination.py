"""Which answers of a recogniser are not believed: recognisers make up words where nobody speaks. Pure.

Whisper says "You" to silence and repeats itself on noise. What is doubted is no hypothesis: it stays empty, with the
reason. Thresholds without another source lie well beyond what people say in the tuning half of recorded speech.
"""

import zlib
from dataclasses import replace
from enum import StrEnum

from corpus.speech.heard import Heard

NO_SPEECH_AT = 0.6
"""Whisper's own threshold (Radford et al. 2022, section 4.5), and its second condition beside it:"""
UNSURE_BELOW = 0.45
"""Mean token probability (Whisper has e to the power of -1, or 0.37). Who is sure of the words is believed."""

COMPRESSES_AT = 2.4
COMPRESSIBLE_BYTES = 100
"""Whisper's own threshold on size / size of zlib's (ibid.). A shorter text is mostly its own alphabet."""

LOOP_WORDS = 8
LOOPS_AT = 4
WORD_LOOPS_AT = 12
"""So often the same words follow each other, two to `LOOP_WORDS` of them, or the same word alone. People who were asked
for a wake word say it nine times."""

MOST_WORDS_A_S = 8.0
MOST_LETTERS_A_S = 35.0
GRACE_S = 0.25
"""Twice what anybody says: the fastest of 152 recordings has 3.9 words and 15.4 letters a second. A very short clip has
some grace."""


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
    if len(encoded) >= COMPRESSIBLE_BYTES and len(encoded) / len(zlib.compress(encoded)) > COMPRESSES_AT:
        return True
    words = "".join(character if character.isalnum() else " " for character in text.lower()).split()
    phrases = range(2, LOOP_WORDS + 1)
    return _times(words, 1) >= WORD_LOOPS_AT or any(_times(words, length) >= LOOPS_AT for length in phrases)


def _times(words: list[str], length: int) -> int:
    """How often any `length` words follow each other at most, the first time counted; one word again is no phrase."""
    most = run = 0
    for at in range(length, len(words)):
        is_phrase = length == 1 or len(set(words[at - length : at])) > 1
        run = run + 1 if is_phrase and words[at] == words[at - length] else 0
        most = max(most, run)
    return most // length + 1
