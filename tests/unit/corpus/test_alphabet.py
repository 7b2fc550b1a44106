"""What labels are written in, language by language, and how what is written in digits is spoken."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from corpus.alphabet import alphabet_for, alphabet_of, languages, parse
from corpus.errors import OutsideAlphabet

ENGLISH = [
    ("Turn ON the lights, please!", "turn on the lights please"),
    ("it\u2019s twenty\u2010one", "it's twenty one"),
    ("press 1", "press one"),
    ("set a timer for 10 minutes", "set a timer for ten minutes"),
    ("room 101", "room one hundred one"),
    ("1,234 miles", "one thousand two hundred thirty four miles"),
    ("2500", "two thousand five hundred"),
    ("10000 steps", "ten thousand steps"),
    ("in 1984", "in nineteen eighty four"),
    ("in 2005", "in two thousand five"),
    ("in 1905", "in nineteen oh five"),
    ("the 1980s", "the nineteen eighties"),
    ("the '60s", "the sixties"),
    ("at 7:30", "at seven thirty"),
    ("at 7:05 pm", "at seven oh five pm"),
    ("at 9:00", "at nine o'clock"),
    ("at 9:00 a.m.", "at nine am"),
    ("3.5", "three point five"),
    ("-5", "minus five"),
    ("10% off", "ten percent off"),
    ("20°C", "twenty degrees celsius"),
    ("the 21st", "the twenty first"),
    ("2½ cups", "two and a half cups"),
    ("$1", "one dollar"),
    ("$5.50", "five dollars and fifty cents"),
    ("$3.5 million", "three point five million dollars"),
    ("£1,200", "one thousand two hundred pounds"),
    ("5-10", "five to ten"),
    ("555-1234", "five five five one two three four"),
    ("(555) 123-4567", "five five five one two three four five six seven"),
    ("+44 20 7946", "plus four four two zero seven nine four six"),
    ("90210", "nine zero two one zero"),
    ("agent 007", "agent zero zero seven"),
    ("call 911", "call nine one one"),
    ("R&B on FM4", "r and b on fm four"),
    ("1,2,3", "one two three"),
]

GERMAN = [
    ("Mach das Licht an!", "mach das licht an"),
    ("Straße, GROẞ, a\u0308ndern", "straße groß ändern"),
    ("wie geht's", "wie gehts"),
    ("Kanal 1", "kanal eins"),
    ("21 Grad", "einundzwanzig grad"),
    ("um 7:30 Uhr", "um sieben uhr dreißig"),
    ("um 13:00", "um dreizehn uhr"),
    ("1 Uhr", "ein uhr"),
    ("3,5", "drei komma fünf"),
    ("1.000 Leute", "eintausend leute"),
    ("1984", "neunzehnhundertvierundachtzig"),
    ("am 1. Mai", "am ersten mai"),
    ("der 3. Mann", "der dritte mann"),
    ("50%", "fünfzig prozent"),
    ("1 €", "ein euro"),
    ("5,50 €", "fünf euro fünfzig"),
    ("030 1234567", "null drei null eins zwei drei vier fünf sechs sieben"),
]


@pytest.mark.parametrize(("written", "label"), ENGLISH, ids=[written for written, _ in ENGLISH])
def test_english_is_written_as_it_is_spoken(written: str, label: str) -> None:
    assert alphabet_of("en").normalise(written) == label


@pytest.mark.parametrize(("written", "label"), GERMAN, ids=[written for written, _ in GERMAN])
def test_german_is_written_as_it_is_spoken(written: str, label: str) -> None:
    assert alphabet_of("de").normalise(written) == label


def test_a_transcript_that_is_spelled_out_keeps_its_capitals_and_marks() -> None:
    assert alphabet_of("en").spell_out("Wake me at 7, please!") == "Wake me at seven, please!"


@pytest.mark.parametrize("language", sorted(languages()))
@given(text=st.text("0123456789 .,:-/+()$€%°aé's", max_size=30))
def test_a_label_has_no_digit_and_is_a_label_again(language: str, text: str) -> None:
    alphabet = alphabet_of(language)

    spoken = alphabet.spell_out(text)

    assert not any(character.isdigit() for character in spoken)
    assert alphabet.spell_out(spoken) == spoken


@pytest.mark.parametrize(
    ("text", "characters"),
    [
        pytest.param("café", "é", id="a-letter-of-another-language"),
        pytest.param("\u06f3", "\u06f3", id="a-digit-of-another-script"),
        pytest.param("a\x00b", "\x00", id="nul"),
        pytest.param("me @ home", "@", id="a-sign-without-a-rule"),
    ],
)
def test_what_could_be_a_sound_is_never_dropped(text: str, characters: str) -> None:
    with pytest.raises(OutsideAlphabet) as refused:
        alphabet_of("en").normalise(text)

    assert refused.value.characters == characters


def test_the_file_of_an_alphabet_has_a_label_a_line_with_space_first() -> None:
    assert alphabet_of("de").as_file() == "".join(f"{label}\n" for label in " abcdefghijklmnopqrstuvwxyzäöüß")


@pytest.mark.parametrize("locale", ["en", "en-US", "EN-gb", "en_AU"])
def test_a_locale_has_the_alphabet_of_its_language(locale: str) -> None:
    assert alphabet_for(locale) is alphabet_of("en")


@pytest.mark.parametrize("locale", ["cy-GB", "", "../en", "e"])
def test_a_language_without_a_file_has_none(locale: str) -> None:
    assert alphabet_for(locale) is None


def test_a_language_is_data_alone() -> None:
    hawaiian = parse(
        """
        characters = " aehiklmnopuwāēīōū'"
        spaced = "-"
        dropped = ".!?"
        replaced = { "\u02bb" = "'" }
        numbers = { language = "en", thousands = ",", decimal = ".", point = "", left_out = [] }
        spoken = [{ pattern = "1", words = "'ekahi" }]
        """
    )

    assert hawaiian.normalise("Pō'ai \u02bbelua? 1!") == "pō'ai 'elua 'ekahi"
