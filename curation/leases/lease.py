"""One batch's lease: renewed while it is worked on, and given back where something was out of reach.

A lease tells workers and runs apart from one another, and no more: that nothing is recorded twice, or without consent,
is the commit gate's to see to. Clocks of machines that share the work must agree to within a few seconds.
"""

import threading
import time
from collections.abc import Iterable, Sequence
from datetime import timedelta
from types import TracebackType
from typing import Self

import structlog

from corpus.collaborators import Collaborators
from corpus.errors import Transient
from corpus.words import UtteranceId
from curation.leases import queries

LASTS = timedelta(seconds=60)
"""After so long without a sign of life a worker counts as dead. A writer may wait 30 s for its turn on SQLite."""

RENEWED_EVERY = timedelta(seconds=15)

LONGEST = timedelta(minutes=30)
"""A worker that is alive and stuck loses its batch all the same."""

ALONE_AFTER = 2
"""An utterance whose batch has died so often is tried without others."""

ATTEMPTS = 3
"""One that was begun so often and never ended is poison: it is recorded as failed."""

POISON = "poison"
"""The reason of that failure."""

GIVES_BACK_TRIES = 3

log = structlog.get_logger()


class Lease:
    """A context manager around the work on utterances that were claimed for `holder`."""

    def __init__(
        self,
        house: Collaborators,
        holder: str,
        utterance_ids: Iterable[UtteranceId],
        renewed_every: timedelta = RENEWED_EVERY,
    ) -> None:
        self._house, self._holder, self._renewed_every_s = house, holder, renewed_every.total_seconds()
        self._open = set(utterance_ids)
        self._ended = threading.Event()
        self._heart = threading.Thread(target=self._beat, name="lease", daemon=True)

    def __enter__(self) -> Self:
        if self._open:
            self._heart.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ended.set()
        if self._heart.ident is not None:
            self._heart.join()
        self._give_back(sorted(self._open))

    def finished(self, utterance_ids: Iterable[UtteranceId]) -> None:
        """These were recorded, or need not be; what is left at the end is given back."""
        self._open.difference_update(utterance_ids)

    def _beat(self) -> None:
        until = time.monotonic() + LONGEST.total_seconds()
        held = sorted(self._open)
        while not self._ended.wait(self._renewed_every_s) and time.monotonic() < until:
            try:
                with self._house.database.writing() as session:
                    queries.renew(session, self._holder, held, self._house.clock() + LASTS)
            except Transient as error:
                log.warning("lease_not_renewed", error=type(error).__name__)

    def _give_back(self, left: Sequence[UtteranceId]) -> None:
        """Waits for the database a little: a lease that runs out counts as a death."""
        for _ in range(GIVES_BACK_TRIES if left else 0):
            try:
                with self._house.database.writing() as session:
                    queries.give_back(session, self._holder, left)
                return
            except Transient as error:
                log.warning("lease_not_given_back", error=type(error).__name__, utterances=len(left))
                time.sleep(error.retry_after.total_seconds())
