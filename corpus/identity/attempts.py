"""Counts wrong guesses, so that nobody can go on guessing: of passwords, and of the codes that devices show.

A guess is counted before it is looked at, and taken back where it was right: guesses that are sent at once count
each. The first failure of a row sets the time at which all are forgotten, so that a slow trickle of wrong guesses
never keeps the rightful owner out. What is counted is known by a keyed digest alone.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from corpus.errors import RateLimited
from corpus.identity import queries
from corpus.keys import MasterKey


@dataclass(frozen=True, slots=True)
class Limit:
    """How many failures are borne within a time."""

    name: str
    failures: int
    within: timedelta


@dataclass(frozen=True, slots=True)
class Counter:
    """What a failure counts against."""

    lookup: str
    limit: Limit


def counter(master: MasterKey, limit: Limit, *who: str) -> Counter:
    return Counter(master.digest("failed attempts", "\0".join((limit.name, *who)).encode()), limit)


def count(session: Session, counters: Iterable[Counter], now: datetime) -> None:
    """Counts a failure before it is known to be one. Raises `RateLimited` where a counter is used up.

    The caller commits a failure, and calls `take_back` for what turned out right. In one order: two never deadlock.
    """
    queries.forget_old_failures(session, now)
    for each in sorted(counters, key=lambda one: one.lookup):
        failures, forgotten_at = queries.count_failure(session, each.lookup, now, now + each.limit.within)
        if failures > each.limit.failures:
            raise RateLimited(forgotten_at - now)


def take_back(session: Session, counters: Iterable[Counter]) -> None:
    """That guess was right."""
    for each in sorted(counters, key=lambda one: one.lookup):
        queries.take_failure_back(session, each.lookup)


def forget(session: Session, counter: Counter) -> None:
    """All failures of this row are forgiven."""
    queries.forget_failures(session, counter.lookup)
