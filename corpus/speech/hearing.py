"""What several recognisers hear in the same clips: nobody is asked about silence, and nobody believed beyond reason.

The first recogniser that is configured is the default, and each further one another opinion.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from corpus.audio import RATE_HZ
from corpus.errors import Misconfigured
from corpus.settings import named_recognisers
from corpus.speech.detector import SpeechDetector
from corpus.speech.hallucination import Doubt, believed, nothing
from corpus.speech.heard import Heard, Recogniser, Sound
from corpus.speech.recognisers.moonshine import MOONSHINE, MoonshineRecogniser
from corpus.speech.recognisers.server import ServerRecogniser
from corpus.speech.recognisers.whisper import TINY_ENGLISH, WhisperRecogniser, load_tiny_english

WORTH_ASKING_AT = 0.5
"""The probability of speech that one chunk must reach: the detector's authors' own threshold."""


@dataclass(frozen=True, slots=True)
class Opinion:
    """What one recogniser heard."""

    recogniser: str
    heard: Heard


@dataclass(frozen=True, slots=True)
class Hearing:
    """Recognisers in their order, behind one gate: what a detector hears no speech in is put before none of them."""

    recognisers: tuple[Recogniser, ...]
    detector: SpeechDetector | None = None

    def hear(self, batch: Sequence[Sound]) -> list[list[Opinion]]:
        """For each clip the opinions of those who speak its language and may be sent it, in the recognisers' order.

        Raises `Transient` where one of them is out of reach.
        """
        opinions: list[list[Opinion]] = [[] for _ in batch]
        spoken = self.speech_in(batch)
        for recogniser in self.recognisers:
            asked = {at: sound for at, sound in enumerate(batch) if recogniser.speaks(sound.locale)}
            heard = _heard(recogniser, {at: sound for at, sound in asked.items() if spoken[at]})
            for at, sound in asked.items():
                if not spoken[at]:
                    opinions[at].append(Opinion(recogniser.name, nothing(Doubt.SILENCE)))
                elif at in heard:
                    opinions[at].append(Opinion(recogniser.name, believed(heard[at], len(sound.samples) / RATE_HZ)))
        return opinions

    def speech_in(self, batch: Sequence[Sound]) -> list[bool]:
        """Which clips pass the gate."""
        if self.detector is None:
            return [len(sound.samples) > 0 for sound in batch]
        probabilities = self.detector.speech([sound.samples for sound in batch])
        return [bool((each >= WORTH_ASKING_AT).any()) for each in probabilities]


def _heard(recogniser: Recogniser, sounds: Mapping[int, Sound]) -> dict[int, Heard]:
    """What it hears in these clips, by their place; nothing of those that may not be sent to it."""
    host = recogniser.sends_to
    if host is None:
        return dict(zip(sounds, recogniser.hear(list(sounds.values())), strict=True))
    return {at: recogniser.hear([sound])[0] for at, sound in sounds.items() if sound.may_be_sent_to(host)}


def load_hearing(
    setting: str | None, detector: SpeechDetector | None, *, locale: str, cpu_threads: int = 1
) -> Hearing | None:
    """By the setting: names, directories and addresses with commas between them; or nobody at all.

    `locale` is what is spoken where nothing else is said. Raises `RecogniserMissing` and `Misconfigured`.
    """
    wanted = named_recognisers(setting)
    if not wanted:
        return None
    recognisers = tuple(_load(each, locale, cpu_threads) for each in wanted)
    if len({each.name for each in recognisers}) < len(recognisers):
        raise Misconfigured("LOANWORD_RECOGNISER names two recognisers of the same name.")
    return Hearing(recognisers, detector)


def _load(each: str, locale: str, cpu_threads: int) -> Recogniser:
    if each == TINY_ENGLISH:
        return load_tiny_english(cpu_threads=cpu_threads)
    if each == MOONSHINE:
        return MoonshineRecogniser()
    if "://" in each:
        return ServerRecogniser(each, locale)
    directory = Path(each)
    if not directory.is_dir():
        raise Misconfigured(
            f"LOANWORD_RECOGNISER names {each}: that is neither `{TINY_ENGLISH}` nor `{MOONSHINE}`, nor an address, "
            "nor a directory that is there."
        )
    return WhisperRecogniser(directory, f"whisper-{directory.resolve().name}", cpu_threads=cpu_threads)
