"""What was found, where, and by which rule. The words themselves stay in the text."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from corpus.words import PersonalKind


class Rule(StrEnum):
    """Which rule found it; tells nothing of what was said."""

    CHECK_DIGITS = "check_digits"
    """A long number whose check digits are right: Luhn's for cards, ISO 7064 mod 97-10 for IBANs."""
    PHONE_PLAN = "phone_plan"
    """A number that the region's numbering plan could hold."""
    LONG_NUMBER = "long_number"
    NUMBER_WITH_CUE = "number_with_cue"
    """Digits near a word that says what they are: "account", "pin"."""
    SPELLED = "spelled"
    """Letters and digits one by one."""
    AT_DOMAIN = "at_domain"
    DATE_WITH_CUE = "date_with_cue"
    STREET = "street"
    BOX = "box"
    POSTCODE = "postcode"
    HOME_WITH_CUE = "home_with_cue"
    NAME_WITH_CUE = "name_with_cue"
    NAME_MODEL = "name_model"
    UNKNOWN_WORD = "unknown_word"
    """No word of the language that the names' model knows, and so perhaps a name."""
    CURATOR = "curator"


@dataclass(frozen=True, slots=True, order=True)
class Found:
    """Words `first` to before `stop`, counted from 0 in `text.split()`."""

    first: int
    stop: int
    kind: PersonalKind
    rule: Rule

    def overlaps(self, other: "Found") -> bool:
        return self.first < other.stop and other.first < self.stop


SURER = tuple(PersonalKind)
"""Where two kinds claim a word, the one that comes first here names the whole."""


def merged(found: Iterable[Found]) -> tuple[Found, ...]:
    """One span where several overlap, in order; no word that any of them claims is lost."""
    spans: list[Found] = []
    for each in sorted(found):
        if spans and spans[-1].overlaps(each):
            surer = min(spans[-1], each, key=lambda span: SURER.index(span.kind))
            each = Found(spans[-1].first, max(spans[-1].stop, each.stop), surer.kind, surer.rule)
            spans.pop()
        spans.append(each)
    return tuple(spans)
