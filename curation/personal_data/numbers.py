"""Telephone, card, account and identity numbers among the runs of digits and letters."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import phonenumbers

from corpus.words import PersonalKind
from curation.personal_data.found import Found, Rule
from curation.personal_data.language import Language
from curation.personal_data.reading import Atom, Piece, Run

LONG = 7
"""Digits without a cue that are a number of somebody's: local telephone numbers have seven."""

MEASURED_LONG = 9
"""Before a unit of measure it takes more."""

LEAST_WITH_CUE = {PersonalKind.PHONE: 5, PersonalKind.NUMBER: 5}
LEAST = 3
"""Digits near a cue of any other kind, such as the last four of a card."""

CUE_BEFORE, CUE_AFTER = 9, 4
"""How far from its number a cue may stand, in words."""

CARD = range(13, 20)  # ISO/IEC 7812-1: account numbers of 10 to 19 digits; cards that are issued have 13 and more
IBAN = range(15, 35)  # ISO 13616
PHONE = range(7, 16)  # E.164: 15 digits at most
SPELLED = 6
"""Letters and digits mixed, of which three digits: a licence, a passport, a booking."""


def find_numbers(spoken: Sequence[Piece], runs: Sequence[Run], language: Language, region: str) -> Iterator[Found]:
    for run in runs:
        cue = _cue(spoken, run, language)
        if judged := _mixed(run, cue):
            yield Found(spoken[run.first].word, spoken[run.stop - 1].word + 1, *judged)
            continue
        for part in _digit_parts(run):
            if judged := _judge(part, spoken, language, region, cue):
                yield Found(spoken[part.first].word, spoken[part.stop - 1].word + 1, *judged)


Judged = tuple[PersonalKind, Rule]


def _mixed(run: Run, cue: "Cue | None") -> Judged | None:
    """Letters and digits one by one: an IBAN, or another number that identifies."""
    text = run.text
    digits = sum(character.isdigit() for character in text)
    if digits == len(text) or digits < LEAST:
        return None
    if is_iban(text.upper()):
        return PersonalKind.ACCOUNT, Rule.CHECK_DIGITS
    if len(text) - digits > digits * 3:  # a spelled word beside a number
        return None
    if cue and cue.kind is not PersonalKind.PHONE:
        return cue.kind, Rule.NUMBER_WITH_CUE
    return (PersonalKind.NATIONAL_ID, Rule.SPELLED) if len(text) >= SPELLED and digits >= 4 else None


def _digit_parts(run: Run) -> list[Run]:
    """The stretches of digits between letters."""
    parts: list[list[Atom]] = [[]]
    for atom in run.atoms:
        if atom.is_digits:
            parts[-1].append(atom)
        elif parts[-1]:
            parts.append([])
    return [Run(tuple(atoms), run.has_plus) for atoms in parts if atoms]


def _judge(run: Run, spoken: Sequence[Piece], language: Language, region: str, cue: "Cue | None") -> Judged | None:
    digits = run.text
    if _is_counting(run) and not (cue and cue.is_near):
        return None
    if any(is_luhn(digits[:size]) or is_luhn(digits[-size:]) for size in CARD if size <= len(digits)):
        return PersonalKind.CARD, Rule.CHECK_DIGITS
    after = spoken[run.stop].text if run.stop < len(spoken) else ""
    is_long = len(digits) >= (MEASURED_LONG if after in language.units else LONG)
    if cue and len(digits) >= LEAST_WITH_CUE.get(cue.kind, LEAST) and (is_long or after not in language.units):
        plain = cue.kind is PersonalKind.NUMBER
        if not (plain and is_long):
            return cue.kind, Rule.NUMBER_WITH_CUE
    if not is_long:
        return None
    if len(digits) == 9 and is_us_social(digits) and region == "US":
        return PersonalKind.NATIONAL_ID, Rule.LONG_NUMBER
    if len(digits) in PHONE and is_phone(digits, region, has_plus=run.has_plus):
        return PersonalKind.PHONE, Rule.PHONE_PLAN
    return PersonalKind.NUMBER, Rule.LONG_NUMBER


@dataclass(frozen=True, slots=True)
class Cue:
    kind: PersonalKind
    is_near: bool


def _cue(spoken: Sequence[Piece], run: Run, language: Language) -> Cue | None:
    """What a word near the run says that it is. The nearest before it counts, and otherwise the first after."""
    before = [*reversed(range(max(0, run.first - CUE_BEFORE), run.first))]
    after = range(run.stop, min(len(spoken), run.stop + CUE_AFTER))
    plain: Cue | None = None
    for place in [*before, *after]:
        word = spoken[place].text.removesuffix("'s")
        if place and spoken[place - 1].text in language.postcode_words:
            continue
        kind = language.number_cues.get(word) or language.number_cues.get(word.removesuffix("s"))
        if kind:
            cue = Cue(PersonalKind(kind), is_near=run.first - place <= 4)
            if cue.kind is not PersonalKind.NUMBER:
                return cue
            plain = plain or cue
    return plain


def _is_counting(run: Run) -> bool:
    """Whether somebody counts: each number one more, or one less, than the one before."""
    values = [int(atom.text) for atom in run.atoms]
    steps = {later - earlier for earlier, later in pairwise(values)}
    return len(values) >= 3 and len(steps) == 1 and bool(steps & {1, -1, 2, 5, 10, -2, -5, -10})


def is_luhn(digits: str) -> bool:
    """Whether the last digit is the check digit of the others (ISO/IEC 7812-1, annex B)."""
    total = 0
    for place, digit in enumerate(reversed(digits)):
        value = int(digit) * (1 + place % 2)
        total += value - 9 if value > 9 else value
    return total % 10 == 0 and any(digit != "0" for digit in digits)


def is_iban(text: str) -> bool:
    """Whether it is two letters, two check digits and the rest, with a remainder of 1 (ISO 13616, ISO 7064)."""
    if len(text) not in IBAN or not (text[:2].isalpha() and text[2:4].isdigit() and text.isascii() and text.isalnum()):
        return False
    return int("".join(str(int(character, 36)) for character in text[4:] + text[:4])) % 97 == 1


def is_us_social(digits: str) -> bool:
    """Whether the area, the group and the serial number could have been issued (20 CFR 422, as SSA numbers them)."""
    area, group, serial = digits[:3], digits[3:5], digits[5:]
    return area not in ("000", "666") and area[0] != "9" and group != "00" and serial != "0000"


def is_phone(digits: str, region: str, *, has_plus: bool) -> bool:
    """Whether the numbering plan of the region, or of the country after a plus, could hold it."""
    try:
        number = phonenumbers.parse(("+" if has_plus else "") + digits, None if has_plus else region)
    except phonenumbers.NumberParseException:
        return False
    reason = phonenumbers.is_possible_number_with_reason(number)
    return reason in (
        phonenumbers.ValidationResult.IS_POSSIBLE,
        phonenumbers.ValidationResult.IS_POSSIBLE_LOCAL_ONLY,
    )
