"""Several recognisers on the same clips, behind one gate."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import pytest
from numpy.typing import NDArray

from corpus.errors import Misconfigured
from corpus.speech.hallucination import Doubt, nothing
from corpus.speech.heard import Heard, Sound
from corpus.speech.hearing import Hearing, Opinion, load_hearing


@dataclass
class Says:
    """A recogniser of one language that hears the same everywhere."""

    name: str
    text: str
    language: str = "en"
    asked: int = field(default=0)
    sends_to: str | None = None

    def speaks(self, locale: str) -> bool:
        return locale.startswith(self.language)

    def hear(self, batch: Sequence[Sound]) -> list[Heard]:
        self.asked += len(batch)
        return [Heard(self.text) for _ in batch]


class HearsWhatIsLoud:
    """A detector for which every loud chunk is speech."""

    def speech(self, batch: Sequence[NDArray[np.int16]]) -> list[NDArray[np.float32]]:
        return [np.array([float(samples.max(initial=0) > 1000)], np.float32) for samples in batch]


LOUD, QUIET = np.full(16_000, 2_000, np.int16), np.zeros(16_000, np.int16)


def test_every_recogniser_that_speaks_the_language_is_asked_in_order() -> None:
    hearing = Hearing((Says("first", "hello"), Says("second", "hallo", "de"), Says("third", "hullo")))

    english, german, welsh = hearing.hear([Sound(LOUD, locale) for locale in ("en-US", "de-DE", "cy-GB")])

    assert english == [Opinion("first", Heard("hello")), Opinion("third", Heard("hullo"))]
    assert german == [Opinion("second", Heard("hallo"))]
    assert welsh == []


def test_a_clip_is_sent_to_no_other_machine_than_it_may() -> None:
    here, there = Says("here", "hello"), Says("there", "hullo", sends_to="asr.example")
    clips = [
        Sound(LOUD, "en"),
        Sound(LOUD, "en", lambda host: host == "other.example"),
        Sound(LOUD, "en", lambda host: host == "asr.example"),
    ]

    answers = Hearing((here, there)).hear(clips)

    assert [[each.recogniser for each in opinions] for opinions in answers] == [["here"], ["here"], ["here", "there"]]
    assert (here.asked, there.asked) == (3, 1)


def test_whether_a_clip_may_be_sent_is_asked_when_those_before_it_have_been() -> None:
    there = Says("there", "hullo", sends_to="asr.example")
    sent_before = list[int]()

    def ask(_host: str) -> bool:
        sent_before.append(there.asked)
        return True

    Hearing((Says("here", "hello"), there)).hear([Sound(LOUD, "en", ask)] * 3)

    assert sent_before == [0, 1, 2]


def test_a_name_that_is_no_recogniser_is_answered_with_those_that_are() -> None:
    with pytest.raises(Misconfigured, match=r"names tinyen: that is neither `tiny\.en` nor `moonshine`"):
        load_hearing("tinyen", None, locale="en-US")


def test_nobody_is_asked_about_a_clip_without_speech() -> None:
    says = Says("first", "you")

    quiet, loud = Hearing((says,), HearsWhatIsLoud()).hear([Sound(QUIET, "en"), Sound(LOUD, "en")])

    assert quiet == [Opinion("first", nothing(Doubt.SILENCE))]
    assert loud == [Opinion("first", Heard("you"))]
    assert says.asked == 1


def test_nobody_is_believed_beyond_reason() -> None:
    [[opinion]] = Hearing((Says("first", "so " * 40),)).hear([Sound(LOUD, "en")])

    assert opinion.heard == nothing(Doubt.REPEATS)


@pytest.mark.parametrize("setting", [None, "", "none", " , "])
def test_no_recogniser_is_a_setting_too(setting: str | None) -> None:
    assert load_hearing(setting, None, locale="en-US") is None


def test_several_are_loaded_in_their_order() -> None:
    hearing = load_hearing("http://asr.example/stt, https://other.example/{locale}", None, locale="de-DE")

    assert hearing is not None
    assert [each.name for each in hearing.recognisers] == ["server-asr.example", "server-other.example"]
    assert [each.speaks("de-AT") for each in hearing.recognisers] == [True, True]
    assert [each.speaks("en-US") for each in hearing.recognisers] == [False, True]


def test_two_of_the_same_name_are_refused() -> None:
    with pytest.raises(Misconfigured, match="same name"):
        load_hearing("http://asr.example/a,http://asr.example/b", None, locale="en-US")
