"""SQL over one account's own recordings. Each look starts from `usable_utterances`: what may be used now."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Select, and_, func, select
from sqlalchemy.orm import Session

from corpus.queries import usable_utterances
from corpus.sealed import SealedBytes
from corpus.tables import (
    Account,
    Clip,
    Demographics,
    Device,
    Hypothesis,
    Label,
    Release,
    ReleaseClip,
    Review,
    Utterance,
)
from corpus.words import AccountId, ClipId, Decision, RejectReason, ReleaseState, UtteranceId

DISPUTED = "disputed"
"""The reason for which a clip is dropped on which curators do not agree."""

IN_USE = (ReleaseState.CURRENT, ReleaseState.SUPERSEDED)


@dataclass(frozen=True, slots=True)
class OwnRow:
    """A recording of one's own, with its clip where one was made, and the curated words, sealed."""

    utterance: Utterance
    clip: Clip | None
    label: SealedBytes | None


@dataclass(frozen=True, slots=True)
class Judged:
    """What a curator decided."""

    decision: Decision
    reason: RejectReason | None


@dataclass(frozen=True, slots=True)
class Holding:
    """A release that holds a clip."""

    name: str
    version: str
    state: ReleaseState


@dataclass(frozen=True, slots=True)
class Heard:
    """What a recogniser, or the device, heard, sealed."""

    recogniser: str
    text: SealedBytes


@dataclass(frozen=True, slots=True)
class Counts:
    """How much of a person there is."""

    recordings: int
    devices: int
    releases: int


def own_recordings(
    session: Session, account_id: AccountId, now: datetime, *, limit: int, offset: int = 0
) -> list[OwnRow]:
    """Newest first."""
    newest = _own(account_id, now).order_by(Utterance.captured_at.desc(), Utterance.id.desc())
    return _rows(session, newest.limit(limit).offset(offset))


def own_recordings_after(
    session: Session, account_id: AccountId, now: datetime, *, limit: int, after: UtteranceId | None
) -> list[OwnRow]:
    """In the order of their ids, from the one after `after` on: deletions in between move nothing."""
    ordered = _own(account_id, now).order_by(Utterance.id)
    return _rows(session, (ordered if after is None else ordered.where(Utterance.id > after)).limit(limit))


def own_recording(session: Session, account_id: AccountId, utterance_id: UtteranceId, now: datetime) -> OwnRow | None:
    found = _rows(session, _own(account_id, now).where(Utterance.id == utterance_id))
    return found[0] if found else None


def own_recordings_of(
    session: Session, account_id: AccountId, now: datetime, utterance_ids: Collection[UtteranceId]
) -> list[OwnRow]:
    """Those of them that are there, newest first."""
    own = _own(account_id, now).where(Utterance.id.in_(utterance_ids))
    return _rows(session, own.order_by(Utterance.captured_at.desc(), Utterance.id.desc()))


def own_ids(session: Session, account_id: AccountId, now: datetime) -> Sequence[UtteranceId]:
    return session.scalars(_own(account_id, now).with_only_columns(Utterance.id).order_by(Utterance.id)).all()


def counts(session: Session, account_id: AccountId, now: datetime) -> Counts:
    recordings = _own(account_id, now).with_only_columns(Utterance.id).subquery()
    devices = select(func.count()).where(Device.account_id == account_id, Device.revoked_at.is_(None))
    releases = (
        select(func.count(ReleaseClip.release_id.distinct()))
        .join(Release, Release.id == ReleaseClip.release_id)
        .join(Clip, Clip.id == ReleaseClip.clip_id)
        .join(Utterance, Utterance.id == Clip.utterance_id)
        .where(Utterance.account_id == account_id, Release.state.in_(IN_USE))
    )
    return Counts(
        session.scalar(select(func.count()).select_from(recordings)) or 0,
        session.scalar(devices) or 0,
        session.scalar(releases) or 0,
    )


def judgements(session: Session, clip_ids: Collection[ClipId]) -> dict[ClipId, Judged]:
    """What curators decided of each on which they agree: it is accepted with its label, and rejected without one."""
    is_settled = and_(Clip.reviewed_at.is_not(None), Clip.reason.is_distinct_from(DISPUTED))
    counts = (Review.decision == Decision.ACCEPT) == Label.clip_id.is_not(None)
    rows = session.execute(
        select(Review.clip_id, Review.decision, Review.reason)
        .join(Clip, Clip.id == Review.clip_id)
        .outerjoin(Label, Label.clip_id == Review.clip_id)
        .where(Review.clip_id.in_(clip_ids), is_settled, counts)
        .order_by(Review.at)
    )
    return {clip_id: Judged(decision, reason) for clip_id, decision, reason in rows}


def holdings(session: Session, clip_ids: Collection[ClipId]) -> dict[ClipId, list[Holding]]:
    """The published releases that hold each, oldest first."""
    rows = session.execute(
        select(ReleaseClip.clip_id, Release.name, Release.version, Release.state)
        .join(Release, Release.id == ReleaseClip.release_id)
        .where(ReleaseClip.clip_id.in_(clip_ids), Release.state.in_(IN_USE))
        .order_by(Release.snapshot_at, Release.name, Release.version)
    )
    found: dict[ClipId, list[Holding]] = {}
    for clip_id, name, version, state in rows:
        found.setdefault(clip_id, []).append(Holding(name, version, state))
    return found


def releases_with(
    session: Session, account_id: AccountId, utterance_ids: Collection[UtteranceId] | None = None
) -> list[Holding]:
    """The published releases that hold one of these recordings, or any of the person's; oldest first."""
    holding = (
        select(ReleaseClip.release_id)
        .join(Clip, Clip.id == ReleaseClip.clip_id)
        .join(Utterance, Utterance.id == Clip.utterance_id)
        .where(Utterance.account_id == account_id)
    )
    if utterance_ids is not None:
        holding = holding.where(Utterance.id.in_(utterance_ids))
    rows = session.execute(
        select(Release.name, Release.version, Release.state)
        .where(Release.id.in_(holding), Release.state.in_(IN_USE))
        .order_by(Release.snapshot_at, Release.name, Release.version)
    )
    return [Holding(name, version, state) for name, version, state in rows]


def hypotheses(session: Session, clip_ids: Collection[ClipId]) -> dict[ClipId, list[Heard]]:
    """The most confident first."""
    rows = session.execute(
        select(Hypothesis.clip_id, Hypothesis.recogniser, Hypothesis.text)
        .where(Hypothesis.clip_id.in_(clip_ids))
        .order_by(Hypothesis.confidence.desc().nulls_last(), Hypothesis.recogniser)
    )
    found: dict[ClipId, list[Heard]] = {}
    for clip_id, recogniser, text in rows:
        found.setdefault(clip_id, []).append(Heard(recogniser, text))
    return found


def demographics(session: Session, account_id: AccountId) -> dict[str, SealedBytes]:
    """By the name of the column: what was told, and only that."""
    row = session.get(Demographics, account_id)
    told = {"age_band": row.age_band, "gender": row.gender, "accent": row.accent} if row else {}
    return {name: value for name, value in told.items() if value is not None}


def keep_demographic(
    session: Session, account_id: AccountId, column: str, value: SealedBytes | None, now: datetime
) -> None:
    """A row in which nothing is told any more goes."""
    row = session.get(Demographics, account_id) or Demographics(account_id=account_id)
    setattr(row, column, value)
    row.updated_at = now
    if any((row.age_band, row.gender, row.accent)):
        session.add(row)
    elif row in session:
        session.delete(row)


def _own(account_id: AccountId, now: datetime) -> Select[Utterance]:
    """What is sealed under the key that the person has now, and may be used now."""
    return (
        usable_utterances(now)
        .join(Account, Account.id == Utterance.account_id)
        .where(Utterance.account_id == account_id, Account.voice_key_id == Utterance.voice_key_id)
    )


def _rows(session: Session, own: Select[Utterance]) -> list[OwnRow]:
    joined = (
        own.add_columns(Clip, Label.transcript)
        .outerjoin(Clip, Clip.utterance_id == Utterance.id)
        .outerjoin(Label, Label.clip_id == Clip.id)
    )
    return [OwnRow(utterance, clip, label) for utterance, clip, label in session.execute(joined)]
