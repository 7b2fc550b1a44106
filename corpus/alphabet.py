"""What labels are written in, and how a transcript is brought into it.

An alphabet is a string of distinct characters in label order, space first: the line order of a DeepSpeech
`alphabet.txt`.
"""

import re
import unicodedata
from dataclasses import dataclass

from corpus.errors import EmptyTranscript, OutsideAlphabet

_SPACED = re.compile(r"[-_\u2010-\u2015/]")
_DROPPED = re.compile(r"[.,;?!:\"\u201c\u201d\u00ab\u00bb\u2026()]")
_APOSTROPHES = re.compile(r"[\u2018\u2019\u02bc`\u00b4]")


@dataclass(frozen=True, slots=True)
class Alphabet:
    """One language's label characters."""

    characters: str

    def normalise(self, text: str) -> str:
        """A transcript as a label: NFKC, lower case, punctuation gone, single spaces.

        Raises `EmptyTranscript` or `OutsideAlphabet`; nothing is dropped that could be a sound.
        """
        spoken = _APOSTROPHES.sub("'", unicodedata.normalize("NFKC", text).lower())
        spoken = _DROPPED.sub("", _SPACED.sub(" ", spoken))
        label = " ".join(spoken.split())
        if not label.strip("' "):
            raise EmptyTranscript
        if outside := "".join(sorted(set(label) - set(self.characters))):
            raise OutsideAlphabet(outside)
        return label

    def as_file(self) -> str:
        """`alphabet.txt`: one label a line, `#` escaped, a newline at the end."""
        return "".join(("\\#" if character == "#" else character) + "\n" for character in self.characters)


ENGLISH = Alphabet(" abcdefghijklmnopqrstuvwxyz'")
"""DeepSpeech's 28 English labels."""


def alphabet_for(locale: str) -> Alphabet | None:
    """The alphabet for a locale such as `en-US`, or None where we have none yet."""
    return ENGLISH if locale.lower().split("-")[0] == "en" else None
