"""What a recogniser is given and what it answers. Every recogniser keeps to this protocol, wherever it runs."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

NAME_MAX_CHARACTERS = 64
"""The column that keeps a recogniser's name."""


@dataclass(frozen=True, slots=True, eq=False)
class Sound:
    """A clip to be heard: 16 kHz mono samples, shape (samples,), and what is spoken in it, such as `en-US`."""

    samples: NDArray[np.int16]
    locale: str
    may_be_sent_to: Callable[[str], bool] = lambda _host: False
    """Whether it may go to this other machine now. It is asked of each clip, just before that is sent."""


@dataclass(frozen=True, slots=True)
class Word:
    """Times are from the start of the clip, good to about 0.1 s. `confidence` is a probability."""

    text: str
    start_s: float
    end_s: float
    confidence: float


@dataclass(frozen=True, slots=True)
class Heard:
    """`text` as the recogniser writes it; empty, without confidence, where nothing was heard or believed.

    `confidence` is the mean token probability: e to the mean of their logarithms. `no_speech` is the probability that
    nobody speaks. Both are None for a recogniser that does not tell, and `words` are empty.
    """

    text: str
    confidence: float | None = None
    words: tuple[Word, ...] = ()
    no_speech: float | None = None
    doubt: str | None = None
    """Why what was heard is not believed, or why nothing was (`corpus/speech/hallucination.py`)."""


class Recogniser(Protocol):
    """Hears what is said. `name` tells hypotheses apart."""

    @property
    def name(self) -> str: ...

    @property
    def sends_to(self) -> str | None:
        """The host that it sends clips to; None where they stay on this machine."""

    def speaks(self, locale: str) -> bool:
        """Whether it may be asked about clips of this locale."""

    def hear(self, batch: Sequence[Sound]) -> list[Heard]:
        """One answer for each clip, in their order. Raises `Transient` where the recogniser is out of reach."""
