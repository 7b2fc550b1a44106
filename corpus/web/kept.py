"""Keeps what a page of numbers has counted for a while, whoever asks and however often."""

from collections.abc import Callable
from datetime import datetime, timedelta
from threading import Lock
from typing import Generic, TypeVar

from corpus.collaborators import Collaborators

T = TypeVar("T")

SHARE_OF_TIME = 20
"""Counting takes one part of so many at most, however much there is to count."""


class Kept(Generic[T]):
    """What was counted last. One counts anew; who comes meanwhile gets the last, and waits only for the first."""

    def __init__(self, count: Callable[[Collaborators], T], kept_for: timedelta) -> None:
        self._count, self._kept_for = count, kept_for
        self._last: tuple[datetime, T] | None = None  # until when it is kept
        self._counting = Lock()

    def get(self, house: Collaborators) -> T:
        last = self._last
        if last is not None and house.clock() < last[0]:
            return last[1]
        if not self._counting.acquire(blocking=last is None):
            assert last is not None
            return last[1]
        try:
            if self._last is None or self._last is last:
                began = house.clock()
                counted, ended = self._count(house), house.clock()
                self._last = max(began + self._kept_for, ended + (SHARE_OF_TIME - 1) * (ended - began)), counted
            return self._last[1]
        finally:
            self._counting.release()
