"""A withdrawal at the worst moment: right before one transaction of ours begins, on a connection of its own."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from threading import Lock

from sqlalchemy.orm import Session

from corpus.collaborators import Collaborators
from corpus.database import Database

Act = Callable[[], None]


@dataclass(frozen=True, slots=True)
class Moment:
    """Before the so-manieth transaction that this function opens, itself or by what it calls."""

    function: str
    """`module:name`."""
    transaction: int = 1

    @property
    def module(self) -> str:
        return self.function.partition(":")[0]

    @property
    def name(self) -> str:
        return self.function.partition(":")[2]

    def is_here(self) -> bool:
        """Whether the function runs, in this thread."""
        frame = sys._getframe()
        while frame.f_back is not None:
            frame = frame.f_back
            if frame.f_code.co_name == self.name and frame.f_globals.get("__name__") == self.module:
                return True
        return False


class WatchedDatabase(Database):
    """Calls `before` as a transaction is about to begin, while it holds nothing."""

    def __init__(self, url: str, before: Act) -> None:
        super().__init__(url)
        self._before = before

    @contextmanager
    def reading(self) -> Iterator[Session]:
        self._before()
        with super().reading() as session:
            yield session

    @contextmanager
    def writing(self) -> Iterator[Session]:
        self._before()
        with super().writing() as session:
            yield session


class Happening:
    """An act that happens once, at its moment."""

    def __init__(self, moment: Moment, act: Act) -> None:
        self._moment = moment
        self._act = act
        self._lock = Lock()
        self._left = moment.transaction
        self.happened = False

    def __call__(self) -> None:
        with self._lock:
            if not self._moment.is_here():
                return
            self._left -= 1
            if self._left == 0:
                self._act()
                self.happened = True


@contextmanager
def right_before(house: Collaborators, moment: Moment, act: Act) -> Iterator[Collaborators]:
    """The same house, with something that happens to it then. Fails where the moment never came."""
    happening = Happening(moment, act)
    database = WatchedDatabase(house.database.url, happening)
    try:
        yield replace(house, database=database)
    finally:
        database.close()
    if not happening.happened:
        raise AssertionError(f"{moment} never came")
