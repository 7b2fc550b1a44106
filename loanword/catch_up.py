"""What must have happened before anything opens: whatever the database has forgotten, the object store tells it.

A database that was restored, by us or by anybody, is older than its surroundings. Its ledger is completed, so that it
never has two histories; what was withdrawn or deleted since happens again; releases go on above what the world has
seen. On a database that is up to date it changes nothing.
"""

from dataclasses import dataclass

from corpus import head_copies
from corpus.collaborators import Collaborators, collaborators
from corpus.settings import Settings
from corpus.words import Clock, utc_now
from export.recall import recall_releases
from export.state import settle_serials
from ingest import journal


@dataclass(frozen=True, slots=True)
class CaughtUp:
    """What came from outside."""

    leaves: int
    """Of the ledger, without what they said."""
    erasures: int
    """Withdrawals and deletions that happened again."""


def opened(settings: Settings, clock: Clock = utc_now) -> Collaborators:
    """The collaborators of a command that acts on voices or releases: no restored database is opened as it lies there.

    Raises as `collaborators` and `catch_up` do.
    """
    house = collaborators(settings, clock)
    try:
        catch_up(house)
    except BaseException:
        house.database.close()
        raise
    return house


def catch_up(house: Collaborators) -> CaughtUp:
    """Raises `LedgerBroken`, `JournalUnreadable`, or a `StoreError`: then nothing may open."""
    leaves = head_copies.complete(house)
    recall_releases(house)  # first: a tombstone keeps the day that the world was told
    again = journal.replay(house).again
    settle_serials(house)  # last, for it signs and publishes how the releases stand
    return CaughtUp(leaves, again)
