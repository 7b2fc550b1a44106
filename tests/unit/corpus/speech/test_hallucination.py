"""Which answers of a recogniser are not believed."""

import pytest

from corpus.speech.hallucination import Doubt, believed, is_loop
from corpus.speech.heard import Heard, Word

LIGHTS = Heard("turn on the lights", 0.9, (Word("turn", 0.1, 0.3, 0.9),), 0.01)


def test_what_is_said_clearly_is_believed() -> None:
    assert believed(LIGHTS, 1.5) == LIGHTS


def test_what_is_not_believed_stays_empty_and_says_why() -> None:
    answer = believed(Heard("You", 0.2, (Word("You", 0.0, 2.0, 0.2),), 0.9), 2.0)

    assert answer == Heard("", None, (), 0.9, Doubt.NO_SPEECH)


def test_words_that_are_sure_are_believed_though_silence_seemed_probable() -> None:
    assert believed(Heard("stop", 0.8, no_speech=0.9), 1.0).text == "stop"


@pytest.mark.parametrize(
    ("text", "duration_s"),
    [
        pytest.param("thank you for watching and please subscribe", 0.4, id="words"),
        pytest.param("internationalisation considerations", 0.3, id="letters"),
    ],
)
def test_more_than_anybody_can_say_is_not_believed(text: str, duration_s: float) -> None:
    assert believed(Heard(text, 0.9), duration_s).doubt == Doubt.TOO_FAST


def test_a_word_in_a_very_short_clip_is_believed() -> None:
    assert believed(Heard("stop", 0.9), 0.3).text == "stop"


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("I'm going to " * 4, id="a-phrase-four-times"),
        pytest.param("oh, " * 12, id="a-word-twelve-times"),
        pytest.param("it said " + "the same thing again, " * 4 + "and so on", id="a-loop-within"),
        pytest.param("ha" * 60, id="one-endless-word"),
    ],
)
def test_what_goes_round_and_round_is_a_loop(text: str) -> None:
    assert is_loop(text)
    assert believed(Heard(text, 0.9), 60.0).doubt == Doubt.REPEATS


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("", id="nothing"),
        pytest.param("no no no no", id="a-word-four-times"),
        pytest.param("voyager " * 9, id="a-wake-word-nine-times"),
        pytest.param("five five five one two three four", id="a-number"),
        pytest.param("row row row your boat gently down the stream", id="a-song"),
        pytest.param("hey computer hey computer hey computer", id="a-phrase-three-times"),
    ],
)
def test_what_people_say_is_no_loop(text: str) -> None:
    assert not is_loop(text)
