"""Moonshine tiny, whose model comes inside `moonshine-voice`: a second opinion from a network unlike Whisper.

English only, without word times or confidence. It writes digits, which an alphabet reads out.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from corpus.alphabet import language_of
from corpus.audio import RATE_HZ
from corpus.errors import Misconfigured, RecogniserMissing
from corpus.speech.hallucination import Doubt, nothing
from corpus.speech.heard import Heard, Sound

MOONSHINE = "moonshine"

OPTIONS = {"vad_threshold": "0", "return_audio_data": "false"}
"""The clip is heard whole. Cut up by Moonshine's own gate, 25 clips of LibriSpeech have 8.5 % of their words wrong
against 5.5 %, and 25 telephone calls 39 % against 31 %."""


class MoonshineRecogniser:
    """One transcriber, used clip by clip. It chooses its threads itself."""

    name = "moonshine-tiny.en"
    sends_to = None

    def __init__(self) -> None:
        """Raises `RecogniserMissing`, and `Misconfigured` where the model does not load."""
        try:  # not from the package itself, whose microphone wants PortAudio
            from moonshine_voice.errors import MoonshineError
            from moonshine_voice.moonshine_api import ModelArch
            from moonshine_voice.transcriber import Transcriber
            from moonshine_voice.utils import get_model_path
        except (ImportError, OSError) as error:
            raise RecogniserMissing from error
        self._error = MoonshineError
        try:
            self._transcriber: Any = Transcriber(get_model_path("tiny-en"), ModelArch.TINY, options=OPTIONS)
        except MoonshineError as error:
            raise Misconfigured(f"Moonshine cannot load its model: {error}") from error

    def speaks(self, locale: str) -> bool:
        return language_of(locale) == "en"

    def hear(self, batch: Sequence[Sound]) -> list[Heard]:
        return [self._hear(sound) for sound in batch]

    def _hear(self, sound: Sound) -> Heard:
        audio = sound.samples.astype(np.float32) / np.float32(32768)
        try:
            lines = self._transcriber.transcribe_without_streaming(audio, RATE_HZ).lines
        except self._error:  # of a clip shorter than its window, above all
            return nothing(Doubt.RECOGNISER_FAILED)
        return Heard(" ".join(line.text.strip() for line in lines).strip())
