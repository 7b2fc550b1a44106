"""Names of people and places: after words that announce one, and where a model of the language knows or misses one.

Labels are in lower case, which is all that tells a rose from Rose: so the words around decide, and in doubt it is a
name. Without a model (extra `pii`) only announced names are found.
"""

from collections.abc import Iterator, Sequence
from typing import Protocol

from corpus.words import PersonalKind
from curation.personal_data.found import Found, Rule
from curation.personal_data.language import Language
from curation.personal_data.phrases import after_each, starts
from curation.personal_data.reading import Piece

LONGEST_NAME = 3
"""Words."""


class NameSpotter(Protocol):
    """What a model knows of names."""

    def may_be_name(self, word: str) -> bool:
        """Whether the word alone, in lower case, may be somebody's name, or is no known word at all."""

    def spot(self, words: Sequence[str]) -> Sequence[Found]:
        """Names in a sentence, by place in `words`, all in lower case."""


def find_names(spoken: Sequence[Piece], language: Language, spotter: NameSpotter | None) -> Iterator[Found]:
    words = [piece.text for piece in spoken]
    plain = [word.removesuffix("'s") for word in words]
    found = [*_announced(plain, language), *_perhaps_announced(plain, language, spotter)]
    if spotter is not None:
        found += spotter.spot(words)
    for each in found:
        yield Found(spoken[each.first].word, spoken[each.stop - 1].word + 1, each.kind, each.rule)


def _announced(words: Sequence[str], language: Language) -> Iterator[Found]:
    """After "my name is", and after a title: whatever is no function word. Spelled letters too."""
    for start in after_each(words, language.name_cues):
        yield from _name_at(words, start, language, LONGEST_NAME)
    for place, word in enumerate(words):
        if word in language.titles:
            yield from _name_at(words, place + 1, language, 2)


def _perhaps_announced(words: Sequence[str], language: Language, spotter: NameSpotter | None) -> Iterator[Found]:
    """After "call" and "i'm", and before "speaking": a word that may be a name."""
    cues = language.weak_name_cues
    if spotter is None:
        cues = tuple(cue for cue in cues if len(cue) > 1 or cue[0] not in language.plain_cues)
    for start in after_each(words, cues):
        if start < len(words) and _may_be_name(words[start], language, spotter):
            yield from _name_at(words, start, language, LONGEST_NAME, spotter)
    for stop in starts(words, language.after_names):
        if stop and _may_be_name(words[stop - 1], language, spotter):
            first = stop - 1
            while first and stop - first < LONGEST_NAME and _may_be_name(words[first - 1], language, spotter):
                first -= 1
            yield Found(first, stop, PersonalKind.NAME, Rule.NAME_WITH_CUE)


def _may_be_name(word: str, language: Language, spotter: NameSpotter | None) -> bool:
    if any(word in words for words in (language.no_name, language.commonly, language.numbers)):
        return False
    if not word.replace("'", "").isalpha():
        return False
    return spotter.may_be_name(word) if spotter else len(word) > 1


def _name_at(
    words: Sequence[str], start: int, language: Language, longest: int, spotter: NameSpotter | None = None
) -> Iterator[Found]:
    stop = start
    while stop < len(words) and stop - start < longest and _goes_on(words, start, stop, language, spotter):
        stop += 1
    if stop > start and len(words[start]) == 1:  # "c a t h y": to the last letter
        while stop < len(words) and len(words[stop]) == 1:
            stop += 1
    if stop > start:
        yield Found(start, stop, PersonalKind.NAME, Rule.NAME_WITH_CUE)


def _goes_on(words: Sequence[str], start: int, place: int, language: Language, spotter: NameSpotter | None) -> bool:
    word = words[place]
    if word in language.no_name and not (len(word) == 1 and place == start):
        return False
    return spotter is None or place == start or spotter.may_be_name(word)
