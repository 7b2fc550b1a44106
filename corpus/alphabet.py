"""What labels are written in, and how a transcript is brought into it, language by language.

A language is a file of data in `corpus/languages/`, named by its tag; a new file is a new language. In it are:
`characters`, the labels in their order, space first, as in the lines of a DeepSpeech `alphabet.txt`; `replaced`,
characters that stand for others; `spaced` and `dropped`, those that become a space and those that stand for no sound;
`spoken` and `numbers`, how digits and signs are read out (`corpus/spoken.py`).
"""

import re
import tomllib
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache, cached_property
from importlib import resources
from typing import Any

from corpus.errors import EmptyTranscript, OutsideAlphabet
from corpus.spoken import Numbers, Rule, spell_out

_LANGUAGES = "corpus.languages"


@dataclass(frozen=True)
class Alphabet:
    """One language's label characters, and how its transcripts become labels.

    Without slots: it keeps what it asks of every transcript.
    """

    characters: str
    numbers: Numbers
    spoken: tuple[Rule, ...] = ()
    replaced: Mapping[str, str] = field(default_factory=dict)
    spaced: str = ""
    dropped: str = ""

    def spell_out(self, text: str) -> str:
        """A transcript with its numbers and signs in words, and otherwise as it was written."""
        for written, instead in self.replaced.items():
            text = text.replace(written, instead)
        text = unicodedata.normalize("NFKC", text)
        if self._unspoken.issuperset(text.lower()):
            return text
        return spell_out(text, self.spoken, self.numbers)

    def normalise(self, text: str) -> str:
        """A transcript as a label: NFKC, lower case, numbers in words, punctuation gone, single spaces.

        Raises `EmptyTranscript` or `OutsideAlphabet`; nothing is dropped that could be a sound.
        """
        spoken = self.spell_out(text).lower()
        label = " ".join(spoken.translate(self._marks).split())
        if not label.strip("' "):
            raise EmptyTranscript
        if outside := "".join(sorted(set(label).difference(self.characters))):
            raise OutsideAlphabet(outside)
        return label

    def as_file(self) -> str:
        """`alphabet.txt`: one label a line, `#` escaped, a newline at the end."""
        return "".join(("\\#" if character == "#" else character) + "\n" for character in self.characters)

    @cached_property
    def _unspoken(self) -> frozenset[str]:
        """What stands for itself, or for no word."""
        return frozenset(self.characters + self.spaced + self.dropped)

    @cached_property
    def _marks(self) -> dict[int, str]:
        return {ord(mark): " " for mark in self.spaced} | {ord(mark): "" for mark in self.dropped}


def alphabet_for(locale: str) -> Alphabet | None:
    """The alphabet of a locale's language, such as `en` for `en-US`, or None where we have none yet."""
    language = language_of(locale)
    return alphabet_of(language) if language in languages() else None  # never a path of what a device sent


@cache
def alphabet_of(language: str) -> Alphabet:
    """The alphabet of one of `languages()`."""
    return parse(resources.files(_LANGUAGES).joinpath(f"{language}.toml").read_text("utf-8"))


def language_of(locale: str) -> str:
    """The language of a locale: `en` of `en-US`."""
    return locale.lower().replace("_", "-").split("-")[0]


@cache
def languages() -> frozenset[str]:
    """Every language that labels can be written in."""
    files = resources.files(_LANGUAGES).iterdir()
    return frozenset(file.name.removesuffix(".toml") for file in files if file.name.endswith(".toml"))


def parse(file: str) -> Alphabet:
    """The alphabet that a file of data describes. Ours are tested; a faulty one raises `KeyError` or `re.error`."""
    data: dict[str, Any] = tomllib.loads(file)
    numbers = data["numbers"] | {"left_out": frozenset(data["numbers"]["left_out"])}
    return Alphabet(
        characters=data["characters"],
        numbers=Numbers(**numbers),
        spoken=tuple(Rule(re.compile(each["pattern"], re.IGNORECASE), each["words"]) for each in data["spoken"]),
        replaced=data["replaced"],
        spaced=data["spaced"],
        dropped=data["dropped"],
    )
