"""Spoken numbers are read back to digits, and each knows its words."""

import pytest

from curation.personal_data.language import english, german
from curation.personal_data.reading import pieces, runs


def read(text: str) -> list[str]:
    return [run.text for run in runs(pieces(text), english())]


@pytest.mark.parametrize(
    ("said", "digits"),
    [
        pytest.param("five five five one two double oh", "5551200", id="double"),
        pytest.param("triple seven four", "7774", id="triple"),
        pytest.param("twenty twenty five", "2025", id="a year"),
        pytest.param("nineteen oh four", "1904", id="oh in the middle"),
        pytest.param("forty one eleven", "4111", id="pairs"),
        pytest.param("one eight hundred five five five", "1800555", id="hundred before single digits"),
        pytest.param("eight hundred and five", "805", id="hundred and"),
        pytest.param("five five five twelve hundred", "5551200", id="teens of hundreds"),
        pytest.param("two thousand and six", "2006", id="thousand and"),
        pytest.param("five five five dash one two", "55512", id="a joiner"),
        pytest.param("(555) 123-4567", "5551234567", id="written"),
        pytest.param("c zero one triple x", "c01xxx", id="letters"),
        pytest.param("alpha bravo one two", "ab12", id="letters by words"),
        pytest.param("Twenty-five", "25", id="with a hyphen and a capital"),
    ],
)
def test_a_number_is_read_as_it_is_said(said: str, digits: str) -> None:
    assert read(said) == [digits]


def test_words_that_are_letters_begin_and_end_no_number() -> None:
    assert read("i have a four") == ["4"]
    assert read("set a timer") == []


def test_millions_are_a_quantity_and_no_run_of_digits() -> None:
    assert read("seven million five hundred thousand people") == []


def test_a_run_says_which_words_it_came_from() -> None:
    spoken = pieces("call twenty-five double oh please")
    [run] = runs(spoken, english())

    assert (spoken[run.first].word, spoken[run.stop - 1].word) == (1, 3)


def test_german_numbers_are_read_too() -> None:
    [run] = runs(pieces("null eins sieben zwo fünfundzwanzig"), german())

    assert run.text == "017225"
