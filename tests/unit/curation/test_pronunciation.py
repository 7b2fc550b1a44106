"""How words are said that no dictionary has."""

import pytest

from curation.pronunciation import Phones, pronounce, spell_out

DICTIONARY: dict[str, Phones] = {
    "loan": ("L", "OW", "N"),
    "word": ("W", "ER", "D"),
    "bake": ("B", "EY", "K"),
    "bus": ("B", "AH", "S"),
    "mend": ("M", "EH", "N", "D"),
    "dog": ("D", "AO", "G"),
}


@pytest.mark.parametrize(
    ("word", "phones"),
    [
        pytest.param("word", "W ER D", id="known"),
        pytest.param("loanword", "L OW N W ER D", id="two-known-words"),
        pytest.param("dog's", "D AO G Z", id="possessive"),
        pytest.param("bakes", "B EY K S", id="voiceless-plural"),
        pytest.param("buss", "B AH S IH Z", id="after-a-hiss"),
        pytest.param("mended", "M EH N D IH D", id="past-after-d"),
        pytest.param("baked", "B EY K T", id="past-of-a-final-e"),
        pytest.param("baking", "B EY K IH NG", id="ing"),
        pytest.param("zephyr", "Z EH F ER", id="by-rule"),
    ],
)
def test_an_unknown_word_is_said_like_what_it_is_made_of(word: str, phones: str) -> None:
    assert pronounce(word, DICTIONARY.get) == tuple(phones.split())


@pytest.mark.parametrize(
    ("word", "phones"),
    [
        ("cycle", "S IY K AH L"),
        ("gem", "JH EH M"),
        ("make", "M EY K"),
        ("nation", "N AE SH AH N"),
        ("hello", "HH EH L OW"),
        ("thick", "TH IH K"),
    ],
)
def test_letters_are_said_by_rule(word: str, phones: str) -> None:
    assert spell_out(word) == tuple(phones.split())


def test_what_has_no_letters_has_no_sound() -> None:
    assert pronounce("'", DICTIONARY.get) is None
