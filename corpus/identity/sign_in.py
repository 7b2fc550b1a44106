"""Signs a person in by e-mail address and password, with few slow password checks at a time."""

from collections.abc import Iterator
from contextlib import contextmanager
from threading import BoundedSemaphore

from corpus.collaborators import Collaborators
from corpus.errors import Overloaded
from corpus.identity import accounts, queries
from corpus.words import AccountId

AT_A_TIME = 2
IN_LINE = 8
WAIT_S = 3.0


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


def sign_in(house: Collaborators, checks: PasswordChecks, email: str, password: str) -> AccountId:
    """Whose address and password these are. Raises `Unauthenticated`, `RateLimited` or `Overloaded`.

    The count of failures is read and written within one turn: of guesses sent at once, only `AT_A_TIME` slip past it.
    """
    lookup = accounts.email_lookup(house.master, email)
    with checks.turn():
        with house.database.reading() as session:
            known = queries.credentials(session, lookup)
        matches = accounts.password_matches(known, password, house.clock())
        with house.database.writing() as session:
            accounts.record_sign_in(session, known, matches, house.clock())
    return accounts.signed_in(known, matches)
