"""Two acts of one house, interleaved as a seed says: one step of one of them at a time.

Each act works through collaborators of its own (connections, store, keys, clock) that come to a stop at every named
point: before and within each transaction, before each word to the store, at each look at the clock. Whoever holds the
turn goes on to its next point; then chance gives the turn away again. An act that waits for a lock of the other one is
seen to wait (by SQLite's one writer, or in PostgreSQL's own list of activities), and the other goes on.

An act may use threads: they are stopped as it is. Then the order within the act is the machine's.
"""

import random
import threading
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import BinaryIO

from sqlalchemy import text
from sqlalchemy.orm import Session

from corpus.collaborators import Collaborators
from corpus.database import Database
from corpus.keys import Keyring
from corpus.object_store import ObjectInfo, ObjectStore
from corpus.stores import open_store
from corpus.vault import Vault

STUCK_AFTER_S = 60.0
LOOKS_EVERY_S = 0.002

BEGIN_READING, BEGIN_WRITING, COMMIT, COMMITTED, CLOCK = "read", "write", "commit", "committed", "clock"


class Stuck(AssertionError):
    """Neither act went on."""


@dataclass
class Act:
    """One of the two, as the scheduler sees it."""

    name: str
    parked: list["Stop"] = field(default_factory=list)
    is_writing: bool = False
    is_done: bool = False
    error: BaseException | None = None


@dataclass(eq=False)
class Stop:
    """A thread that waits for its turn at a point."""

    point: str
    go: threading.Event = field(default_factory=threading.Event)


class Turns:
    """Gives the turn to one of two acts, again and again, until both are done.

    The second begins anywhere within the first, which has about so many steps; from then on they alternate by chance.
    """

    def __init__(
        self, chance: random.Random, names: tuple[str, str], steps: int, waits_for_a_lock: Callable[[], bool]
    ) -> None:
        self.order: list[tuple[str, str]] = []
        """Who was given the turn, and at which point."""
        self._chance = chance
        self._alone = chance.randint(0, steps)
        self._leaning = chance.uniform(0.1, 0.9)
        self._acts = {name: Act(name) for name in names}
        self._first = names[0]
        self._waits_for_a_lock = waits_for_a_lock
        self._changed = threading.Condition()
        self._is_on = False

    def point(self, name: str, point: str) -> None:
        """Called by an act's threads: returns when it is their turn."""
        with self._changed:
            if not self._is_on:
                return
            stop = Stop(point)
            self._acts[name].parked.append(stop)
            self._changed.notify_all()
        if not stop.go.wait(STUCK_AFTER_S):
            raise Stuck(f"{name} at {point}")

    def writes(self, name: str, is_writing: bool) -> None:
        self._acts[name].is_writing = is_writing

    def run(self, acts: Mapping[str, Callable[[], None]]) -> dict[str, BaseException | None]:
        """Runs both to their ends; what each raised."""
        threads = [threading.Thread(target=self._live, args=(self._acts[name], act)) for name, act in acts.items()]
        self._is_on = True
        for thread in threads:
            thread.start()
        self._settle()
        while not all(act.is_done for act in self._acts.values()):
            act = self._next()
            stop = act.parked.pop(0)
            self.order.append((act.name, stop.point))
            stop.go.set()
            self._settle()
        self._is_on = False
        for thread in threads:
            thread.join()
        return {name: act.error for name, act in self._acts.items()}

    def _live(self, act: Act, do: Callable[[], None]) -> None:
        try:
            self.point(act.name, "start")
            do()
        except BaseException as error:  # handed to whoever runs both
            act.error = error
        with self._changed:
            act.is_done = True
            self._changed.notify_all()

    def _next(self) -> Act:
        able = [act for act in self._acts.values() if act.parked and not self._would_wait(act)]
        if not able:
            raise Stuck(f"nobody can go on after {self.order}")
        first = self._acts[self._first]
        if len(able) == 1:
            return able[0]
        if len(self.order) < self._alone:
            return first
        return first if self._chance.random() < self._leaning else next(act for act in able if act is not first)

    def _would_wait(self, act: Act) -> bool:
        """On SQLite, where one writer at a time is a fact: nobody begins to write while the other writes."""
        others = [other for other in self._acts.values() if other is not act]
        return act.parked[0].point == BEGIN_WRITING and any(other.is_writing for other in others)

    def _settle(self) -> None:
        """Returns once each act is at a point or done; or one is, and the other waits for its lock."""
        deadline = time.monotonic() + STUCK_AFTER_S
        with self._changed:
            while moving := [act for act in self._acts.values() if not act.parked and not act.is_done]:
                self._changed.wait(LOOKS_EVERY_S)
                if any(act.parked for act in self._acts.values()) and self._waits_for_a_lock():
                    return
                if time.monotonic() > deadline:
                    raise Stuck(f"{[act.name for act in moving]} after {self.order}")


class TurnsDatabase(Database):
    """Stops before each transaction, before its commit, and after that."""

    def __init__(self, url: str, side: "Side") -> None:
        super().__init__(url)
        self._side = side

    @contextmanager
    def reading(self) -> Iterator[Session]:
        self._side.stop(BEGIN_READING)
        self._side.transactions += 1
        with super().reading() as session:
            yield session

    @contextmanager
    def writing(self) -> Iterator[Session]:
        self._side.stop(BEGIN_WRITING)
        self._side.transactions += 1
        self._side.writes(self.is_sqlite)
        try:
            with super().writing() as session:
                yield session
                self._side.stop(COMMIT)
        finally:
            self._side.writes(False)
        self._side.committed()
        self._side.stop(COMMITTED)


class TurnsStore:
    """Stops before every word to a store."""

    def __init__(self, store: ObjectStore, name: str, side: "Side") -> None:
        self._store, self._name, self._side = store, name, side

    def put(self, key: str, data: bytes | memoryview | Iterable[bytes]) -> ObjectInfo:
        self._side.stop(f"{self._name} put")
        return self._store.put(key, data)

    def open(self, key: str, offset: int = 0) -> BinaryIO:
        self._side.stop(f"{self._name} open")
        return self._store.open(key, offset)

    def head(self, key: str) -> ObjectInfo:
        self._side.stop(f"{self._name} head")
        return self._store.head(key)

    def list(self, prefix: str) -> Iterator[ObjectInfo]:
        self._side.stop(f"{self._name} list")
        return self._store.list(prefix)

    def erase(self, key: str) -> None:
        self._side.stop(f"{self._name} erase")
        self._store.erase(key)

    def erase_all(self, keys: Collection[str]) -> None:
        self._side.stop(f"{self._name} erase")
        self._store.erase_all(keys)


class Side:
    """The house as one of the two acts has it: a process of its own, but for the points at which it stops."""

    def __init__(self, house: Collaborators, name: str) -> None:
        self.name = name
        self.turns: Turns | None = None
        self.transactions = 0
        """How many this act has begun."""
        self.on_commit: Callable[[], None] = lambda: None
        """Called when a writing transaction of this act is committed, before anyone goes on."""
        self._clock = house.clock
        settings = house.settings
        self._database = TurnsDatabase(house.database.url, self)
        objects = TurnsStore(house.store, "store", self)
        keys = open_store(settings.resolved_key_store(), s3_endpoint_url=settings.s3_endpoint_url)
        self.house = replace(
            house,
            database=self._database,
            store=objects,
            vault=Vault(objects),
            keyring=Keyring(house.master, TurnsStore(keys, "keys", self)),
            clock=self._ask_the_clock,
        )

    def stop(self, point: str) -> None:
        if self.turns is not None:
            self.turns.point(self.name, point)

    def writes(self, is_writing: bool) -> None:
        if self.turns is not None:
            self.turns.writes(self.name, is_writing)

    def committed(self) -> None:
        self.on_commit()

    def close(self) -> None:
        self._database.close()

    def _ask_the_clock(self) -> datetime:
        self.stop(CLOCK)
        return self._clock()


def lock_watch(house: Collaborators) -> Callable[[], bool]:
    """Tells whether a connection to this database waits for a lock right now; on SQLite nobody is let into one."""
    if house.database.url.startswith("sqlite"):
        return lambda: False
    waiting = text("SELECT 1 FROM pg_locks WHERE NOT granted LIMIT 1")

    def look() -> bool:
        with house.database.reading() as session:
            return session.execute(waiting).first() is not None

    return look
