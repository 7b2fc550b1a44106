"""SQL of withdrawing clips from releases, for all rooms: tombstones, re-cuts asked for, and the signed state of a name.

Locks are taken in one order everywhere: accounts, names of releases (sorted), rows of releases, and the ledger last.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from typing import TypeVar

from sqlalchemy import Delete, Select, Update, and_, delete, func, insert, literal, or_, select, text, update
from sqlalchemy.orm import Session

from corpus import ledger_queries, release_state
from corpus.release_state import KnownKey, TombstoneLine, VersionState
from corpus.signing import Signer
from corpus.tables import (
    Clip,
    Release,
    ReleaseClip,
    ReleaseFile,
    ReleaseSerial,
    Tombstone,
    Utterance,
)
from corpus.words import AccountId, ClipId, ReleaseId, ReleaseState, TombstoneReason, UtteranceId

TELL_OF_CLIPS = ("train.csv", "dev.csv", "test.csv", "clips.jsonl", "consent.jsonl")
"""The files of a release that name its clips one by one: gone with the first clip that is withdrawn."""


@dataclass(frozen=True, slots=True)
class Entombed:
    """What withdrawing clips meant for the releases: tombstones written, and the names whose state has changed."""

    tombstones: int
    names: tuple[str, ...]


# Which clips


def clips_of_account(account_id: AccountId) -> Select[ClipId]:
    of_account = select(Clip.id).join(Utterance, Utterance.id == Clip.utterance_id)
    return of_account.where(Utterance.account_id == account_id)


def clips_of_utterances(utterance_ids: Iterable[UtteranceId]) -> Select[ClipId]:
    return select(Clip.id).where(Clip.utterance_id.in_(list(utterance_ids)))


# Withdrawing


def entomb(
    session: Session,
    signer: Signer,
    clips: Select[ClipId],
    reason: TombstoneReason,
    now: datetime,
    state_lasts: timedelta,
) -> Entombed:
    """Takes clips out of every release, in this transaction: the one thing that a withdrawal, a deletion and an expiry
    do to releases. Done twice is done once.

    The caller has locked the accounts that the clips belong to, and has appended nothing to the ledger yet. What was
    published gets tombstones; a current version waits for its re-cut and is served no more until then; superseded
    versions and drafts are revoked. `empty_withdrawn` then removes the bytes. Each name's new state is signed here.
    """
    holding = select(ReleaseClip.release_id).where(ReleaseClip.clip_id.in_(clips))
    of_releases = select(Release.name).where(Release.id.in_(holding)).distinct().order_by(Release.name)
    for name in session.scalars(of_releases).all():
        lock_name(session, name)
    ids = session.scalars(
        select(Release.id).where(Release.id.in_(holding)).order_by(Release.id).with_for_update()
    ).all()
    if not ids:
        return Entombed(0, ())
    written = 0
    published = session.scalars(
        select(Release.name)
        .where(Release.id.in_(ids), Release.published_at.is_not(None))
        .distinct()
        .order_by(Release.name)
    ).all()
    for name in published:
        written += _write_tombstones(session, name, ids, clips, reason, now)
    _doom_files(session, ids, clips, now)
    _change_states(session, ids, now)
    session.execute(_silently(delete(ReleaseClip).where(ReleaseClip.clip_id.in_(clips))))
    for name in published:
        renew_state(session, signer, name, now, state_lasts)
    return Entombed(written, tuple(published))


def _write_tombstones(
    session: Session,
    name: str,
    ids: Sequence[ReleaseId],
    clips: Select[ClipId],
    reason: TombstoneReason,
    now: datetime,
) -> int:
    serial = _serial(session, name) + 1
    stand_already = select(Tombstone.id).where(
        Tombstone.release_name == Release.name,
        Tombstone.version == Release.version,
        Tombstone.wav_filename == ReleaseClip.wav_filename,
    )
    withdrawn = (
        select(
            Release.name,
            Release.version,
            Release.revision,
            ReleaseClip.wav_filename,
            func.coalesce(ReleaseClip.wav_sha256, ""),
            literal(release_state.day_of(now), Tombstone.at.type),
            literal(reason.value),
            literal(serial),
        )
        .join(Release, Release.id == ReleaseClip.release_id)
        .where(
            Release.id.in_(ids),
            Release.name == name,
            Release.published_at.is_not(None),
            ReleaseClip.clip_id.in_(clips),
            ~stand_already.exists(),
        )
    )
    columns = ("release_name", "version", "revision", "wav_filename", "wav_sha256", "at", "reason", "serial")
    session.execute(insert(Tombstone).from_select(columns, withdrawn))
    new = select(func.count()).where(Tombstone.release_name == name, Tombstone.serial == serial)
    return session.scalar(new) or 0


def _doom_files(session: Session, ids: Sequence[ReleaseId], clips: Select[ClipId], now: datetime) -> None:
    """The archives that hold one of the clips, and the manifests that name them."""
    holds_one = (
        select(ReleaseClip.clip_id)
        .where(
            ReleaseClip.release_id == ReleaseFile.release_id,
            ReleaseClip.shard == ReleaseFile.path,
            ReleaseClip.clip_id.in_(clips),
        )
        .exists()
    )
    doomed = and_(
        ReleaseFile.release_id.in_(ids),
        ReleaseFile.withdrawn_at.is_(None),
        or_(ReleaseFile.path.in_(TELL_OF_CLIPS), holds_one),
    )
    session.execute(_silently(update(ReleaseFile).where(doomed).values(withdrawn_at=now)))


def _change_states(session: Session, ids: Sequence[ReleaseId], now: datetime) -> None:
    """A current version that carries proofs is re-cut. Whatever else held one of the clips is at an end."""
    can_be_recut = and_(Release.state == ReleaseState.CURRENT, Release.consent_root.is_not(None))
    affected = Release.id.in_(ids)
    session.execute(
        _silently(update(Release).where(affected, can_be_recut).values(recut_at=func.coalesce(Release.recut_at, now)))
    )
    session.execute(
        _silently(update(Release).where(affected, ~can_be_recut).values(state=ReleaseState.REVOKED, recut_at=None))
    )


# The state of a name


def lock_name(session: Session, name: str) -> None:
    """One at a time may change the releases of a name. SQLite has one writer anyhow."""
    if session.get_bind().dialect.name == "postgresql":
        lock = int.from_bytes(sha256(f"loanword release {name}".encode()).digest()[:8], "big", signed=True)
        session.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": lock})


def renew_state(
    session: Session, signer: Signer, name: str, now: datetime, lasts: timedelta, *, above: int = 0
) -> ReleaseSerial:
    """Signs how the releases of a name stand now, under the next serial (and one larger than `above`).

    The caller holds the lock of the name.
    """
    row = session.get(ReleaseSerial, name, populate_existing=True)
    if row is None:
        row = ReleaseSerial(name=name, serial=0)
        session.add(row)
    row.serial = max(row.serial, above) + 1
    row.document = release_state.sign_state(
        signer,
        name=name,
        serial=row.serial,
        expires_at=release_state.expiry(now, lasts),
        versions=_version_states(session, name),
        keys=_keys(session, signer),
        tombstones=tombstones(session, name),
    )
    session.flush()
    return row


def state_row(session: Session, name: str) -> ReleaseSerial | None:
    return session.get(ReleaseSerial, name, populate_existing=True)


def published_names(session: Session) -> list[str]:
    """Every name under which anything was ever published, sorted."""
    return list(
        session.scalars(select(Release.name).where(Release.published_at.is_not(None)).distinct().order_by(Release.name))
    )


def was_published(session: Session, name: str) -> bool:
    return (
        session.scalar(select(Release.id).where(Release.name == name, Release.published_at.is_not(None)).limit(1))
        is not None
    )


def copied(session: Session, name: str, serial: int) -> None:
    """Notes that this state lies in the store, with its tombstones."""
    older = and_(ReleaseSerial.name == name, ReleaseSerial.copied_serial < serial)
    session.execute(_silently(update(ReleaseSerial).where(older).values(copied_serial=serial)))


def tombstones(session: Session, name: str) -> list[TombstoneLine]:
    """All of a name, by version and file name."""
    rows = session.execute(
        select(
            Tombstone.version,
            Tombstone.revision,
            Tombstone.wav_filename,
            Tombstone.wav_sha256,
            Tombstone.at,
            Tombstone.reason,
        )
        .where(Tombstone.release_name == name)
        .order_by(Tombstone.version, Tombstone.wav_filename)
    )
    return [
        TombstoneLine(version, revision, wav_filename, digest, at.date().isoformat(), reason)
        for version, revision, wav_filename, digest, at, reason in rows
    ]


def _serial(session: Session, name: str) -> int:
    return session.scalar(select(ReleaseSerial.serial).where(ReleaseSerial.name == name)) or 0


def _version_states(session: Session, name: str) -> list[VersionState]:
    """Every version that was published, the oldest first."""
    rows = session.execute(
        select(Release.version, Release.state, Release.revision, Release.manifest_sha256, Release.recut_at)
        .where(Release.name == name, Release.published_at.is_not(None))
        .order_by(Release.published_at, Release.version)
    )
    return [
        VersionState(version, state, revision, digest, recut_at is not None)
        for version, state, revision, digest, recut_at in rows
    ]


def _keys(session: Session, signer: Signer) -> list[KnownKey]:
    keys = ledger_queries.known_keys(session)
    known = [KnownKey(each.key_id, each.public_key, each.endorsement) for each in keys]
    if all(key.key_id != signer.key_id for key in known):
        known.append(KnownKey(signer.key_id, signer.public_key.hex(), None))
    return known


# What has still to be removed


@dataclass(frozen=True, slots=True)
class WithdrawnFile:
    """A file that may not be there any more, of a version of which the rest may stay."""

    name: str
    version: str
    revision: int
    path: str


def withdrawn_files(session: Session) -> list[WithdrawnFile]:
    rows = session.execute(
        select(Release.name, Release.version, ReleaseFile.revision, ReleaseFile.path)
        .join(Release, Release.id == ReleaseFile.release_id)
        .where(ReleaseFile.withdrawn_at.is_not(None), Release.state != ReleaseState.REVOKED)
        .order_by(Release.name, Release.version, ReleaseFile.path)
    )
    return [WithdrawnFile(*row) for row in rows]


def revoked_releases(session: Session) -> list[tuple[str, str]]:
    """(name, version) of each, sorted."""
    rows = session.execute(
        select(Release.name, Release.version)
        .where(Release.state == ReleaseState.REVOKED)
        .order_by(Release.name, Release.version)
    )
    return [(name, version) for name, version in rows]


Statement = TypeVar("Statement", Update, Delete)


def _silently(statement: Statement) -> Statement:
    """Without telling the session's objects: whoever needs one reads it anew."""
    return statement.execution_options(synchronize_session=False)
