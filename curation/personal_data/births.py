"""Dates near a word that says that somebody was born on them."""

from collections.abc import Iterator, Sequence

from corpus.words import PersonalKind
from curation.personal_data.found import Found, Rule
from curation.personal_data.language import Language
from curation.personal_data.reading import Piece

REACH = 8
"""Words between the cue and the date."""


def find_births(spoken: Sequence[Piece], language: Language) -> Iterator[Found]:
    words = [piece.text for piece in spoken]
    for place, word in enumerate(words):
        if word.removesuffix("'s") in language.birth_cues:
            for start, end in _dates(words, language):
                if place - REACH <= end <= place or place < start <= place + REACH:
                    yield Found(
                        spoken[start].word, spoken[end - 1].word + 1, PersonalKind.DATE_OF_BIRTH, Rule.DATE_WITH_CUE
                    )


def _dates(words: Sequence[str], language: Language) -> Iterator[tuple[int, int]]:
    """Stretches of months, ordinals and numbers, of two such words and more."""
    start: int | None = None
    for place in range(len(words) + 1):
        word = words[place] if place < len(words) else ""
        if word and _is_of_a_date(word, language):
            start = place if start is None else start
        elif start is not None and (not word or word not in language.date_links):
            end = place
            while words[end - 1] in language.date_links and words[end - 1] not in language.months:
                end -= 1
            if sum(_is_of_a_date(each, language) for each in words[start:end]) >= 2:
                yield start, end
            start = None


def _is_of_a_date(word: str, language: Language) -> bool:
    plain = word.removesuffix("st").removesuffix("nd").removesuffix("rd").removesuffix("th")
    return (
        word in language.months
        or word in language.ordinals
        or word in language.numbers
        or word in language.scales
        or plain.isdecimal()
    )
