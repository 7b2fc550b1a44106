"""Signs a person in by e-mail address and password, with few slow password checks at a time."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from threading import BoundedSemaphore

from corpus.collaborators import Collaborators
from corpus.errors import Overloaded, Unauthenticated
from corpus.identity import accounts, attempts, queries
from corpus.identity.attempts import Limit
from corpus.words import AccountId

AT_A_TIME = 2
IN_LINE = 8
WAIT_S = 3.0
FROM_HERE = Limit("password of an address, from one client", failures=5, within=timedelta(minutes=2))
FROM_ANYWHERE = Limit("password of an address", failures=100, within=timedelta(minutes=15))
FOR_ANYONE = Limit("password of any address, from one client", failures=50, within=timedelta(minutes=30))
"""One that guesses at many, and many that guess at one: a link or a provider lets the owner in all the same."""


class PasswordChecks:
    """How many passwords a process checks at a time: each takes 64 MiB and tens of milliseconds, on purpose.

    The line is short, so that a flood of guesses cannot hold every thread of the server.
    """

    def __init__(self, *, at_a_time: int = AT_A_TIME, in_line: int = IN_LINE, wait_s: float = WAIT_S) -> None:
        self._running = BoundedSemaphore(at_a_time)
        self._line = BoundedSemaphore(at_a_time + in_line)
        self._wait_s = wait_s

    @contextmanager
    def turn(self) -> Iterator[None]:
        """Raises `Overloaded` where the line is full, or does not move."""
        if not self._line.acquire(blocking=False):
            raise Overloaded
        try:
            if not self._running.acquire(timeout=self._wait_s):
                raise Overloaded
            try:
                yield
            finally:
                self._running.release()
        finally:
            self._line.release()


def sign_in(house: Collaborators, checks: PasswordChecks, email: str, password: str, client: str | None) -> AccountId:
    """Whose address and password these are. Raises `Unauthenticated`, `RateLimited` or `Overloaded`.

    All that is done for an address that somebody has is done for one that nobody has: neither the answer nor its time
    tells which it is. `client` is where the request came from, where that is known.
    """
    lookup = accounts.email_lookup(house.master, email)
    here = attempts.counter(house.master, FROM_HERE, lookup, client or "")
    counters = [here, attempts.counter(house.master, FROM_ANYWHERE, lookup)]
    if client is not None:
        counters.append(attempts.counter(house.master, FOR_ANYONE, client))
    with checks.turn():
        with house.database.writing() as session:
            attempts.count(session, counters, house.clock())
            known = queries.credentials(session, lookup)
        matches = accounts.password_matches(known, password)
        if matches:
            with house.database.writing() as session:
                attempts.take_back(session, counters)
                attempts.forget(session, here)
    if known is None or not matches:
        raise Unauthenticated("The e-mail address or the password is wrong.")
    return known.account_id
