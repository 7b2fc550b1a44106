"""SQL of the numbers page: a handful of statements over whole tables, asked once a minute at most."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import and_, func, select
from sqlalchemy.orm import Session

from corpus.queries import usable_clips
from corpus.tables import Clip, Erasure, Release, ReleaseClip, ReleasePull, Tombstone, Utterance
from corpus.words import AccountId, ErasureKind, Purpose, ReleaseState
from ingest.erasures.record import Counts, Reason
from ingest.transparency.facts import Sound


@dataclass(frozen=True, slots=True)
class Erased:
    """Whose an erasure was, when it was asked for, how long it took to stop, and when nothing was left."""

    account_id: AccountId | None
    kind: ErasureKind
    reason: Reason
    requested_at: datetime
    stop_took_ms: int | None
    erased_at: datetime | None


def kept_sound(session: Session, now: datetime) -> Sound:
    """All that has been measured, of people who agree."""
    return _sound(session, Purpose.COLLECT, now)


def released_sound(session: Session, now: datetime) -> Sound:
    """Clips that stand in a current release, each once."""
    current = (
        select(ReleaseClip.clip_id)
        .join(Release, Release.id == ReleaseClip.release_id)
        .where(Release.state == ReleaseState.CURRENT)
    )
    return _sound(session, Purpose.PUBLISH, now, Clip.id.in_(current))


def _sound(session: Session, purpose: Purpose, now: datetime, *which: object) -> Sound:
    told = (func.coalesce(func.sum(Clip.samples), 0), func.count(Utterance.account_id.distinct()))
    row = session.execute(usable_clips(purpose, now).where(*which).with_only_columns(*told)).one()  # type: ignore[arg-type]
    return Sound(int(row[0] or 0), row[1])


def closed_accounts(session: Session) -> int:
    return session.scalar(select(func.count()).where(Erasure.kind == ErasureKind.ACCOUNT)) or 0


def erasures(session: Session) -> Sequence[Erased]:
    columns = (Erasure.account_id, Erasure.kind, Erasure.requested_at, Erasure.stop_took_ms, Erasure.erased_at)
    return [
        Erased(account_id, kind, Counts.from_json(counts).reason, requested_at, took_ms, erased_at)
        for account_id, kind, requested_at, took_ms, erased_at, counts in session.execute(
            select(*columns, Erasure.counts)
        )
    ]


def releases_by_state(session: Session) -> dict[ReleaseState, int]:
    """Versions that were published."""
    rows = session.execute(
        select(Release.state, func.count()).where(Release.published_at.is_not(None)).group_by(Release.state)
    )
    return {state: versions for state, versions in rows}  # noqa: C416 mypy sees no pairs in rows


def count_recuts(session: Session) -> int:
    published = Release.published_at.is_not(None)
    return session.scalar(select(func.coalesce(func.sum(Release.revision - 1), 0)).where(published)) or 0


def count_tombstones(session: Session) -> int:
    return session.scalar(select(func.count()).select_from(Tombstone)) or 0


def copies(session: Session) -> tuple[int, int]:
    """Withdrawn clips in versions that somebody pulled, once for each who did; and those reported removed."""
    same = and_(Tombstone.release_name == ReleasePull.name, Tombstone.version == ReleasePull.version)
    reported = func.count().filter(ReleasePull.acknowledged_serial >= Tombstone.serial)
    row = session.execute(select(func.count(), reported).select_from(ReleasePull).join(Tombstone, same)).one()
    return row[0], row[1]
