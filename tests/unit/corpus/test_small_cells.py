"""The small-cell rule, against whoever adds and subtracts what is told."""

from collections import Counter
from itertools import chain, combinations
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from corpus.small_cells import FEWEST, at_least, coarsened

CROWDS = st.lists(st.sampled_from(["18_29", "30_44", "45_59", "60_or_older", None]), max_size=90).map(
    lambda answers: dict(enumerate(answers))
)
OTHERS = st.integers(0, 20)


def crowd(**people: int) -> dict[str, str | None]:
    return {f"{answer}{number}": answer for answer, many in people.items() for number in range(many)}


@given(CROWDS, OTHERS)
def test_no_sum_and_no_difference_is_of_a_few(told: dict[int, str | None], others: int) -> None:
    """Whichever answers are added up, and whether or not that is taken from everybody."""
    people = Counter(coarsened(told, others=others).values())
    people[None] += others
    answers = [answer for answer in people if answer is not None]
    if not answers:
        return  # nothing is told, and so nothing can be taken off

    sums = [
        sum(people[answer] for answer in added)
        for added in chain.from_iterable(combinations(answers, size) for size in range(1, len(answers) + 1))
    ]
    assert all(each >= FEWEST for each in sums)
    assert all(people.total() - each >= FEWEST or people.total() == each for each in sums)


@given(CROWDS, OTHERS)
def test_nobody_is_told_what_they_did_not_tell(told: dict[int, str | None], others: int) -> None:
    coarse = coarsened(told, others=others)

    assert coarse.keys() == told.keys()
    assert all(answer in (None, told[person]) for person, answer in coarse.items())


@given(CROWDS, OTHERS, st.integers())
def test_the_order_of_people_changes_nothing(told: dict[int, str | None], others: int, seed: int) -> None:
    shuffled = list(told.items())
    Random(seed).shuffle(shuffled)

    assert coarsened(dict(shuffled), others=others) == coarsened(told, others=others)


def test_eleven_are_told_and_ten_are_not() -> None:
    coarse = coarsened(crowd(woman=11, man=10), others=1)

    assert Counter(coarse.values()) == {"woman": 11, None: 10}


def test_one_alone_takes_the_rarest_answer_along() -> None:
    coarse = coarsened(crowd(woman=30, man=12, another=1))

    assert Counter(coarse.values()) == {"woman": 30, None: 13}


def test_where_everybody_is_told_of_nobody_is_left_to_hide() -> None:
    coarse = coarsened(crowd(woman=30, man=12))

    assert Counter(coarse.values()) == {"woman": 30, "man": 12}


@pytest.mark.parametrize(
    ("people", "told"), [(11, 11), (19, 11), (20, 20), (49, 20), (50, 50), (99, 50), (100, 100), (4321, 2000)]
)
def test_people_are_counted_in_round_numbers(people: int, told: int) -> None:
    assert at_least(people) == told


def test_of_ten_people_no_number_is_told() -> None:
    with pytest.raises(ValueError, match="Nothing may be told of 10 people"):
        at_least(10)
