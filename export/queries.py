"""SQL of the release building. Every reader of clips starts from `corpus.queries.usable_clips`."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from typing import Any

from sqlalchemy import (
    BindParameter,
    ScalarSelect,
    Select,
    and_,
    bindparam,
    delete,
    exists,
    func,
    insert,
    select,
    tuple_,
    update,
)
from sqlalchemy.orm import Session

from corpus.queries import usable_clips
from corpus.release_state import TombstoneLine
from corpus.sealed import SealedBytes
from corpus.tables import (
    Account,
    Clip,
    Label,
    PersonalSpan,
    Release,
    ReleaseClip,
    ReleaseFile,
    Review,
    SplitAssignment,
    Table,
    Tombstone,
    Utterance,
)
from corpus.words import (
    AccountId,
    ClipId,
    Decision,
    KeyId,
    Outcome,
    Purpose,
    ReleaseId,
    ReleaseState,
    SpanState,
    Split,
    new_id,
)
from export.objects import StoredFile
from export.release_file import FileFacts

PAGE = 5000
"""Clips that one query brings, and rows that one statement adds."""


@dataclass(frozen=True, slots=True)
class LabelledClip:
    """A clip that may be published now and has a label, still sealed."""

    clip_id: ClipId
    account_id: AccountId
    voice_key_id: KeyId
    samples: int
    locale: str
    transcript: SealedBytes


@dataclass(frozen=True, slots=True)
class ShardClip:
    """A clip of one shard, with all that its archive and its line in clips.jsonl say; still sealed."""

    clip_id: ClipId
    account_id: AccountId
    voice_key_id: KeyId
    object_key: str
    samples: int
    locale: str
    transcript: SealedBytes
    label_source: str
    confidence: float | None
    wav_filename: str
    wav_sha256: str | None
    speaker: str
    split: Split
    up_votes: int
    down_votes: int


@dataclass(frozen=True, slots=True)
class ReleaseFacts:
    """A release as the lists show it."""

    name: str
    version: str
    state: ReleaseState
    snapshot_at: datetime
    built_at: datetime | None
    published_at: datetime | None
    manifest_sha256: str | None
    revision: int
    clips: int
    speakers: int


# Clips


# These statements are built once: that takes three times as long as it takes to run one over a shard, and a build asks
# twice for each shard. What they are asked about is in their parameters.


def _releasable() -> "Select[Clip, Utterance]":
    """Clips that may be published at `consent_now`, were kept, carry a label (table `Label` is joined), and wait for no
    decision on personal data."""
    return (
        usable_clips(Purpose.PUBLISH)
        .join(Label, Label.clip_id == Clip.id)
        .where(Clip.outcome == Outcome.KEPT, Clip.samples.is_not(None), Clip.object_key.is_not(None))
        .where(~exists().where(PersonalSpan.clip_id == Clip.id, PersonalSpan.state == SpanState.PROPOSED))
    )


@cache
def _releasable_clips() -> Select[*tuple[Any, ...]]:
    """Those after one, by account and clip."""
    place = tuple_(Utterance.account_id, Clip.id)
    return (
        _releasable()
        .with_only_columns(
            Clip.id.label("clip_id"),
            Utterance.account_id,
            Utterance.voice_key_id,
            Clip.samples,
            Utterance.locale,
            Label.transcript,
        )
        .where(place > tuple_(bindparam("account_id"), bindparam("clip_id")))
        .order_by(Utterance.account_id, Clip.id)
        .limit(PAGE)
    )


def releasable_clips(session: Session, now: datetime, after: tuple[AccountId, ClipId] | None) -> list[LabelledClip]:
    """The next page of them, by account and clip."""
    account_id, clip_id = after or ("", "")
    asked = {"consent_now": now, "account_id": account_id, "clip_id": clip_id}
    return [LabelledClip(*row) for row in session.execute(_releasable_clips(), asked)]


@cache
def _releasable_ids() -> Select[ClipId]:
    return _releasable().with_only_columns(Clip.id)


def releasable_ids(session: Session, now: datetime) -> set[ClipId]:
    return set(session.scalars(_releasable_ids(), {"consent_now": now}))


def _standing(*, of_shard: bool) -> "Select[Clip, Utterance]":
    """The clips of a release, or of one shard, that may still be published with the labels that they had."""
    release_id: BindParameter[ReleaseId] = bindparam("release_id")
    shard: BindParameter[str] = bindparam("shard")
    standing = (
        _releasable()
        .join(ReleaseClip, ReleaseClip.clip_id == Clip.id)
        .where(ReleaseClip.release_id == release_id, Label.at <= bindparam("snapshot_at"))
    )
    if not of_shard:
        return standing
    # Named twice, so that a database without statistics begins with the shard's clips, and not with all that were kept.
    shards_clips = select(ReleaseClip.clip_id).where(ReleaseClip.release_id == release_id, ReleaseClip.shard == shard)
    return standing.where(ReleaseClip.shard == shard, Clip.id.in_(shards_clips))


@cache
def _count_standing(*, of_shard: bool) -> Select[int]:
    return _standing(of_shard=of_shard).with_only_columns(func.count(Clip.id))


def count_standing(
    session: Session, release_id: ReleaseId, snapshot_at: datetime, now: datetime, shard: str | None = None
) -> int:
    """How many clips of a release, or of one shard, may still be published as they stand in it."""
    asked = {"consent_now": now, "release_id": release_id, "snapshot_at": snapshot_at}
    if shard is not None:
        asked["shard"] = shard
    return session.scalar(_count_standing(of_shard=shard is not None), asked) or 0


@cache
def _shard_clips() -> Select[*tuple[Any, ...]]:
    return (
        _standing(of_shard=True)
        .with_only_columns(
            Clip.id.label("clip_id"),
            Utterance.account_id,
            Utterance.voice_key_id,
            Clip.object_key,
            Clip.samples,
            Utterance.locale,
            Label.transcript,
            Label.source.label("label_source"),
            Label.confidence,
            ReleaseClip.wav_filename,
            ReleaseClip.wav_sha256,
            ReleaseClip.speaker,
            ReleaseClip.split,
            _votes(Decision.ACCEPT).label("up_votes"),
            _votes(Decision.REJECT).label("down_votes"),
        )
        .order_by(ReleaseClip.speaker, ReleaseClip.wav_filename)
    )


def shard_clips(
    session: Session, release_id: ReleaseId, snapshot_at: datetime, now: datetime, shard: str
) -> list[ShardClip]:
    """The clips of one shard that may still be published, in the order of its archive."""
    asked = {"consent_now": now, "release_id": release_id, "snapshot_at": snapshot_at, "shard": shard}
    return [ShardClip(*row) for row in session.execute(_shard_clips(), asked)]


def _votes(decision: Decision) -> ScalarSelect[int]:
    """How many reviews of the enclosing query's clip decided so, up to the snapshot."""
    return (
        select(func.count())
        .where(Review.clip_id == Clip.id, Review.decision == decision, Review.at <= bindparam("snapshot_at"))
        .scalar_subquery()
    )


# Releases


def release_of(session: Session, name: str, version: str) -> Release | None:
    """Read anew, and not from the session's memory: a withdrawal may have changed it since."""
    return session.scalar(
        select(Release)
        .where(Release.name == name, Release.version == version)
        .execution_options(populate_existing=True)
    )


def locked_release(session: Session, release_id: ReleaseId) -> Release | None:
    return session.scalar(
        select(Release).where(Release.id == release_id).with_for_update().execution_options(populate_existing=True)
    )


def write_down(
    session: Session,
    release: Release,
    manifest_sha256: str,
    consent_root: str,
    files: Mapping[str, StoredFile],
    digests: Mapping[ClipId, str],
) -> None:
    """What a revision holds, in place of what stood there."""
    release.manifest_sha256, release.consent_root, release.clips = manifest_sha256, consent_root, len(digests)
    if digests:
        rows = [{"b_clip_id": clip_id, "b_sha256": sha256} for clip_id, sha256 in digests.items()]
        session.connection().execute(_SET_DIGEST, [{"b_release_id": release.id, **row} for row in rows])
    session.execute(delete(ReleaseFile).where(ReleaseFile.release_id == release.id))
    session.flush()
    session.execute(insert(ReleaseFile), [_file_row(release.id, path, file) for path, file in files.items()])


_CLIPS = Table.metadata.tables[ReleaseClip.__tablename__]
_SET_DIGEST = (
    update(_CLIPS)
    .where(_CLIPS.c.release_id == bindparam("b_release_id"), _CLIPS.c.clip_id == bindparam("b_clip_id"))
    .values(wav_sha256=bindparam("b_sha256"))
)


def add_file(session: Session, release_id: ReleaseId, path: str, file: StoredFile) -> None:
    session.merge(ReleaseFile(**_file_row(release_id, path, file)))
    session.flush()


def _file_row(release_id: ReleaseId, path: str, file: StoredFile) -> dict[str, object]:
    return {
        "release_id": release_id,
        "path": path,
        "size_bytes": file.facts.size_bytes,
        "sha256": file.facts.sha256,
        "revision": file.revision,
    }


def files_of(session: Session, release_id: ReleaseId, *, withdrawn: bool | None = None) -> dict[str, StoredFile]:
    """By path; those that a withdrawal has touched, or that none has, or all."""
    of_release = select(ReleaseFile).where(ReleaseFile.release_id == release_id).order_by(ReleaseFile.path)
    if withdrawn is not None:
        of_release = of_release.where(ReleaseFile.withdrawn_at.is_not(None) == withdrawn)
    return {
        row.path: StoredFile(FileFacts(row.size_bytes, row.sha256), row.revision) for row in session.scalars(of_release)
    }


def count_recorded(session: Session, release_id: ReleaseId) -> int:
    """How many clips stand in a release, whether or not they may still be published."""
    return session.scalar(select(func.count()).where(ReleaseClip.release_id == release_id)) or 0


def awaiting_recut(session: Session) -> list[tuple[str, str]]:
    """(name, version) of each, the one that has waited longest first."""
    rows = session.execute(
        select(Release.name, Release.version)
        .where(Release.recut_at.is_not(None), Release.state == ReleaseState.CURRENT)
        .order_by(Release.recut_at, Release.name)
    )
    return [(name, version) for name, version in rows]


def renew_lease(session: Session, release_id: ReleaseId, revision: int, until: datetime | None) -> None:
    """Of the newest attempt alone."""
    own = and_(Release.id == release_id, Release.newest_revision == revision)
    session.execute(update(Release).where(own).values(recut_until=until).execution_options(synchronize_session=False))


def accounts_out_of_consent(session: Session, now: datetime) -> list[AccountId]:
    """Whose clips stand in a published version, and may be published no more; sorted."""
    usable = usable_clips(Purpose.PUBLISH, now).with_only_columns(Clip.id)
    return list(
        session.scalars(
            select(Utterance.account_id)
            .distinct()
            .join(Clip, Clip.utterance_id == Utterance.id)
            .join(ReleaseClip, ReleaseClip.clip_id == Clip.id)
            .join(Release, Release.id == ReleaseClip.release_id)
            .where(Release.published_at.is_not(None), Clip.id.not_in(usable))
            .order_by(Utterance.account_id)
        )
    )


def unusable_clips_of(account_id: AccountId, now: datetime) -> Select[ClipId]:
    """An account's clips that may not be published now, for a statement to be made of."""
    usable = usable_clips(Purpose.PUBLISH, now).with_only_columns(Clip.id)
    return (
        select(Clip.id)
        .join(Utterance, Utterance.id == Clip.utterance_id)
        .where(Utterance.account_id == account_id, Clip.id.not_in(usable))
    )


def assigned_splits(session: Session, release_name: str) -> dict[AccountId, Split]:
    rows = session.execute(
        select(SplitAssignment.account_id, SplitAssignment.split).where(SplitAssignment.release_name == release_name)
    )
    return {row.account_id: row.split for row in rows}


def add_split_assignments(session: Session, release_name: str, splits: Mapping[AccountId, Split]) -> None:
    rows: list[dict[str, object]] = [
        {"release_name": release_name, "account_id": account_id, "split": split}
        for account_id, split in sorted(splits.items())
    ]
    for page in _pages(rows):
        session.execute(insert(SplitAssignment), page)


def add_release_clips(session: Session, rows: Sequence[dict[str, object]]) -> None:
    for page in _pages(rows):
        session.connection().execute(insert(_CLIPS), page)


def shards_of(session: Session, release_id: ReleaseId) -> list[tuple[str, Split, int]]:
    """Each shard with its split and its number of clips, train first."""
    rows = session.execute(
        select(ReleaseClip.shard, ReleaseClip.split, func.count())
        .where(ReleaseClip.release_id == release_id)
        .group_by(ReleaseClip.shard, ReleaseClip.split)
    )
    order = list(Split)
    return sorted(
        ((shard, split, clips) for shard, split, clips in rows), key=lambda row: (order.index(row[1]), row[0])
    )


def accounts_in(session: Session, release_id: ReleaseId) -> list[AccountId]:
    """Whose clips a release holds, withdrawn or not: whom a gate has to lock before it asks the rule."""
    return list(
        session.scalars(
            select(Utterance.account_id)
            .distinct()
            .join(Clip, Clip.utterance_id == Utterance.id)
            .join(ReleaseClip, ReleaseClip.clip_id == Clip.id)
            .where(ReleaseClip.release_id == release_id)
        )
    )


def supersede(session: Session, name: str) -> None:
    """Ends the version that is current. One that somebody left meanwhile is cut anew no more, and so is revoked."""
    current = and_(Release.name == name, Release.state == ReleaseState.CURRENT)
    left = and_(current, Release.recut_at.is_not(None))
    session.execute(update(Release).where(left).values(state=ReleaseState.REVOKED, recut_at=None))
    session.execute(update(Release).where(current).values(state=ReleaseState.SUPERSEDED))


def forget_release(session: Session, release_id: ReleaseId) -> None:
    """Deletes a draft. Its speakers keep their splits.

    A revoked version stays: an erasure that has yet to come empties it by name, and must never meet a new one there.
    """
    draft = select(Release.id).where(Release.id == release_id, Release.state == ReleaseState.DRAFT)
    session.execute(delete(ReleaseClip).where(ReleaseClip.release_id.in_(draft)))
    session.execute(delete(ReleaseFile).where(ReleaseFile.release_id.in_(draft)))
    session.execute(delete(Release).where(Release.id.in_(draft)))


def knows_anybody(session: Session) -> bool:
    return session.scalar(select(Account.id).limit(1)) is not None


def put_tombstones(session: Session, name: str, lines: Iterable[TombstoneLine], serial: int) -> None:
    """As they were told before, in place of what stands there."""
    for line in lines:
        same = and_(
            Tombstone.release_name == name,
            Tombstone.version == line.version,
            Tombstone.wav_filename == line.wav_filename,
        )
        session.execute(delete(Tombstone).where(same))
        session.add(
            Tombstone(
                release_name=name,
                version=line.version,
                revision=line.revision,
                wav_filename=line.wav_filename,
                wav_sha256=line.wav_sha256,
                at=datetime.fromisoformat(line.date).replace(tzinfo=UTC),
                reason=line.reason,
                serial=serial,
            )
        )
    session.flush()


def recall_version(session: Session, name: str, told: Mapping[str, Any], now: datetime) -> bool:
    """Has a version stand as a later state told of it, where the database knows less; whether that changed anything."""
    release = release_of(session, name, told["version"])
    if release is None:  # its clips are forgotten: whoever left it could not be erased from it
        session.add(
            Release(
                id=ReleaseId(new_id()),
                name=name,
                version=told["version"],
                state=ReleaseState.REVOKED,
                policy="{}",
                snapshot_at=now,
                published_at=now,
                manifest_sha256=told["manifest_sha256"],
                revision=told["revision"],
                newest_revision=told["revision"],
            )
        )
        session.flush()
        return True
    if release.state is ReleaseState.REVOKED:
        return False
    if told["state"] == ReleaseState.REVOKED or release.state is ReleaseState.DRAFT:
        release.state, release.recut_at = ReleaseState.REVOKED, None
        release.published_at = release.published_at or now
    elif told["revision"] > release.revision:  # revisions never return: it is cut anew above what the world has seen
        release.newest_revision = max(release.newest_revision, told["revision"])
        release.recut_at = release.recut_at or now
        if release.state is not ReleaseState.CURRENT:
            release.state, release.recut_at = ReleaseState.REVOKED, None
    else:
        return False
    session.flush()
    return True


def releases(session: Session, name: str | None = None) -> list[ReleaseFacts]:
    """All releases, or those of a name; by name, the newest snapshot last."""
    counted = (
        select(
            ReleaseClip.release_id,
            func.count().label("clips"),
            func.count(ReleaseClip.speaker.distinct()).label("speakers"),
        )
        .group_by(ReleaseClip.release_id)
        .subquery()
    )
    statement = (
        select(
            Release.name,
            Release.version,
            Release.state,
            Release.snapshot_at,
            Release.built_at,
            Release.published_at,
            Release.manifest_sha256,
            Release.revision,
            func.coalesce(counted.c.clips, 0),
            func.coalesce(counted.c.speakers, 0),
        )
        .outerjoin(counted, counted.c.release_id == Release.id)
        .order_by(Release.name, Release.snapshot_at, Release.version)
    )
    if name is not None:
        statement = statement.where(Release.name == name)
    return [ReleaseFacts(*row) for row in session.execute(statement)]


def _pages(rows: Sequence[dict[str, object]]) -> Iterator[Sequence[dict[str, object]]]:
    for start in range(0, len(rows), PAGE):
        yield rows[start : start + PAGE]
