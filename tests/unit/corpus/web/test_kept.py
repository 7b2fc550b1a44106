"""Numbers are counted now and then, and a count that takes long more seldom."""

from datetime import timedelta
from types import SimpleNamespace
from typing import cast

import pytest

from corpus.collaborators import Collaborators
from corpus.web.kept import Kept
from tests.fixtures.house import StillClock

SECOND = timedelta(seconds=1)


@pytest.mark.parametrize(
    ("took", "kept_for"),
    [pytest.param(SECOND, 60 * SECOND, id="quick"), pytest.param(10 * SECOND, 200 * SECOND, id="slow")],
)
def test_counting_takes_a_twentieth_of_the_time_at_most(took: timedelta, kept_for: timedelta) -> None:
    clock, counts = StillClock(), iter(range(10))
    house = cast(Collaborators, SimpleNamespace(clock=clock))

    def count(_: Collaborators) -> int:
        clock.forward(took)
        return next(counts)

    kept, began = Kept(count, 60 * SECOND), clock()
    first = kept.get(house)
    clock.now = began + kept_for - SECOND / 10
    again = kept.get(house)
    clock.now = began + kept_for

    assert (first, again, kept.get(house)) == (0, 0, 1)
