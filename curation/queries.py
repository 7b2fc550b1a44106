"""What curation asks of the database. Functions take a session; who opened it commits it.

A clip without an outcome has passed its own stages and waits for the decision over all clips of the same audio.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Select, and_, delete, exists, func, or_, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from corpus.queries import usable_clips, usable_utterances
from corpus.sealed import SealedBytes
from corpus.tables import (
    Account,
    Alignment,
    Clip,
    CurationLease,
    Hypothesis,
    Measurement,
    PersonalSpan,
    Utterance,
    Verdict,
)
from corpus.words import AccountId, ClipId, KeyId, Outcome, Purpose, UtteranceId

# Utterances without a clip


@dataclass(frozen=True, slots=True)
class Waiting:
    """An utterance that may be curated: where its sealed original lies, and the key that opens it."""

    utterance_id: UtteranceId
    account_id: AccountId
    voice_key_id: KeyId
    object_key: str
    transcript: SealedBytes | None
    locale: str


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """A place in the order in which utterances came."""

    received_at: datetime
    utterance_id: UtteranceId


def waiting_places(session: Session, now: datetime, *, after: Place | None, limit: int) -> list[Place]:
    """The next utterances to curate that nobody is at, in the order they came. None is met twice, done or not."""
    free = or_(CurationLease.until.is_(None), CurationLease.until <= now)
    waiting = _marked_waiting(now).outerjoin(CurationLease, CurationLease.utterance_id == Utterance.id).where(free)
    if after is not None:
        later = and_(Utterance.received_at == after.received_at, Utterance.id > after.utterance_id)
        waiting = waiting.where(or_(Utterance.received_at > after.received_at, later))
    ordered = waiting.order_by(Utterance.received_at, Utterance.id).limit(limit)
    return [Place(*row) for row in session.execute(ordered.with_only_columns(Utterance.received_at, Utterance.id))]


def abandoned_places(session: Session, now: datetime, *, limit: int) -> list[Place]:
    """Utterances that somebody was at who has shown no sign of life for too long."""
    left = (
        _waiting(now)
        .join(CurationLease, CurationLease.utterance_id == Utterance.id)
        .where(CurationLease.until <= now)
        .order_by(Utterance.received_at, Utterance.id)
        .limit(limit)
    )
    return [Place(*row) for row in session.execute(left.with_only_columns(Utterance.received_at, Utterance.id))]


def count_leased(session: Session, now: datetime) -> int:
    """How many somebody is at now, or was and is not yet counted as dead."""
    leased = (
        _waiting(now)
        .join(CurationLease, CurationLease.utterance_id == Utterance.id)
        .where(CurationLease.until.is_not(None))
    )
    return session.scalar(leased.with_only_columns(func.count(Utterance.id))) or 0


def count_waiting(session: Session, now: datetime) -> int:
    return session.scalar(_marked_waiting(now).with_only_columns(func.count(Utterance.id))) or 0


def mark_curated(session: Session, utterance_ids: Iterable[UtteranceId], now: datetime) -> None:
    """In the commit of their clips."""
    session.execute(
        update(Utterance)
        .where(Utterance.id.in_(list(utterance_ids)))
        .values(curated_at=now)
        .execution_options(synchronize_session=False)
    )


def waiting(session: Session, utterance_ids: Iterable[UtteranceId], now: datetime) -> list[Waiting]:
    """Which of these may be curated now. A gate: the caller shares the accounts first."""
    rows = session.execute(
        _waiting(now)
        .where(Utterance.id.in_(list(utterance_ids)))
        .order_by(Utterance.id)
        .with_only_columns(
            Utterance.id,
            Utterance.account_id,
            Utterance.voice_key_id,
            Utterance.object_key,
            Utterance.transcript,
            Utterance.locale,
        )
    )
    return [
        Waiting(id_, of, key_id, key, transcript, locale)
        for id_, of, key_id, key, transcript, locale in rows
        if key is not None
    ]


def accounts_of(session: Session, utterance_ids: Iterable[UtteranceId]) -> set[AccountId]:
    """Whom to lock; whether their voices may be used is asked after that."""
    return set(session.scalars(select(Utterance.account_id).where(Utterance.id.in_(list(utterance_ids)))))


def done(session: Session, utterance_ids: Iterable[UtteranceId]) -> set[UtteranceId]:
    """Which of these have a clip; the rest of those that do not wait were withdrawn."""
    return set(session.scalars(select(Clip.utterance_id).where(Clip.utterance_id.in_(list(utterance_ids)))))


def _marked_waiting(now: datetime) -> Select[Utterance]:
    """The same, found by a mark: or else each look would pass over all that were ever curated."""
    return _waiting(now).where(Utterance.curated_at.is_(None))


def _waiting(now: datetime) -> Select[Utterance]:
    """Usable, still sealed under the account's living voice key, and without a clip."""
    return (
        usable_utterances(now)
        .join(Account, and_(Account.id == Utterance.account_id, Account.voice_key_id == Utterance.voice_key_id))
        .outerjoin(Clip, Clip.utterance_id == Utterance.id)
        .where(Clip.id.is_(None))
    )


# Clips


Finding = Verdict | Measurement | Hypothesis | Alignment | PersonalSpan
"""A row about one clip, which appears in the same commit."""


def add_clip(session: Session, clip: Clip, findings: Sequence[Finding]) -> bool:
    """Adds a clip with all that was found out about it; False where another worker's clip stands there already."""
    try:
        with session.begin_nested():
            session.add(clip)
            session.flush()
            session.add_all(findings)
    except IntegrityError:
        taken = session.scalar(select(Clip.id).where(Clip.utterance_id == clip.utterance_id)) is not None
        if not taken:
            raise
        return False
    return True


# Clips that another rule judged


MEASURING = "measurement"
"""The stage of a failure to measure a clip again; its version is that of the measures."""


@dataclass(frozen=True, slots=True)
class Stale:
    """A clip that was measured or judged otherwise than we would now. An older release left no row of measurements."""

    clip_id: ClipId
    account_id: AccountId
    voice_key_id: KeyId
    object_key: str | None
    outcome: Outcome | None
    reason: str | None
    original_is_there: bool
    measured: Measurement | None


def stale_clips(session: Session, now: datetime, *, version: int, rules: str, after: str, limit: int) -> list[Stale]:
    """The next usable clips, by id, whose measures are older than `version` and can be taken again from their audio, or
    whose verdicts are not those of `rules`. What failed is not asked again, be it the clip or its measuring."""
    return _stale(session, _stale_clips(now, version, rules).where(Clip.id > after).order_by(Clip.id).limit(limit))


def count_stale(session: Session, now: datetime, *, version: int, rules: str) -> int:
    return session.scalar(_stale_clips(now, version, rules).with_only_columns(func.count(Clip.id))) or 0


def still_stale(session: Session, ids: Iterable[ClipId], now: datetime, *, version: int, rules: str) -> list[Stale]:
    """Which of these are so still. A gate: the caller shares the accounts first."""
    return _stale(session, _stale_clips(now, version, rules).where(Clip.id.in_(list(ids))).order_by(Clip.id))


def _stale_clips(now: datetime, version: int, rules: str) -> Select[Clip, Utterance]:
    older = or_(Measurement.clip_id.is_(None), Measurement.version != version)
    tried = exists().where(Verdict.clip_id == Clip.id, Verdict.stage == MEASURING, Verdict.stage_version == version)
    judged_otherwise = and_(Measurement.clip_id.is_not(None), Measurement.judged_by != rules)
    return (
        usable_clips(Purpose.COLLECT, now)
        .join(Account, and_(Account.id == Utterance.account_id, Account.voice_key_id == Utterance.voice_key_id))
        .outerjoin(Measurement, Measurement.clip_id == Clip.id)
        .where(
            or_(Clip.outcome.is_(None), Clip.outcome != Outcome.FAILED),
            or_(and_(Clip.object_key.is_not(None), older, ~tried), judged_otherwise),
        )
    )


def _stale(session: Session, clips: Select[Clip, Utterance]) -> list[Stale]:
    columns = clips.with_only_columns(
        Clip.id,
        Utterance.account_id,
        Utterance.voice_key_id,
        Clip.object_key,
        Clip.outcome,
        Clip.reason,
        Utterance.object_key.is_not(None),
        Measurement,
    )
    return [
        Stale(clip_id, account_id, key_id, object_key, outcome, reason, bool(is_there), measured)
        for clip_id, account_id, key_id, object_key, outcome, reason, is_there, measured in session.execute(columns)
    ]


def judge_again(session: Session, measurement: Measurement, verdicts: Sequence[Verdict]) -> None:
    """Writes a clip's newer measurements and verdicts over those of the same stages and versions."""
    for row in (measurement, *verdicts):
        session.merge(row)


def not_measured(session: Session, clip_id: ClipId, error: str, version: int, rules: str, now: datetime) -> None:
    """Notes that the clip could not be measured again, so that no later pass tries in vain; its outcome stands."""
    session.merge(
        Verdict(clip_id=clip_id, stage=MEASURING, stage_version=version, outcome=Outcome.FAILED, reason=error, at=now)
    )
    session.execute(update(Measurement).where(Measurement.clip_id == clip_id).values(judged_by=rules))


def end_otherwise(
    session: Session, clip_id: ClipId, outcome: Outcome | None, reason: str | None, now: datetime
) -> None:
    """Gives a clip another ending. Refused now, it has the time of what is refused, from now on."""
    clip = session.get_one(Clip, clip_id, populate_existing=True)
    clip.outcome, clip.reason, clip.ended_at = outcome, reason, now


def forget_clip(session: Session, clip_id: ClipId) -> None:
    """Removes a clip that has no audio, with what was found out about it: its utterance then waits again."""
    of = select(Clip.utterance_id).where(Clip.id == clip_id, Clip.object_key.is_(None))
    session.execute(
        update(Utterance)
        .where(Utterance.id.in_(of))
        .values(curated_at=None)
        .execution_options(synchronize_session=False)
    )
    for table in (Verdict, Measurement):
        session.execute(delete(table).where(table.clip_id == clip_id))
    session.execute(delete(Clip).where(Clip.id == clip_id, Clip.object_key.is_(None)))


# The summary


def count_unreviewed(session: Session, now: datetime) -> int:
    """Kept clips that people may hear, and nobody has."""
    unreviewed = usable_clips(Purpose.REVIEW, now).where(Clip.outcome == Outcome.KEPT, Clip.reviewed_at.is_(None))
    return session.scalar(unreviewed.with_only_columns(func.count(Clip.id))) or 0


def outcomes(session: Session, now: datetime) -> Mapping[tuple[Outcome | None, str | None], int]:
    """How many usable clips ended how, and why; those that wait for the decision over duplicates have no outcome."""
    rows = session.execute(
        usable_clips(Purpose.COLLECT, now)
        .group_by(Clip.outcome, Clip.reason)
        .with_only_columns(Clip.outcome, Clip.reason, func.count(Clip.id))
    )
    return {(outcome, reason): count for outcome, reason, count in rows}
