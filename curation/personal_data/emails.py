"""Addresses of e-mail, written or said: "jane dot doe at example dot com"."""

import re
from collections.abc import Iterator, Sequence

from corpus.words import PersonalKind
from curation.personal_data.found import Found, Rule
from curation.personal_data.language import Language
from curation.personal_data.reading import Piece

_WRITTEN = re.compile(r"[^@\s]+@[^@\s]+")
_TOP = re.compile(r"[a-zäöüß]{1,12}")
LONGEST_HOST = 8
"""Words between "at" and the last "dot"."""
LONGEST_NAME = 14
"""Words before "at" that are taken in while none says that the address begins after it."""


def find_emails(spoken: Sequence[Piece], language: Language) -> Iterator[Found]:
    words = [piece.text for piece in spoken]
    for place, word in enumerate(words):
        if len(word) > 1 and _WRITTEN.fullmatch(word):
            yield _found(spoken, place, place + 1)
        elif word in language.at and (end := _host_end(words, place, language)):
            start = _name_start(words, place, language)
            if start < place:
                yield _found(spoken, start, end)


def _found(spoken: Sequence[Piece], start: int, end: int) -> Found:
    return Found(spoken[start].word, spoken[end - 1].word + 1, PersonalKind.EMAIL, Rule.AT_DOMAIN)


def _host_end(words: Sequence[str], at: int, language: Language) -> int | None:
    """Where the host after "at" ends: after a known one, or after the last "dot" and a word."""
    start = at + 1
    while start < len(words) and words[start] in ("sign", "symbol", "the"):
        start += 1
    end: int | None = None
    for place in range(start, min(len(words), start + LONGEST_HOST)):
        if words[place] in language.mail_hosts or (end is None and "." in words[place]):
            end = place + 1
        if words[place] in language.dots and place > start and _is_top(words, place + 1, language):
            end = _spelled_end(words, place + 1)
        elif end is not None and place >= end and words[place] not in language.dots:
            break
    return end


def _is_top(words: Sequence[str], place: int, language: Language) -> bool:
    if place >= len(words) or not _TOP.fullmatch(words[place]):
        return False
    return words[place] not in language.no_name or words[place] in language.country_hosts


def _spelled_end(words: Sequence[str], place: int) -> int:
    """After one word, or after letters one by one: "dot c o m"."""
    end = place + 1
    while len(words[place]) == 1 and end < len(words) and len(words[end]) == 1:
        end += 1
    return end


def _name_start(words: Sequence[str], at: int, language: Language) -> int:
    """The first word of what stands before "at": a sign binds what is on either side of it, whatever it is."""
    start = at
    if start and words[start - 1] == "the":  # "jane the at sign"
        start -= 1
    while start > 0 and at - start < LONGEST_NAME:
        word, bound = words[start - 1], start < at and words[start] in language.dots | language.marks
        is_sign = word in language.dots | language.marks
        if word in language.mail_stops and not bound and not is_sign:
            break
        start -= 1
    return start
