"""Lets threads that all wait to commit share one transaction, because each commit waits for the disk.

A thread hands in a piece of work. If nobody is committing it leads: it runs every piece that has come together so far,
and commits once. Those that come meanwhile wait for the next round, which one of them leads. (DeWitt et al.,
"Implementation techniques for main memory database systems", SIGMOD 1984, section 5.2: group commit.)
"""

import threading
from collections.abc import Callable, Sequence
from typing import Any, Generic, TypeVar

from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from corpus.errors import LoanwordError

Result = TypeVar("Result")


class Piece(Generic[Result]):
    """One thread's work and what came of it."""

    def __init__(self, work: Callable[[Session], Result]) -> None:
        self._work = work
        self._results: list[Result] = []
        self._error: BaseException | None = None
        self.is_done = False
        self.wake = threading.Event()

    def run(self, session: Session) -> None:
        """A refusal is this piece's alone: it has written nothing. Any other error is everybody's."""
        try:
            self._results.append(self._work(session))
        except (LoanwordError, IntegrityError) as error:
            self._error = error

    def finish(self, error: BaseException | None) -> None:
        self._error = self._error or error
        self.is_done = True
        self.wake.set()

    def result(self) -> Result:
        if self._error is not None:
            raise self._error
        return self._results[0]


class GroupCommit:
    """`transaction` runs pieces in one transaction, and returns once that is committed."""

    def __init__(self, transaction: Callable[[Sequence[Piece[Any]]], None]) -> None:
        self._transaction = transaction
        self._mutex = threading.Lock()
        self._waiting: list[Piece[Any]] = []
        self._somebody_leads = False

    def commit(self, work: Callable[[Session], Result]) -> Result:
        """What `work` returns, committed; or its error, or the transaction's."""
        piece = Piece(work)
        with self._mutex:
            self._waiting.append(piece)
            leads, self._somebody_leads = not self._somebody_leads, True
        if not leads:
            piece.wake.wait()
        if not piece.is_done:
            self._lead()
        return piece.result()

    def _lead(self) -> None:
        with self._mutex:
            round_, self._waiting = self._waiting, []
        error: BaseException | None = None
        try:
            self._transaction(round_)
        except BaseException as failure:  # whatever it is, nobody may wait for ever
            error = failure
        for piece in round_:
            piece.finish(error)
        with self._mutex:
            self._somebody_leads = bool(self._waiting)
            if self._waiting:
                self._waiting[0].wake.set()
