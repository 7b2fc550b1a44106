"""SQL of the leases. Which utterances may be curated at all is asked in `curation/queries.py`, in the same transaction.

A row is made by the first claim and deleted by the commit that records the clip; there are as many as utterances that
are being worked on, or were when somebody died.
"""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import ColumnElement, delete, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from corpus.tables import CurationLease
from corpus.words import UtteranceId


def take(
    session: Session, holder: str, utterance_ids: Sequence[UtteranceId], now: datetime, until: datetime
) -> dict[UtteranceId, int]:
    """Leases those that nobody else holds now: each with the number of attempts, this one included.

    One statement, which two claims at once cannot both win. A holder takes over from itself: a batch that is given
    out again after its worker died keeps its holder.
    """
    if not utterance_ids:
        return {}
    insert = sqlite.insert if session.get_bind().dialect.name == "sqlite" else postgresql.insert
    rows = [{"utterance_id": each, "holder": holder, "until": until, "attempts": 1} for each in sorted(utterance_ids)]
    free = or_(CurationLease.until.is_(None), CurationLease.until <= now, CurationLease.holder == holder)
    taken = (
        insert(CurationLease)
        .values(rows)
        .on_conflict_do_update(
            index_elements=[CurationLease.utterance_id],
            set_={"holder": holder, "until": until, "attempts": CurationLease.attempts + 1},
            where=free,
        )
        .returning(CurationLease.utterance_id, CurationLease.attempts)
    )
    return dict(session.execute(taken).all())


def renew(session: Session, holder: str, utterance_ids: Sequence[UtteranceId], until: datetime) -> None:
    session.execute(update(CurationLease).where(*_held(holder, utterance_ids)).values(until=until))


def give_back(session: Session, holder: str, utterance_ids: Sequence[UtteranceId]) -> None:
    """Lets anybody have them, as if this attempt had not been: something was out of reach, and nobody died."""
    session.execute(
        update(CurationLease)
        .where(*_held(holder, utterance_ids))
        .values(holder=None, until=None, attempts=CurationLease.attempts - 1)
    )


def forget(session: Session, utterance_ids: Sequence[UtteranceId]) -> None:
    """For what has its clip, or may not be used any more."""
    session.execute(delete(CurationLease).where(CurationLease.utterance_id.in_(list(utterance_ids))))


def tried(session: Session, utterance_ids: Sequence[UtteranceId], at_least: int) -> set[UtteranceId]:
    """Which of these were begun so often, and not ended."""
    return set(
        session.scalars(
            select(CurationLease.utterance_id).where(
                CurationLease.utterance_id.in_(list(utterance_ids)), CurationLease.attempts >= at_least
            )
        )
    )


def _held(holder: str, utterance_ids: Sequence[UtteranceId]) -> tuple[ColumnElement[bool], ...]:
    return CurationLease.holder == holder, CurationLease.utterance_id.in_(list(utterance_ids))
