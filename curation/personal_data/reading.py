"""Reads spoken and written numbers back to characters, each with the word that it came from.

"five five five one two double oh" is 5551200; "twenty twenty five" 2025; "c zero one triple x" c01xxx.
"""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

from curation.personal_data.language import Language

_OUTER = ".,;:!?\"'()[]{}«»“”„‘’…<>"
_PARTS = re.compile(r"[-–—/·]|(?<=\d)\.(?=\d+\.)|(?<=\.\d\d\d)\.(?=\d)|(?<=\d\d\d)\.(?=\d\d\d\d$)")
_ABBREVIATION = re.compile(r"(?:[a-z]\.)+[a-z]?")
_MIXED = re.compile(r"(?=[a-z]*\d)[a-z0-9]+")
_LETTER = re.compile(r"[a-zäöüß]")


@dataclass(frozen=True, slots=True)
class Piece:
    """A word, or a part of one that is written with hyphens; `word` counts from 0 in `text.split()`."""

    text: str
    word: int


def pieces(text: str) -> list[Piece]:
    """In lower case, without the punctuation around them; an address of e-mail stays whole."""
    return [Piece(part, place) for place, word in enumerate(text.split()) for part in _parts(word)]


def _parts(word: str) -> list[str]:
    plain = unicodedata.normalize("NFKC", word).replace("’", "'").lower().strip(_OUTER)
    if "@" in plain and len(plain) > 1:
        return [plain]
    if _ABBREVIATION.fullmatch(plain):
        return [letter for letter in plain if letter != "."]
    sign, plain = (["plus"], plain[1:]) if plain.startswith("+") else ([], plain)
    return sign + [part for part in (each.strip(_OUTER) for each in _PARTS.split(plain)) if part]


@dataclass(frozen=True, slots=True)
class Atom:
    """What was read as one: digits, or letters, from pieces `first` to before `stop`."""

    text: str
    first: int
    stop: int
    is_count: bool = False
    """Whether it has a million in it, or the like: no telephone number is said so."""

    @property
    def is_digits(self) -> bool:
        return self.text.isdigit()


@dataclass(frozen=True, slots=True)
class Run:
    """Atoms with nothing but joiners between them."""

    atoms: tuple[Atom, ...]
    has_plus: bool = False

    @property
    def text(self) -> str:
        return "".join(atom.text for atom in self.atoms)

    @property
    def first(self) -> int:
        return self.atoms[0].first

    @property
    def stop(self) -> int:
        return self.atoms[-1].stop


MOST_JOINERS = 3


def runs(spoken: Sequence[Piece], language: Language) -> list[Run]:
    """Every run of letters and digits, letters that are words at either end left out."""
    reader = _Reader([piece.text for piece in spoken], language)
    found: list[Run] = []
    atoms: list[Atom] = []
    place = 0
    while place < len(spoken):
        atom = reader.atom(place)
        if atom is None or atom.is_count:
            _close(atoms, found, spoken, language)
            atoms, place = [], atom.stop if atom else place + 1
            continue
        if atoms and place > atoms[-1].stop + MOST_JOINERS:
            _close(atoms, found, spoken, language)
            atoms = []
        atoms.append(atom)
        place = reader.after_joiners(atom.stop)
    _close(atoms, found, spoken, language)
    return found


def _close(atoms: list[Atom], found: list[Run], spoken: Sequence[Piece], language: Language) -> None:
    while atoms and spoken[atoms[-1].first].text in language.words_too and not atoms[-1].is_digits:
        atoms = atoms[:-1]
    while atoms and spoken[atoms[0].first].text in language.words_too and not atoms[0].is_digits:
        atoms = atoms[1:]
    if atoms:
        before = spoken[atoms[0].first - 1].text if atoms[0].first else ""
        found.append(Run(tuple(atoms), has_plus=before == "plus"))


class _Reader:
    """Reads one atom at a time."""

    def __init__(self, words: Sequence[str], language: Language) -> None:
        self._words = words
        self._language = language

    def atom(self, place: int) -> Atom | None:
        word, language = self._at(place), self._language
        if times := language.repeats.get(word):
            repeated = self._single(place + 1)
            return Atom(repeated * times, place, place + 2) if repeated else None
        if number := self._number(place):
            return number
        if letter := self._letter(word):
            return Atom(letter, place, place + 1)
        return Atom(word, place, place + 1) if _MIXED.fullmatch(word) else None

    def after_joiners(self, place: int) -> int:
        """Where the next atom begins, if only joiners stand before it; otherwise `place` itself."""
        after = place
        while after - place <= MOST_JOINERS and self._at(after) in self._language.joiners:
            after += 1
        return after if self._at(after) else place

    def _at(self, place: int) -> str:
        return self._words[place] if place < len(self._words) else ""

    def _letter(self, word: str) -> str:
        return word if _LETTER.fullmatch(word) else self._language.letters.get(word, "")

    def _single(self, place: int) -> str:
        """One digit or letter at a place, or nothing."""
        word = self._at(place)
        value = self._language.numbers.get(word)
        if value is not None:
            return str(value) if value < 10 else ""
        return word if len(word) == 1 and word.isalnum() else self._letter(word)

    def _number(self, place: int) -> Atom | None:
        """A number as it is said in one go: "twenty five", "eight hundred", "two thousand and five"; or digits."""
        language = self._language
        if self._at(place).isdecimal():
            if self._at(place + 1) in language.scales and language.scales[self._at(place + 1)] >= 10**6:
                return Atom(self._at(place), place, place + 2, is_count=True)
            return Atom(self._at(place), place, place + 1)
        below = self._below_hundred(place)
        if below is None:
            return None
        value, after = below
        scale = language.scales.get(self._at(after))
        if scale is None:
            return Atom(str(value), place, after)
        return self._scaled(place, value, after)

    def _scaled(self, start: int, value: int, after: int) -> Atom:
        total, is_count = 0, False
        while (scale := self._language.scales.get(self._at(after))) is not None:
            value, after = value * scale, after + 1
            if scale >= 10**6:
                is_count = True
            if scale >= 1000:
                total, value = total + value, 0
            following = self._below_hundred(self._after_and(after))
            if following is None or self._goes_on_as_digits(after, following):
                break
            value, after = value + following[0], following[1]
        return Atom(str(total + value), start, after, is_count)

    def _after_and(self, place: int) -> int:
        return place + 1 if self._at(place) in self._language.also else place

    def _goes_on_as_digits(self, place: int, following: tuple[int, int]) -> bool:
        """Whether single digits come after: "eight hundred five five five" is 800 555, and no 805."""
        value, after = following
        if self._at(place) in self._language.also or value >= 10:
            return False
        return value == 0 or len(self._single(after)) == 1 or self._at(after) in self._language.repeats

    def _below_hundred(self, place: int) -> tuple[int, int] | None:
        """The value and where it ends: a unit, a teen, or tens with or without a unit."""
        numbers = self._language.numbers
        value = numbers.get(self._at(place))
        if value is None:
            return None
        unit = numbers.get(self._at(place + 1))
        is_tens = value >= 20 and value % 10 == 0
        if is_tens and unit is not None and 0 < unit < 10:
            return value + unit, place + 2
        return value, place + 1
