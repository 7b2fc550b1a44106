"""Ways to say digits, and how sentences are put together from templates. Draws from the generator that it is given."""

import random
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from num2words import num2words

from corpus.words import PersonalKind

_SLOT = re.compile(r"\{(\w+)\}")
_SEVERAL = {2: "double", 3: "triple"}

Way = Callable[[str, random.Random], str]
"""Digits to words."""


@dataclass(frozen=True, slots=True)
class Sentence:
    """`planted` are the places of the words that are personal data, in `text.split()`; none in a clean one."""

    text: str
    kind: PersonalKind | None = None
    planted: frozenset[int] = frozenset()


def words(parted_by_spaces: str) -> list[str]:
    return parted_by_spaces.split()


def number(value: int) -> str:
    return re.sub(r"[-,]", " ", num2words(value)).replace("  ", " ")


def one_by_one(digits: str, _lots: random.Random, *, zero: str = "zero") -> str:
    return " ".join(zero if digit == "0" else number(int(digit)) for digit in digits)


def with_oh(digits: str, lots: random.Random) -> str:
    return one_by_one(digits, lots, zero="oh")


def with_repeats(digits: str, _lots: random.Random) -> str:
    """Equal neighbours together: "double seven"."""
    words, place = [], 0
    while place < len(digits):
        many = next((many for many in (3, 2) if digits[place : place + many] == digits[place] * many), 1)
        words += [_SEVERAL[many]] if many > 1 else []
        words.append(number(int(digits[place])))
        place += many
    return " ".join(words)


def in_pairs(digits: str, _lots: random.Random) -> str:
    """Two by two: "forty one eleven"; "oh five" where a pair begins with nothing."""
    pairs = [digits[start : start + 2] for start in range(0, len(digits), 2)]
    return " ".join(number(int(pair)) if pair[0] != "0" or len(pair) == 1 else _low(pair) for pair in pairs)


def _low(pair: str) -> str:
    return "double oh" if pair == "00" else f"oh {number(int(pair))}"


def grouped(way: Way, sizes: Sequence[int], joiners: Sequence[str]) -> Way:
    """In groups of these sizes, the last one again as often as it takes, with one of the joiners between."""

    def say(digits: str, lots: random.Random) -> str:
        groups, rest, place = [], digits, 0
        while rest:
            size = sizes[min(place, len(sizes) - 1)]
            groups.append(way(rest[:size], lots))
            rest, place = rest[size:], place + 1
        joiner = lots.choice(joiners)
        return f" {joiner} ".join(groups) if joiner else " ".join(groups)

    return say


def with_hundreds(digits: str, lots: random.Random) -> str:
    """Ends as "twelve hundred" or "five thousand" where it can; the rest one by one."""
    if digits.endswith("000") and digits[-4] != "0":
        return f"{with_oh(digits[:-4], lots)} {number(int(digits[-4]))} thousand"
    if digits.endswith("00") and digits[-4] != "0" and digits[-3] != "0":
        return f"{with_oh(digits[:-4], lots)} {number(int(digits[-4:-2]))} hundred"
    return with_oh(digits, lots)


def some_digits(lots: random.Random, many: int) -> str:
    return "".join(lots.choices("0123456789", k=many))


def luhn(first: str) -> str:
    """With its check digit (ISO/IEC 7812-1)."""
    total = sum(sum(divmod(int(digit) * (2 - place % 2), 10)) for place, digit in enumerate(reversed(first)))
    return first + str(-total % 10)


def iban(country: str, rest: str) -> str:
    """With its check digits (ISO 7064 mod 97-10)."""
    value = int("".join(str(int(character, 36)) for character in f"{rest}{country}00"))
    return f"{country.lower()}{98 - value % 97:02d}{rest}"


def filled(template: str, planted: dict[str, str], other: dict[str, Sequence[str]], lots: random.Random) -> Sentence:
    """A template with what is planted in its place; other slots are drawn by lot."""
    words: list[str] = []
    places: set[int] = set()
    for part in re.split(r"(\{\w+\})", template):
        slot = _SLOT.fullmatch(part)
        text = part if not slot else planted.get(slot[1]) or lots.choice(other[slot[1]])
        if text.startswith("'") and words:  # "at {it}'s place"
            words[-1] += text.split()[0]
            text = text.partition(" ")[2]
        new = text.split()
        if slot and slot[1] in planted:
            places |= set(range(len(words), len(words) + len(new)))
        words += new
    return Sentence(" ".join(words), planted=frozenset(places))
