"""The words of a hypothesis, as spans count them: those of the label that it would be, where it can be one."""

from corpus.alphabet import alphabet_for
from corpus.errors import LoanwordError


def heard_words(text: str, locale: str) -> tuple[str, ...]:
    alphabet = alphabet_for(locale)
    if alphabet is None:
        return tuple(text.split())
    try:
        return tuple(alphabet.normalise(text).split())
    except LoanwordError:
        return tuple(text.split())
