"""What must have happened before anything opens: whatever the database has forgotten, the object store tells it.

A database that was restored, by us or by anybody, is older than its surroundings. Its ledger is completed, so that it
never has two histories; what was withdrawn or deleted since happens again; releases go on above what the world has
seen. On a database that is up to date it changes nothing.
"""

from dataclasses import dataclass

from corpus import head_copies
from corpus.collaborators import Collaborators
from export.state import settle_serials
from ingest import journal


@dataclass(frozen=True, slots=True)
class CaughtUp:
    """What came from outside."""

    leaves: int
    """Of the ledger, without what they said."""
    erasures: int
    """Withdrawals and deletions that happened again."""


def catch_up(house: Collaborators) -> CaughtUp:
    """Raises `LedgerBroken`, `JournalUnreadable`, or a `StoreError`: then nothing may open."""
    leaves = head_copies.complete(house)
    again = journal.replay(house).again
    settle_serials(house)  # last, for it signs and publishes how the releases stand
    return CaughtUp(leaves, again)
