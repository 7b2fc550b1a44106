"""Personal data is found in spoken form, with its words, and commands are left alone."""

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from corpus.words import PersonalKind as Kind
from curation.personal_data.find import find
from curation.personal_data.found import Found, Rule, merged
from curation.personal_data.numbers import is_iban, is_luhn


def spans(text: str, locale: str = "en-US") -> list[tuple[str, Kind]]:
    words = text.split()
    return [(" ".join(words[each.first : each.stop]), each.kind) for each in find(text, locale)]


@pytest.mark.parametrize(
    ("text", "words", "kind"),
    [
        ("my email is jane dot doe at example dot com", "jane dot doe at example dot com", Kind.EMAIL),
        ("write to j a n e underscore d at bluefinch dot c o dot u k please",
         "j a n e underscore d at bluefinch dot c o dot u k", Kind.EMAIL),
        ("it is jane.doe@example.com okay", "jane.doe@example.com", Kind.EMAIL),
        ("call four one five five five five two six seven one",
         "four one five five five five two six seven one", Kind.PHONE),
        ("it's two one two five five five dash oh one double nine then",
         "two one two five five five dash oh one double nine", Kind.PHONE),
        ("pay with four one one one one one one one one one one one one one one one",
         "four one one one one one one one one one one one one one one one", Kind.CARD),
        ("the last four of my card are one two three four", "one two three four", Kind.CARD),
        ("the iban is d e eight nine three seven oh four oh oh four four oh five three two oh one three oh oh oh",
         "d e eight nine three seven oh four oh oh four four oh five three two oh one three oh oh oh", Kind.ACCOUNT),
        ("my social is one two three four five six seven eight nine", "one two three four five six seven eight nine",
         Kind.NATIONAL_ID),
        ("i was born on march third nineteen eighty two", "march third nineteen eighty two", Kind.DATE_OF_BIRTH),
        ("send it to forty two west maple avenue", "forty two west maple avenue", Kind.ADDRESS),
        ("take me to two hundred west forty second street", "two hundred west forty second street", Kind.ADDRESS),
        ("write to p o box one two three", "p o box one two three", Kind.ADDRESS),
        ("my zip code is nine oh two one oh", "nine oh two one oh", Kind.ADDRESS),
        ("my name is mary ann", "mary ann", Kind.NAME),
        ("this is doctor henderson speaking", "doctor henderson", Kind.NAME),
    ],
)  # fmt: skip
def test_what_is_said_is_found(text: str, words: str, kind: Kind) -> None:
    assert (words, kind) in spans(text)


@pytest.mark.parametrize(
    "text",
    [
        "set a timer for ten minutes and thirty seconds",
        "what is twelve times twelve",
        "wake me up at six forty five",
        "it happened in nineteen sixty nine",
        "seven million five hundred thousand people live there",
        "count one two three four five six seven eight nine ten",
        "call me later",
        "look at that dot on the wall",
        "turn left in two hundred feet onto the bridge",
        "set the oven to four hundred twenty five degrees",
    ],
)
def test_a_command_is_left_alone(text: str) -> None:
    assert spans(text) == []


def test_german_is_data_and_no_other_code() -> None:
    found = spans("ich heiße jana und wohne in der lindenstraße zwölf", "de-DE")

    assert ("lindenstraße zwölf", Kind.ADDRESS) in found
    assert ("jana", Kind.NAME) in found
    [(_, kind)] = spans("ruf null eins sieben eins zwei drei vier fünf sechs sieben acht an", "de-DE")
    assert kind is Kind.PHONE


def test_the_check_digits_of_cards_and_accounts_are_known() -> None:
    assert is_luhn("4111111111111111")
    assert not is_luhn("4111111111111112")
    assert not is_luhn("0000000000000000")
    assert is_iban("DE89370400440532013000")
    assert not is_iban("DE89370400440532013001")


SPANS = st.builds(
    lambda first, size, kind: Found(first, first + size, kind, Rule.CURATOR),
    st.integers(0, 30),
    st.integers(1, 6),
    st.sampled_from(Kind),
)


@given(st.lists(SPANS))
def test_merged_spans_are_apart_and_lose_no_word(found: Sequence[Found]) -> None:
    spans = merged(found)

    claimed = {place for each in found for place in range(each.first, each.stop)}
    assert {place for each in spans for place in range(each.first, each.stop)} == claimed
    assert all(not each.overlaps(other) for each in spans for other in spans if each is not other)


@given(st.text(max_size=80))
def test_any_text_at_all_is_looked_through_and_spans_lie_in_it(text: str) -> None:
    assert all(0 <= each.first < each.stop <= len(text.split()) for each in find(text, "en-US"))
