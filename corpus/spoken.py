"""How what is written in digits and signs is spoken: "$5.50" is "five dollars and fifty cents". Pure.

A language's rules are data (`corpus/languages/`): patterns in their order, each with the words that take its place.
A rule may say how a group of its pattern is read: as a `cardinal`, an `ordinal`, a `year`, a `number` with a decimal
part, or as `digits` one by one. Which reading a speaker chose is not to be seen in the digits:
these are the usual ones, and a curator hears and corrects.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from num2words import num2words

MOST_DIGITS = 15
"""A longer number is told digit by digit: nobody says its name."""


@dataclass(frozen=True, slots=True)
class Numbers:
    """What a language's numbers look like. `language` is num2words' name of it."""

    language: str
    thousands: str
    decimal: str
    point: str
    left_out: frozenset[str] = frozenset()
    """Words that num2words writes and speakers of this language leave out."""


@dataclass(frozen=True, slots=True)
class Rule:
    """`words` stand in place of what `pattern` finds."""

    pattern: re.Pattern[str]
    words: str


def spell_out(text: str, rules: Sequence[Rule], numbers: Numbers) -> str:
    """`text` as it is spoken; letters and punctuation stay as they are."""
    for rule in rules:
        text = rule.pattern.sub(partial(_in_words, words=rule.words, numbers=numbers), text)
    return text


def _in_words(found: re.Match[str], *, words: str, numbers: Numbers) -> str:
    groups: Mapping[str, str] = found.groupdict()
    spoken = words.format_map({name: _Written(written, numbers) for name, written in groups.items()})
    before, after = found.string[: found.start()][-1:], found.string[found.end() :][:1]
    space_before = before.isalnum() and spoken[:1].isalnum()
    space_after = after.isalnum() and spoken[-1:].isalnum()
    return " " * space_before + spoken + " " * space_after


@dataclass(frozen=True, slots=True)
class _Written:
    """A group of a pattern, which a format specification reads out."""

    text: str
    numbers: Numbers

    def __format__(self, reading: str) -> str:
        match reading:
            case "cardinal" | "ordinal" | "year":
                return self._named(self.text, reading)
            case "number":
                whole, decimal, rest = self.text.partition(self.numbers.decimal)
                spoken = self._named(whole, "cardinal")
                return f"{spoken} {self.numbers.point} {self._one_by_one(rest)}" if decimal else spoken
            case "digits":
                return self._one_by_one(self.text)
            case _:
                return self.text

    def _named(self, written: str, to: str) -> str:
        digits = written.replace(self.numbers.thousands, "")
        if len(digits) > MOST_DIGITS:
            return self._one_by_one(digits)
        spoken = num2words(int(digits), lang=self.numbers.language, to=to)
        words = re.sub(r"[,\-]", " ", spoken).split()
        return " ".join(word for word in words if word not in self.numbers.left_out)

    def _one_by_one(self, written: str) -> str:
        return " ".join(num2words(int(each), lang=self.numbers.language) for each in written if each.isdecimal())
