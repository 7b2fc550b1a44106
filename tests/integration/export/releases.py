"""What the tests of releases share: voices lent, stores and clocks that interfere, and a look at the store."""

import hashlib
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import replace
from datetime import datetime
from threading import Event, Thread
from typing import BinaryIO

from corpus import object_keys
from corpus.collaborators import Collaborators
from corpus.object_store import ObjectInfo, ObjectStore
from corpus.vault import Vault
from corpus.words import Clock, Split
from export.policy import MIB, Policy
from tests.factories import Lender, make_clip, make_lender, tone

NAME, VERSION = "commands", "1.0"
SMALL_SHARDS = Policy(shard_max_bytes=MIB, shares={Split.TRAIN: 1.0, Split.DEV: 0.0, Split.TEST: 0.0})
PREFIX = object_keys.release_prefix(NAME, VERSION)


def lend(
    house: Collaborators, *, speakers: int = 3, clips: int = 2, duration_s: float = 1.5, from_hz: float = 200
) -> list[Lender]:
    """So many speakers with so many accepted clips each."""
    lenders = [make_lender(house) for _ in range(speakers)]
    for number, lender in enumerate(lenders):
        for clip in range(clips):
            pcm = tone(duration_s=duration_s + 0.1 * clip, frequency_hz=from_hz + 10 * number + clip)
            make_clip(house, lender, pcm=pcm, label="turn on the lights")
    return lenders


def on_store(house: Collaborators, store: ObjectStore) -> Collaborators:
    return replace(house, store=store, vault=Vault(store))


def stored(house: Collaborators, prefix: str = PREFIX) -> dict[str, str]:
    """Every object of a release with the digest of its bytes."""
    return {
        info.key.removeprefix(prefix): hashlib.sha256(content(house, info.key)).hexdigest()
        for info in house.store.list(prefix)
    }


def content(house: Collaborators, key: str) -> bytes:
    with house.store.open(key) as file:
        return file.read()


class InterferingStore:
    """A store that does something just before it puts an object whose name ends so, the first time."""

    def __init__(self, store: ObjectStore, name: str, interfere: Callable[[], None]) -> None:
        self._store = store
        self._name = name
        self._interfere: Callable[[], None] | None = interfere

    def put(self, key: str, data: bytes | memoryview | Iterable[bytes]) -> ObjectInfo:
        if key.endswith(self._name) and self._interfere:
            interfere, self._interfere = self._interfere, None
            interfere()
        return self._store.put(key, data)

    def open(self, key: str, offset: int = 0) -> BinaryIO:
        return self._store.open(key, offset)

    def head(self, key: str) -> ObjectInfo:
        return self._store.head(key)

    def list(self, prefix: str) -> Iterator[ObjectInfo]:
        return self._store.list(prefix)

    def erase(self, key: str) -> None:
        self._store.erase(key)

    def erase_all(self, keys: Collection[str]) -> None:
        self._store.erase_all(keys)


def interfering(house: Collaborators, name: str, interfere: Callable[[], None]) -> Collaborators:
    return replace(house, store=InterferingStore(house.store, name, interfere))


def clock_that(clock: Clock, call: int, interfere: Callable[[], None]) -> Clock:
    """Does something at the so-manieth time it is asked, counted from one."""
    asked = 0

    def ask() -> datetime:
        nonlocal asked
        asked += 1
        if asked == call:
            interfere()
        return clock()

    return ask


class Rival:
    """Does something in another thread, and tells whether it got through while we looked."""

    def __init__(self, act: Callable[[], None]) -> None:
        self._act = act
        self._done = Event()
        self._thread = Thread(target=self._run)
        self.got_through: bool | None = None

    def start_and_look(self) -> None:
        self._thread.start()
        self.got_through = self._done.wait(0.5)

    def join(self) -> None:
        self._thread.join(20)
        assert self._done.is_set()

    def _run(self) -> None:
        self._act()
        self._done.set()
