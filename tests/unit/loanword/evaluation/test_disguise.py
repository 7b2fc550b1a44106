"""What three attackers make of disguised voices, and a recogniser of their words."""

from collections.abc import Sequence

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.signal import lfilter

from corpus.errors import BadRequest
from corpus.speech.heard import Heard, Sound
from corpus.speech.hearing import Hearing
from export.disguise import Disguise, Method, Per
from loanword.evaluation.disguise import measure_attacks, measure_words
from loanword.evaluation.encoders import Statistics
from loanword.evaluation.voices import Said, voices

DISGUISE = Disguise(method=Method.MCADAMS, per=Per.SPEAKER)
SPEAKERS = 9


def said(speaker: int, piece: int, *, duration_s: float = 1.0, transcript: str = "") -> Said:
    """Noise through a throat of the speaker's own, which moves a little from piece to piece."""
    chance = np.random.default_rng([speaker, piece])
    sound = chance.normal(size=int(duration_s * 16_000))
    for low_hz, high_hz in ((300, 900), (1_000, 2_400), (2_600, 3_800)):
        throat = np.random.default_rng([speaker, low_hz])
        angle = 2 * np.pi * (throat.uniform(low_hz, high_hz) + chance.normal(0, 10)) / 16_000
        sound = lfilter([1.0], [1.0, -1.9 * np.cos(angle), 0.9025], sound)
    samples: NDArray[np.int16] = np.rint(sound / np.max(np.abs(sound)) * 20_000).astype(np.int16)
    return Said(f"speaker {speaker}", "a room", samples, transcript)


def quietly(_done: int, _all: int) -> None: ...


class Parrot:
    """Hears what it was told, in turn."""

    name = "parrot"
    sends_to = None

    def __init__(self, *texts: str) -> None:
        self._texts = list(texts)

    def speaks(self, locale: str) -> bool:
        return locale == "en-US"

    def hear(self, batch: Sequence[Sound]) -> list[Heard]:
        return [Heard(self._texts.pop(0), None) for _ in batch]


def test_a_disguise_misleads_who_does_not_know_of_it_more_than_who_does() -> None:
    recordings = [said(speaker, piece) for speaker in range(SPEAKERS) for piece in range(3)]
    done = []

    found = measure_attacks(recordings, DISGUISE, Statistics(), 1, lambda now, _: done.append(now))

    assert (found.speakers, found.same_voice, found.two_voices) == (SPEAKERS, 2 * SPEAKERS, 2 * SPEAKERS * 2)
    assert found.undisguised < 0.1
    assert found.ignorant > found.undisguised + 0.15
    assert found.semi_informed <= found.ignorant
    assert done == list(range(SPEAKERS + 1))


def test_too_few_voices_are_not_compared() -> None:
    with pytest.raises(BadRequest, match="2 speakers of one source have two recordings"):
        measure_attacks(
            [said(speaker, piece) for speaker in range(2) for piece in range(2)], DISGUISE, Statistics(), 1, quietly
        )


def test_a_voice_is_two_recordings_or_one_long_one_cut_in_two() -> None:
    recordings = [said(1, 0), said(1, 1), said(2, 0), said(3, 0, duration_s=7), said(4, 0, duration_s=0.5), said(4, 1)]

    found = voices(recordings)

    assert [(voice.speaker, len(voice.pieces), voice.enrolled) for voice in found] == [
        ("speaker 1", 2, 1),
        ("speaker 3", 2, 1),
    ]
    assert [len(piece) for piece in found[1].pieces] == [56_000, 56_000]


def test_words_are_counted_before_and_after_on_what_the_alphabet_can_spell() -> None:
    recordings = [said(1, 0, transcript="Turn on the lights."), said(2, 0), said(3, 0, transcript="caf\u00e9")]

    found = measure_words(
        recordings, DISGUISE, Hearing((Parrot("turn on the lights", "turn of lights"),)), "en-US", 1, quietly, 10
    )

    assert found is not None
    assert (found.recogniser, found.clips, found.words, found.before, found.after) == ("parrot", 1, 4, 0.0, 0.5)


def test_without_a_transcript_no_words_are_counted() -> None:

    assert measure_words([said(1, 0)], DISGUISE, Hearing((Parrot(),)), "en-US", 1, quietly, 10) is None
