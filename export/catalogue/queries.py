"""SQL of the catalogue: which releases there are to pull, and whether one may still be served."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from corpus.queries import usable_clips
from corpus.tables import Clip, Release, ReleaseClip
from corpus.words import Purpose, ReleaseId, ReleaseState, Split

LISTED = (ReleaseState.CURRENT, ReleaseState.SUPERSEDED, ReleaseState.REVOKED)
"""A draft is nobody's business yet."""


@dataclass(frozen=True, slots=True)
class ListedRelease:
    """One version as the catalogue shows it. `clips` and `speakers` are by split."""

    name: str
    version: str
    state: ReleaseState
    published_at: datetime | None
    manifest_sha256: str | None
    clips: Mapping[Split, int]
    speakers: Mapping[Split, int]


@dataclass(frozen=True, slots=True)
class FoundRelease:
    """One version, as far as serving it needs."""

    id: ReleaseId
    state: ReleaseState
    manifest_sha256: str | None


def listed(session: Session, name: str | None = None) -> Sequence[ListedRelease]:
    """Every version that was published, or those of one name; by name, the newest first."""
    statement = select(Release).where(Release.state.in_(LISTED), Release.published_at.is_not(None))
    if name is not None:
        statement = statement.where(Release.name == name)
    releases = session.scalars(statement.order_by(Release.name, Release.published_at.desc())).all()
    counted: dict[ReleaseId, dict[Split, tuple[int, int]]] = {release.id: {} for release in releases}
    rows = session.execute(
        select(ReleaseClip.release_id, ReleaseClip.split, func.count(), func.count(ReleaseClip.speaker.distinct()))
        .where(ReleaseClip.release_id.in_(counted))
        .group_by(ReleaseClip.release_id, ReleaseClip.split)
    )
    for release_id, split, clips, speakers in rows:
        counted[release_id][split] = (clips, speakers)
    return [
        ListedRelease(
            release.name,
            release.version,
            release.state,
            release.published_at,
            release.manifest_sha256,
            {split: counted[release.id].get(split, (0, 0))[0] for split in Split},
            {split: counted[release.id].get(split, (0, 0))[1] for split in Split},
        )
        for release in releases
    ]


def found(session: Session, name: str, version: str) -> FoundRelease | None:
    row = session.execute(
        select(Release.id, Release.state, Release.manifest_sha256).where(
            Release.name == name, Release.version == version
        )
    ).one_or_none()
    return None if row is None else FoundRelease(*row)


def may_be_served(session: Session, release_id: ReleaseId, clips: int, now: datetime) -> bool:
    """Whether the release is current, and all of its clips may be published now: the gate of every byte served.

    `clips` is how many its manifest has. One statement, so that it sees one state of the database on PostgreSQL too.
    A clip that is gone counts as one that may not be published.
    """
    state = select(Release.state).where(Release.id == release_id).scalar_subquery()
    recorded = select(func.count()).where(ReleaseClip.release_id == release_id).scalar_subquery()
    usable = (
        usable_clips(Purpose.PUBLISH, now)
        .join(ReleaseClip, ReleaseClip.clip_id == Clip.id)
        .where(ReleaseClip.release_id == release_id)
        .with_only_columns(func.count(ReleaseClip.clip_id))
        .scalar_subquery()
    )
    found_state, found_recorded, found_usable = session.execute(select(state, recorded, usable)).one()
    return bool(found_state == ReleaseState.CURRENT and clips == found_recorded == found_usable)
