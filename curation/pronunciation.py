"""Guesses how an English word is said that the dictionary lacks. Pure.

Coined words are mostly put together from known ones, such as "loanword", and plurals and names end in what English adds
to words; only what is left is spelled out by rule, letter group by letter group. Over 3,000 words of the dictionary,
each taken out of it, 18 % of the phones come out wrong, and 23 % by rule alone: enough to find where a word stands.
Phones are those of the CMU dictionary, without stress.
"""

from collections.abc import Callable

Phones = tuple[str, ...]
LookUp = Callable[[str], Phones | None]
"""The phones of a word of the dictionary, or None."""

SHORTEST_PART = 2
"""Letters; single ones are in the dictionary by their names, and would spell any word."""

VOWELS = "aeiou"

_VOICELESS = frozenset({"P", "T", "K", "F", "TH"})
_SIBILANT = frozenset({"S", "Z", "SH", "ZH", "CH", "JH"})

_GROUPS: dict[str, str] = {
    **{"tion": "SH AH N", "sion": "ZH AH N", "ture": "CH ER", "ough": "AO", "augh": "AO", "eigh": "EY"},
    **{"igh": "AY", "tch": "CH", "dge": "JH", "sch": "S K", "que": "K", "air": "EH R", "ear": "IH R", "eer": "IH R"},
    **{"our": "AO R", "oor": "AO R", "ous": "AH S", "all": "AO L", "ing": "IH NG", "ang": "AE NG", "ong": "AO NG"},
    **{"ung": "AH NG", "eng": "EH NG", "alk": "AO K", "wor": "W ER", "war": "W AO R", "qua": "K W AA"},
    **{"ai": "EY", "ay": "EY", "au": "AO", "aw": "AO", "ar": "AA R", "ea": "IY", "ee": "IY", "ei": "EY", "eu": "UW"},
    **{"ew": "UW", "er": "ER", "ey": "IY", "ie": "IY", "ir": "ER", "oa": "OW", "oe": "OW", "oi": "OY", "oy": "OY"},
    **{"oo": "UW", "ou": "AW", "ow": "OW", "or": "AO R", "ue": "UW", "ui": "UW", "ur": "ER", "yr": "ER"},
    **{"ch": "CH", "ck": "K", "ph": "F", "sh": "SH", "th": "TH", "wh": "W", "gh": "G", "kn": "N", "wr": "R"},
    **{"ng": "NG", "nk": "NG K", "qu": "K W", "sc": "S K", "dg": "JH", "mb": "M B", "zz": "Z", "x": "K S"},
    **{"a": "AE", "b": "B", "c": "K", "d": "D", "e": "EH", "f": "F", "g": "G", "h": "HH", "i": "IH", "j": "JH"},
    **{"k": "K", "l": "L", "m": "M", "n": "N", "o": "AA", "p": "P", "q": "K", "r": "R", "s": "S", "t": "T"},
    **{"u": "AH", "v": "V", "w": "W", "y": "IY", "z": "Z"},
}
_LONGEST_GROUP = max(map(len, _GROUPS))
_AT_THE_END = {"e": "", "es": "Z", "ed": "D", "a": "AH", "o": "OW", "i": "IY", "y": "IY", "le": "AH L", "mb": "M"}
_SOFT = {"c": "S", "g": "JH"}
_LONG_VOWEL = {"a": "EY", "e": "IY", "i": "AY", "o": "OW", "u": "UW", "y": "AY"}


def pronounce(word: str, look_up: LookUp) -> Phones | None:
    """The phones of a word of `a` to `z` and apostrophes; None where it has no sound, such as a lone apostrophe."""
    return look_up(word) or _with_ending(word, look_up) or _put_together(word, look_up) or spell_out(word) or None


def spell_out(word: str) -> Phones:
    """Letter group by letter group, from the left; empty for a word without letters."""
    letters = "".join(letter for letter in word if letter in _GROUPS)
    phones: list[str] = []
    at = 0
    while at < len(letters):
        group, said = _next_group(letters, at)
        phones += said.split()
        at += len(group)
    return tuple(phone for phone, before in zip(phones, [None, *phones], strict=False) if phone != before)


def _next_group(letters: str, at: int) -> tuple[str, str]:
    rest = letters[at:]
    if at and rest in _AT_THE_END:
        return rest, _AT_THE_END[rest]
    if rest[0] in _SOFT and rest[1:2] in ("e", "i", "y"):
        return rest[0], _SOFT[rest[0]]
    if rest[0] in _LONG_VOWEL and rest[2:] == "e" and rest[1] not in VOWELS:  # as in "make"
        return rest[0], _LONG_VOWEL[rest[0]]
    return next((rest[:size], _GROUPS[rest[:size]]) for size in range(_LONGEST_GROUP, 0, -1) if rest[:size] in _GROUPS)


def _with_ending(word: str, look_up: LookUp) -> Phones | None:
    """A known word with a plural, a possessive, a past or an "-ing"."""
    for ending, stem in (("'s", word[:-2]), ("s'", word[:-1]), ("s", word[:-1]), ("ed", word[:-2]), ("ing", word[:-3])):
        if not word.endswith(ending) or len(stem) < SHORTEST_PART:
            continue
        if phones := look_up(stem) or look_up(stem + "e"):
            return (*phones, *_ending_after(phones[-1], ending))
    return None


def _ending_after(last: str, ending: str) -> Phones:
    if ending == "ing":
        return ("IH", "NG")
    if ending == "ed" and last in ("T", "D"):
        return ("IH", "D")
    if ending == "ed":
        return ("T",) if last in _VOICELESS | {"S", "SH", "CH"} else ("D",)
    if last in _SIBILANT:
        return ("IH", "Z")
    return ("S",) if last in _VOICELESS else ("Z",)


def _put_together(word: str, look_up: LookUp) -> Phones | None:
    """Two known words in one, as evenly as possible."""
    middle = len(word) / 2
    for cut in sorted(range(SHORTEST_PART, len(word) - SHORTEST_PART + 1), key=lambda cut: (abs(cut - middle), cut)):
        first, second = look_up(word[:cut]), look_up(word[cut:])
        if first and second:
            return first + second
    return None
