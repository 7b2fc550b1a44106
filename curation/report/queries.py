"""SQL of the curation report: a handful of statements, each one pass over the clips that may be used now.

Every bin of a histogram, and every day, is a count of its own in the same pass, so that no row leaves the database.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, FromClause, Select, and_, case, func, select
from sqlalchemy.orm import InstrumentedAttribute, Session

from corpus.audio import RATE_HZ
from corpus.demographics import Field
from corpus.queries import usable_clips, usable_utterances
from corpus.sealed import SealedBytes
from corpus.tables import Account, Clip, Demographics, Hypothesis, Measurement, Review, Utterance
from corpus.words import AccountId, Decision, KeyId, Outcome, Purpose, RejectReason
from curation.report.measures import EDGES, LARGEST_SET, Measure

Bound = tuple[float | None, float | None]
"""From where, and up to where; None is without end."""


@dataclass(frozen=True, slots=True)
class Ending:
    """The clips that ended one way: how many, how much sound, and how they lie in the bins of each measure."""

    outcome: Outcome | None
    reason: str | None
    clips: int
    samples: int
    bins: Mapping[Measure, Sequence[int]]


def endings(session: Session, now: datetime) -> list[Ending]:
    """By outcome and reason; those that wait for the decision over duplicates have neither."""
    heard = (
        select(Hypothesis.clip_id, func.max(Hypothesis.confidence).label("confidence"))
        .group_by(Hypothesis.clip_id)
        .subquery()
    )
    counted = [_counted(*_column(measure, heard), bound) for measure in Measure for bound in bounds(EDGES[measure])]
    rows = session.execute(
        usable_clips(Purpose.COLLECT, now)
        .outerjoin(Measurement, Measurement.clip_id == Clip.id)
        .outerjoin(heard, heard.c.clip_id == Clip.id)
        .group_by(Clip.outcome, Clip.reason)
        .order_by(Clip.outcome, Clip.reason)
        .with_only_columns(
            Clip.outcome, Clip.reason, func.count(Clip.id), func.coalesce(func.sum(Clip.samples), 0), *counted
        )
    )
    return [
        Ending(outcome, reason, clips, int(samples or 0), _by_measure(counts))
        for outcome, reason, clips, samples, *counts in rows
    ]


def bounds(edges: Sequence[float]) -> list[Bound]:
    """The bins between these edges, and one on either side."""
    return list(zip([None, *edges], [*edges, None], strict=True))


def _column(measure: Measure, heard: FromClause) -> tuple[ColumnElement[Any], float]:
    """Where a measure stands, and how much of the column's unit its own unit is."""
    columns: dict[Measure, tuple[ColumnElement[Any], float]] = {
        Measure.DURATION_S: (Clip.samples.expression, RATE_HZ),
        Measure.RMS_DBFS: (Clip.rms_dbfs.expression, 1),
        Measure.SNR_DB: (Measurement.snr_db.expression, 1),
        Measure.SPEECH_SHARE: (Measurement.speech_s / func.nullif(Measurement.heard_s, 0), 1),
        Measure.BANDWIDTH_HZ: (Measurement.bandwidth_hz.expression, 1),
        Measure.DNSMOS_OVRL: (Measurement.dnsmos_ovrl.expression, 1),
        Measure.HEARD_CONFIDENCE: (heard.c.confidence, 1),
        Measure.CONFIDENCE: (Clip.confidence.expression, 1),
    }
    return columns[measure]


def _counted(column: ColumnElement[Any], unit: float, bound: Bound) -> ColumnElement[int]:
    begins, ends = bound
    conditions: list[ColumnElement[bool]] = [column.is_not(None)]
    if begins is not None:
        conditions.append(column >= begins * unit)
    if ends is not None:
        conditions.append(column < ends * unit)
    return func.count().filter(and_(*conditions))


def _by_measure(counts: Sequence[int]) -> dict[Measure, Sequence[int]]:
    found, at = dict[Measure, Sequence[int]](), 0
    for measure in Measure:
        size = len(EDGES[measure]) + 1
        found[measure] = counts[at : at + size]
        at += size
    return found


# What waits


@dataclass(frozen=True, slots=True)
class Queue:
    """Kept clips that may be reviewed and are not decided yet; those that want more than one curator; the oldest."""

    waiting: int
    by_several: int
    oldest_at: datetime | None


def queue(session: Session, now: datetime) -> Queue:
    kept = usable_clips(Purpose.REVIEW, now).where(Clip.outcome == Outcome.KEPT, Clip.reviewed_at.is_(None))
    by_several = func.count().filter(Clip.reviews_wanted > 1)
    row = session.execute(kept.with_only_columns(func.count(Clip.id), by_several, func.min(Clip.measured_at))).one()
    return Queue(row[0], row[1], row[2])


# Throughput


@dataclass(frozen=True, slots=True)
class PerDay:
    """What happened between two times, of what may still be used."""

    received: int
    kept: int
    dropped: int
    failed: int
    undecided: int
    reviewed: int


def per_day(session: Session, days: Sequence[tuple[datetime, datetime]], now: datetime) -> list[PerDay]:
    """For each of these days, which lie in order without gaps."""
    first = days[0][0]
    received = _daily(
        session, usable_utterances(now).where(Utterance.received_at >= first), Utterance.received_at, [None], days
    )
    measured = _daily(
        session,
        usable_clips(Purpose.COLLECT, now).where(Clip.measured_at >= first),
        Clip.measured_at,
        [*(Clip.outcome == each for each in Outcome), Clip.outcome.is_(None)],
        days,
    )
    reviews = usable_clips(Purpose.COLLECT, now).join(Review, Review.clip_id == Clip.id).where(Review.at >= first)
    reviewed = _daily(session, reviews, Review.at, [None], days)
    return [
        PerDay(came, kept, dropped, failed, undecided, heard)
        for (came,), (kept, dropped, failed, undecided), (heard,) in zip(received, measured, reviewed, strict=True)
    ]


def _daily(
    session: Session,
    of: Select[Utterance] | Select[Clip, Utterance],
    at: InstrumentedAttribute[datetime],
    kinds: Sequence[ColumnElement[bool] | None],
    days: Sequence[tuple[datetime, datetime]],
) -> list[tuple[int, ...]]:
    counts = [
        func.count().filter(and_(at >= begins, at < ends, *([] if kind is None else [kind])))
        for begins, ends in days
        for kind in kinds
    ]
    row = tuple(session.execute(of.with_only_columns(*counts)).one())
    return [row[start : start + len(kinds)] for start in range(0, len(row), len(kinds))]


# Sets of the same audio


@dataclass(frozen=True, slots=True)
class SetsOfSize:
    """How many sets of the same audio have so many clips, and how many of these sets are of several accounts."""

    size: int
    sets: int
    across_accounts: int


def sets_by_size(session: Session, now: datetime) -> list[SetsOfSize]:
    """Sets of two and more; the largest sizes are one, at `LARGEST_SET`."""
    size = func.count(Clip.id)
    each = (
        usable_clips(Purpose.COLLECT, now)
        .where(Clip.pcm_digest.is_not(None))
        .group_by(Clip.pcm_digest)
        .having(size > 1)
        .with_only_columns(size.label("size"), func.count(Utterance.account_id.distinct()).label("accounts"))
        .subquery()
    )
    shown = case((each.c.size > LARGEST_SET, LARGEST_SET), else_=each.c.size)
    across = func.count().filter(each.c.accounts > 1)
    rows = session.execute(select(shown, func.count(), across).group_by(shown).order_by(shown))
    return [SetsOfSize(*row) for row in rows]


# What people decided


def decisions(session: Session, now: datetime) -> dict[tuple[Decision, RejectReason | None], int]:
    rows = session.execute(
        usable_clips(Purpose.COLLECT, now)
        .join(Review, Review.clip_id == Clip.id)
        .group_by(Review.decision, Review.reason)
        .with_only_columns(Review.decision, Review.reason, func.count())
    )
    return {(decision, reason): count for decision, reason, count in rows}


# Who speaks


@dataclass(frozen=True, slots=True)
class Speaker:
    """Somebody who agreed that what they told of themselves is kept: how much of theirs is kept, and what they told."""

    account_id: AccountId
    voice_key_id: KeyId
    samples: int
    sealed: Mapping[Field, SealedBytes]


def kept_sound(session: Session, now: datetime) -> tuple[int, int]:
    """Samples of the clips that are kept, and how many accounts they are of."""
    kept = usable_clips(Purpose.COLLECT, now).where(Clip.outcome == Outcome.KEPT)
    told = (func.coalesce(func.sum(Clip.samples), 0), func.count(Utterance.account_id.distinct()))
    row = session.execute(kept.with_only_columns(*told)).one()
    return int(row[0] or 0), row[1]


def who_told(session: Session, *, after: AccountId, limit: int) -> list[AccountId]:
    """The next accounts, in order of their ids, that ever told anything and have not taken it back."""
    told = select(Demographics.account_id).where(Demographics.account_id > after)
    return list(session.scalars(told.order_by(Demographics.account_id).limit(limit)))


def speakers(session: Session, account_ids: Collection[AccountId], now: datetime) -> list[Speaker]:
    """Those of the accounts who agree to it now, and have clips kept."""
    heard = (
        usable_clips(Purpose.DEMOGRAPHICS, now)
        .join(Account, and_(Account.id == Utterance.account_id, Account.voice_key_id == Utterance.voice_key_id))
        .where(Clip.outcome == Outcome.KEPT, Account.id.in_(account_ids))
        .group_by(Account.id)
        .with_only_columns(Account.id, func.coalesce(func.sum(Clip.samples), 0).label("samples"))
        .subquery()
    )
    rows = session.execute(
        select(Account.id, Account.voice_key_id, heard.c.samples, Demographics)
        .join(heard, heard.c.id == Account.id)
        .join(Demographics, Demographics.account_id == Account.id)
        .order_by(Account.id)
    )
    return [Speaker(id_, key_id, int(samples), _told(row)) for id_, key_id, samples, row in rows if key_id]


def _told(row: Demographics) -> dict[Field, SealedBytes]:
    columns = {Field.AGE_BAND: row.age_band, Field.GENDER: row.gender, Field.ACCENT: row.accent}
    return {field: sealed for field, sealed in columns.items() if sealed is not None}
