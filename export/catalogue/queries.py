"""SQL of the catalogue: which releases there are to pull, and whether one may still be served."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import and_, func, select
from sqlalchemy.orm import Session

from corpus.queries import usable_clips
from corpus.sealed import SealedBytes
from corpus.tables import Account, Clip, Release, ReleaseClip, ReleaseFile, ReleasePull, Tombstone
from corpus.words import AccountId, KeyId, Purpose, ReleaseId, ReleaseState, Split

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
    revision: int
    awaits_recut: bool
    clips: Mapping[Split, int]
    speakers: Mapping[Split, int]


@dataclass(frozen=True, slots=True)
class FoundFile:
    """One version, and the file of it that was asked for; null where its current revision has none of that name."""

    release_id: ReleaseId
    state: ReleaseState
    awaits_recut: bool
    release_revision: int
    revision: int | None
    size_bytes: int | None
    sha256: str | None


def listed(
    session: Session, name: str | None = None, states: Collection[ReleaseState] = LISTED
) -> Sequence[ListedRelease]:
    """Every version that was published, or those of one name or of some states; by name, the newest first."""
    statement = select(Release).where(Release.state.in_(states), Release.published_at.is_not(None))
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
            release.revision,
            release.recut_at is not None,
            {split: counted[release.id].get(split, (0, 0))[0] for split in Split},
            {split: counted[release.id].get(split, (0, 0))[1] for split in Split},
        )
        for release in releases
    ]


def found(session: Session, name: str, version: str, path: str) -> FoundFile | None:
    row = session.execute(
        select(
            Release.id,
            Release.state,
            Release.recut_at.is_not(None),
            Release.revision,
            ReleaseFile.revision,
            ReleaseFile.size_bytes,
            ReleaseFile.sha256,
        )
        .outerjoin(ReleaseFile, and_(ReleaseFile.release_id == Release.id, ReleaseFile.path == path))
        .where(Release.name == name, Release.version == version)
    ).one_or_none()
    return None if row is None else FoundFile(*row)


def standing(session: Session, release_id: ReleaseId) -> tuple[ReleaseState | None, bool]:
    """The state of a version, None where there is no such version, and whether it waits for a re-cut."""
    row = session.execute(
        select(Release.state, Release.recut_at.is_not(None)).where(Release.id == release_id)
    ).one_or_none()
    return (None, False) if row is None else (row[0], row[1])


def may_be_served(session: Session, release_id: ReleaseId, path: str, sha256: str, now: datetime) -> bool:
    """Whether the release is current, still holds this file, and all of its clips may be published now: the gate of
    every byte served.

    One statement, so that it sees one state of the database on PostgreSQL too. A clip that is gone counts as one that
    may not be published, and a release that waits for its re-cut as one that is not current.
    """
    holds = (
        select(ReleaseFile.path)
        .where(
            ReleaseFile.release_id == release_id,
            ReleaseFile.path == path,
            ReleaseFile.sha256 == sha256,
            ReleaseFile.withdrawn_at.is_(None),
        )
        .exists()
    )
    held = (
        select(Release.clips)
        .where(
            Release.id == release_id,
            Release.state == ReleaseState.CURRENT,
            Release.recut_at.is_(None),
            holds,
        )
        .scalar_subquery()
    )
    recorded = select(func.count()).where(ReleaseClip.release_id == release_id).scalar_subquery()
    usable = (
        usable_clips(Purpose.PUBLISH, now)
        .join(ReleaseClip, ReleaseClip.clip_id == Clip.id)
        .where(ReleaseClip.release_id == release_id)
        .with_only_columns(func.count(ReleaseClip.clip_id))
        .scalar_subquery()
    )
    clips, found_recorded, found_usable = session.execute(select(held, recorded, usable)).one()
    return bool(clips is not None and clips == found_recorded == found_usable)


# The register of recipients


@dataclass(frozen=True, slots=True)
class Pulled:
    """That an account pulled a version, and what it says of the tombstones since.

    `withdrawn` counts all tombstones of the version, `unacknowledged` those after the state that was acknowledged.
    """

    account_id: AccountId | None
    version: str
    revision: int
    first_at: datetime
    last_at: datetime
    acknowledged_serial: int | None
    acknowledged_at: datetime | None
    withdrawn: int
    unacknowledged: int


def pull_of(session: Session, account_id: AccountId, name: str, version: str) -> ReleasePull | None:
    return session.scalar(
        select(ReleasePull)
        .where(ReleasePull.account_id == account_id, ReleasePull.name == name, ReleasePull.version == version)
        .execution_options(populate_existing=True)
    )


def pulls_of(session: Session, account_id: AccountId, name: str) -> Sequence[ReleasePull]:
    return session.scalars(
        select(ReleasePull)
        .where(ReleasePull.account_id == account_id, ReleasePull.name == name)
        .order_by(ReleasePull.version)
        .execution_options(populate_existing=True)
    ).all()


def recipients(session: Session, name: str) -> list[Pulled]:
    """Everyone who pulled a version of this name, by version and first pull."""
    of_version = and_(Tombstone.release_name == ReleasePull.name, Tombstone.version == ReleasePull.version)
    newer = Tombstone.serial > func.coalesce(ReleasePull.acknowledged_serial, 0)
    rows = session.execute(
        select(
            ReleasePull.account_id,
            ReleasePull.version,
            ReleasePull.revision,
            ReleasePull.first_at,
            ReleasePull.last_at,
            ReleasePull.acknowledged_serial,
            ReleasePull.acknowledged_at,
            select(func.count()).where(of_version).correlate(ReleasePull).scalar_subquery(),
            select(func.count()).where(of_version, newer).correlate(ReleasePull).scalar_subquery(),
        )
        .where(ReleasePull.name == name)
        .order_by(ReleasePull.version, ReleasePull.first_at, ReleasePull.id)
    )
    return [Pulled(*row) for row in rows]


def identity_of(session: Session, account_id: AccountId) -> tuple[KeyId | None, SealedBytes | None]:
    """The key and the sealed e-mail address of an account."""
    row = session.execute(select(Account.identity_key_id, Account.email).where(Account.id == account_id)).one_or_none()
    return (None, None) if row is None else (row[0], row[1])
