"""Where phrases stand among words."""

from collections.abc import Iterator, Sequence

Phrases = Sequence[tuple[str, ...]]


def after_each(words: Sequence[str], phrases: Phrases) -> Iterator[int]:
    """The place after every phrase, wherever it stands."""
    return (stop for _, stop in spans(words, phrases))


def starts(words: Sequence[str], phrases: Phrases) -> Iterator[int]:
    """The place at which each phrase begins."""
    return (start for start, _ in spans(words, phrases))


def spans(words: Sequence[str], phrases: Phrases) -> Iterator[tuple[int, int]]:
    for place in range(len(words)):
        for phrase in phrases:
            if tuple(words[place : place + len(phrase)]) == phrase:
                yield place, place + len(phrase)
