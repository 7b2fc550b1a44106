"""Lets threads that all wait to commit share one transaction, because each commit waits for the disk.

A thread hands in its pieces of work. If nobody is committing it leads: it runs all pieces that have come together so
far, and commits once. Those that come meanwhile wait for the next round, which one of them leads. (DeWitt et al.,
"Implementation techniques for main memory database systems", SIGMOD 1984, section 5.2: group commit.)
"""

import threading
from collections.abc import Callable, Sequence
from typing import Any, Generic, TypeVar

from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from corpus.errors import LoanwordError

Result = TypeVar("Result")


class Share(Generic[Result]):
    """What one thread has brought, and what came of it."""

    def __init__(self, pieces: Sequence[Callable[[Session], Result]]) -> None:
        self._pieces = pieces
        self.outcomes: list[Result | Exception] = []
        self.is_done = False
        self.wake = threading.Event()

    def run(self, session: Session) -> None:
        """A refusal is its piece's alone: it has written nothing. Any other error is everybody's."""
        for piece in self._pieces:
            try:
                self.outcomes.append(piece(session))
            except (LoanwordError, IntegrityError) as refusal:
                self.outcomes.append(refusal)

    def finish(self, error: Exception | None) -> None:
        """With an error nothing was committed, as far as anybody knows; who was refused stays refused."""
        if error is not None:
            ran = [*self.outcomes, *[error] * (len(self._pieces) - len(self.outcomes))]
            self.outcomes = [each if isinstance(each, Exception) else error for each in ran]
        self.is_done = True
        self.wake.set()


class GroupCommit:
    """`transaction` runs shares in one transaction, and returns once that is committed."""

    def __init__(self, transaction: Callable[[Sequence[Share[Any]]], None]) -> None:
        self._transaction = transaction
        self._mutex = threading.Lock()
        self._waiting: list[Share[Any]] = []
        self._somebody_leads = False

    def commit(self, pieces: Sequence[Callable[[Session], Result]]) -> list[Result | Exception]:
        """For each piece what it returns, committed; or its error, or the transaction's."""
        share = Share(pieces)
        with self._mutex:
            self._waiting.append(share)
            leads, self._somebody_leads = not self._somebody_leads, True
        if not leads:
            share.wake.wait()
        if not share.is_done:
            self._lead()
        return share.outcomes

    def _lead(self) -> None:
        with self._mutex:
            round_, self._waiting = self._waiting, []
        error: Exception | None = RuntimeError("The transaction was cut short.")
        try:
            self._transaction(round_)
            error = None
        except Exception as failure:  # whatever it is, nobody may wait for ever
            error = failure
        finally:
            for share in round_:
                share.finish(error)
            with self._mutex:
                self._somebody_leads = bool(self._waiting)
                if self._waiting:
                    self._waiting[0].wake.set()
