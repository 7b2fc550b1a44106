"""Postal addresses: a number and a street, a box, a postcode, and what follows "i live at"."""

from collections.abc import Iterator, Sequence

from corpus.words import PersonalKind
from curation.personal_data.found import Found, Rule
from curation.personal_data.language import Language
from curation.personal_data.phrases import after_each, spans
from curation.personal_data.reading import Piece, Run

LONGEST_STREET = 4
"""Words between a number and its street word."""
LONGEST_COMMON_STREET = 3
LONGEST_HOME = 5
"""Words that are taken in after "i live at" where no street word ends it before."""
HOUSE_DIGITS = 6
POSTCODE = range(3, 11)


def find_addresses(spoken: Sequence[Piece], runs: Sequence[Run], language: Language) -> Iterator[Found]:
    words = [piece.text for piece in spoken]
    found = [
        *_streets(words, runs, language),
        *_streets_before_numbers(words, runs, language),
        *_boxes(words, runs, language),
        *_postcodes(words, runs, language),
        *_homes(words, language),
    ]
    for start, stop, rule in found:
        yield Found(spoken[start].word, spoken[stop - 1].word + 1, PersonalKind.ADDRESS, rule)


Span = tuple[int, int, Rule]


def _streets(words: Sequence[str], runs: Sequence[Run], language: Language) -> Iterator[Span]:
    """A house's number, some words, a street word: "forty two west maple avenue"."""
    for run in runs:
        number = [atom for atom in run.atoms if atom.is_digits]
        if not number or len("".join(atom.text for atom in number)) > HOUSE_DIGITS + 3:
            continue
        for place in range(run.stop, min(len(words), run.stop + LONGEST_STREET + 1)):
            word, between = words[place], words[run.stop : place]
            is_common = word in language.common_streets
            if between and (word in language.streets or (is_common and len(between) <= LONGEST_COMMON_STREET)):
                yield run.first, place + 1, Rule.STREET
                break
            if word in language.no_street and word not in language.ordinals:
                break


def _streets_before_numbers(words: Sequence[str], runs: Sequence[Run], language: Language) -> Iterator[Span]:
    """The street and its number after it: "hauptstraße zwölf", "lange straße zwölf"."""
    for run in runs:
        before = words[run.first - 1] if run.first else ""
        if language.street_endings and before.endswith(language.street_endings) and run.atoms[0].is_digits:
            alone = before in language.street_endings and run.first > 1
            yield run.first - 1 - alone, run.stop, Rule.STREET


def _boxes(words: Sequence[str], runs: Sequence[Run], language: Language) -> Iterator[Span]:
    stops = {run.first: run.stop for run in runs if any(atom.is_digits for atom in run.atoms)}
    for begin, place in spans(words, language.boxes):
        start = place + 1 if place < len(words) and words[place] == "number" else place
        if start in stops:
            yield begin, stops[start], Rule.BOX
    for place, word in enumerate(words):
        if word in language.rooms and place + 1 in stops:
            yield place, stops[place + 1], Rule.BOX


def _postcodes(words: Sequence[str], runs: Sequence[Run], language: Language) -> Iterator[Span]:
    """Digits, or letters and digits, after a word for a postcode or after a state's name."""
    for cue in after_each(words, language.postcode_cues):
        for run in runs:
            if cue <= run.first <= cue + 3 and len(run.text) in POSTCODE:
                yield run.first, run.stop, Rule.POSTCODE
    for run in runs:
        if run.first and words[run.first - 1] in language.states and len(run.text) == 5 and run.text.isdigit():
            yield run.first - 1, run.stop, Rule.POSTCODE


def _homes(words: Sequence[str], language: Language) -> Iterator[Span]:
    """What follows "i live at": to the street word, or as far as words could be of a name."""
    for start in after_each(words, language.home_cues):
        stop = start
        while stop < len(words) and stop - start < LONGEST_HOME:
            stop += 1
            if words[stop - 1] in language.streets:
                break
        while stop > start and words[stop - 1] in language.no_street:
            stop -= 1
        if stop > start and words[start] not in language.no_street - frozenset(("the", "a")):
            yield start, stop, Rule.HOME_WITH_CUE
