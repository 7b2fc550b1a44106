"""The small-cell rule: nothing is told of people that tells of fewer than `FEWEST` of them. Pure.

Sums over people may be shown where each is over at least `FEWEST`, and so is whatever is left of everybody once the
others are taken off. One question at a time: answers to two of them together would make cells of their own.
"""

from collections import Counter
from collections.abc import Mapping
from typing import TypeVar

FEWEST = 11

Person = TypeVar("Person")


def coarsened(told: Mapping[Person, str | None], *, others: int = 0) -> dict[Person, str | None]:
    """The answer that may be told of each person, or None. `others` are further people, who never told anything.

    An answer that fewer than `FEWEST` gave is not told. Those of whom nothing is told, the others among them, are then
    nobody, or at least as many too: where they are fewer, the rarest answer that could be told joins them. Who adds up
    and subtracts what is told learns of no fewer. The order of people changes nothing.
    """
    given = Counter(answer for answer in told.values() if answer is not None)
    kept = {answer: people for answer, people in given.items() if people >= FEWEST}
    alone = len(told) + others - sum(kept.values())
    if kept and 0 < alone < FEWEST:
        del kept[min(kept, key=lambda answer: (kept[answer], answer))]
    return {person: answer if answer in kept else None for person, answer in told.items()}


def at_least(people: int) -> int:
    """A round number that people reach: 11, 20, 50, 100, 200, … One who comes or goes seldom changes it.

    Raises `ValueError` for fewer than may be told of.
    """
    if people < FEWEST:
        raise ValueError(f"Nothing may be told of {people} people.")
    step, reached = 10, FEWEST
    while step <= people:
        reached = max(reached, *(step * times for times in (1, 2, 5) if step * times <= people))
        step *= 10
    return reached
