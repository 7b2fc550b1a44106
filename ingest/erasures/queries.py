"""SQL of erasures: their rows, the objects that they have still to remove, and the husks that deletion leaves."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Select,
    and_,
    bindparam,
    delete,
    exists,
    func,
    insert,
    literal,
    or_,
    select,
    true,
    tuple_,
    update,
)
from sqlalchemy.orm import Session

from corpus.prepared import Prepared
from corpus.tables import (
    Account,
    Clip,
    Device,
    DoomedObject,
    ErasedUpload,
    Erasure,
    Label,
    Release,
    ReleaseClip,
    ReleasePull,
    Utterance,
)
from corpus.words import (
    AccountId,
    ClipId,
    DeviceId,
    ErasureKind,
    KeyId,
    Outcome,
    ReleaseState,
    UtteranceId,
)
from ingest.erasures.record import Counts


@dataclass(frozen=True, slots=True)
class Begun:
    """An erasure as its row tells of it."""

    id: str
    kind: ErasureKind
    account_id: AccountId | None
    """None once the account is gone."""
    voice_key_id: KeyId | None
    requested_at: datetime
    stop_took_ms: int | None
    erased_at: datetime | None
    done_at: datetime | None
    entry_id: int | None
    journaled_at: datetime | None
    counts: Counts


_COLUMNS = (
    Erasure.id,
    Erasure.kind,
    Erasure.account_id,
    Erasure.voice_key_id,
    Erasure.requested_at,
    Erasure.stop_took_ms,
    Erasure.erased_at,
    Erasure.done_at,
    Erasure.entry_id,
    Erasure.journaled_at,
    Erasure.counts,
)


def add(session: Session, begun: Begun, capability_lookup: str) -> None:
    session.add(
        Erasure(
            id=begun.id,
            kind=begun.kind,
            account_id=begun.account_id,
            voice_key_id=begun.voice_key_id,
            requested_at=begun.requested_at,
            done_at=begun.done_at,
            journaled_at=begun.journaled_at,
            counts=begun.counts.as_json(),
            capability_lookup=capability_lookup,
        )
    )
    session.flush()


def unfinished(session: Session, account_id: AccountId | None = None) -> list[Begun]:
    """Oldest first; of one account, or of all."""
    found = select(*_COLUMNS).where(Erasure.done_at.is_(None))
    if account_id is not None:
        found = found.where(Erasure.account_id == account_id)
    return _begun(session, found.order_by(Erasure.requested_at, Erasure.id))


def any_done_since(session: Session, since: datetime) -> bool:
    return session.scalar(select(Erasure.id).where(Erasure.done_at >= since).limit(1)) is not None


def of_account(session: Session, account_id: AccountId) -> list[Begun]:
    """Newest first."""
    mine = select(*_COLUMNS).where(Erasure.account_id == account_id)
    return _begun(session, mine.order_by(Erasure.requested_at.desc(), Erasure.id))


def unjournaled(session: Session) -> list[Begun]:
    return _begun(session, select(*_COLUMNS).where(Erasure.journaled_at.is_(None)).order_by(Erasure.requested_at))


def locked(session: Session, erasure_id: str) -> Begun | None:
    """Its row as it is now, locked until this transaction ends."""
    found = _begun(session, select(*_COLUMNS).where(Erasure.id == erasure_id).with_for_update())
    return found[0] if found else None


def at_capability(session: Session, lookup: str) -> tuple[Begun, str | None] | None:
    """The erasure, and its certificate where it is signed."""
    found = _begun(session, select(*_COLUMNS).where(Erasure.capability_lookup == lookup))
    return (found[0], certificate_of(session, found[0].id)) if found else None


def certificate_of(session: Session, erasure_id: str) -> str | None:
    return session.scalar(select(Erasure.certificate).where(Erasure.id == erasure_id))


def known(session: Session, erasure_ids: Collection[str]) -> set[str]:
    """Which of these have a row."""
    ids, found = sorted(erasure_ids), set[str]()
    for start in range(0, len(ids), 500):
        found |= set(session.scalars(select(Erasure.id).where(Erasure.id.in_(ids[start : start + 500]))))
    return found


def note(session: Session, erasure_id: str, **values: object) -> None:
    """Sets columns of its row."""
    counts = values.get("counts")
    if isinstance(counts, Counts):
        values["counts"] = counts.as_json()
    session.execute(
        update(Erasure).where(Erasure.id == erasure_id).values(**values).execution_options(synchronize_session=False)
    )


def empty_working_columns(session: Session, account_id: AccountId) -> None:
    """What an account's erasures worked from, once nothing of it is left to erase."""
    mine = select(Erasure.id).where(Erasure.account_id == account_id)
    session.execute(delete(DoomedObject).where(DoomedObject.erasure_id.in_(mine)))
    session.execute(update(Erasure).where(Erasure.account_id == account_id).values(voice_key_id=None))


def _begun(session: Session, statement: "Select[*tuple[Any, ...]]") -> list[Begun]:
    return [
        Begun(**{**row._mapping, "counts": Counts.from_json(row.counts)})
        for row in session.execute(statement.execution_options(populate_existing=True))
    ]


# Accounts


def account_ids(session: Session) -> Sequence[AccountId]:
    return session.scalars(select(Account.id)).all()


def revoke_devices(session: Session, account_id: AccountId, now: datetime) -> None:
    mine = and_(Device.account_id == account_id, Device.revoked_at.is_(None))
    session.execute(update(Device).where(mine).values(revoked_at=now))


# Recordings


def recordings_of(session: Session, account_id: AccountId) -> list[UtteranceId]:
    return list(session.scalars(select(Utterance.id).where(Utterance.account_id == account_id).order_by(Utterance.id)))


def with_same_sound(session: Session, account_id: AccountId, wanted: Collection[UtteranceId]) -> list[UtteranceId]:
    """Those of the wanted that are the account's, and all of the account's whose sound is that of one of them."""
    own = set(wanted).intersection(recordings_of(session, account_id))
    rows = session.execute(
        select(Utterance.id, Clip.pcm_digest)
        .join(Clip, Clip.utterance_id == Utterance.id)
        .where(Utterance.account_id == account_id, Clip.pcm_digest.is_not(None))
    ).all()
    sounds = {digest for utterance_id, digest in rows if utterance_id in own}
    return sorted(own | {utterance_id for utterance_id, digest in rows if digest in sounds})


def doom_objects(session: Session, erasure_id: str, which: ColumnElement[bool]) -> None:
    """Writes down the objects of recordings whose rows are about to go."""
    erasure = literal(erasure_id, Erasure.id.type)
    sent = select(Utterance.object_key, erasure).where(which, Utterance.object_key.is_not(None))
    clips = (
        select(Clip.object_key, erasure)
        .join(Utterance, Utterance.id == Clip.utterance_id)
        .where(which, Clip.object_key.is_not(None))
    )
    for objects in (sent, clips):
        session.execute(insert(DoomedObject).from_select(["object_key", "erasure_id"], objects))


def doomed_objects(session: Session, erasure_id: str) -> Sequence[str]:
    return session.scalars(select(DoomedObject.object_key).where(DoomedObject.erasure_id == erasure_id)).all()


def forget_doomed(session: Session, erasure_id: str) -> None:
    session.execute(delete(DoomedObject).where(DoomedObject.erasure_id == erasure_id))


def leave_husks(session: Session, which: ColumnElement[bool]) -> None:
    """So that a retry of a deleted upload is told to drop it."""
    keys = select(Utterance.device_id, Utterance.idempotency_digest).where(
        which, Utterance.idempotency_digest.is_not(None)
    )
    session.execute(insert(ErasedUpload).from_select(["device_id", "idempotency_digest"], keys))


def was_deleted(session: Session, device_id: DeviceId, idempotency_digest: str) -> bool:
    asked = {"device_id": device_id, "idempotency_digest": idempotency_digest}
    return bool(_HUSK.rows(session, asked))


_HUSK = Prepared(
    select(ErasedUpload.device_id).where(
        ErasedUpload.device_id == bindparam("device_id"),
        ErasedUpload.idempotency_digest == bindparam("idempotency_digest"),
    )
)
"""Every upload asks it twice."""


# Releases


def releases_with(session: Session, clips: Select[ClipId], *, published: bool) -> tuple[str, ...]:
    """`name version` of each release that holds one of the clips: of those that were published, or of the drafts."""
    holding = select(ReleaseClip.release_id).where(ReleaseClip.clip_id.in_(clips))
    rows = session.execute(
        select(Release.name, Release.version)
        .where(Release.id.in_(holding), Release.published_at.is_not(None) == published)
        .order_by(Release.name, Release.version)
    )
    return tuple(f"{name} {version}" for name, version in rows)


@dataclass(frozen=True, slots=True)
class AffectedRelease:
    """A release that held something erased, as it stands now."""

    name: str
    version: str
    state: ReleaseState
    revision: int
    waits_for_recut: bool


def affected(session: Session, releases: Iterable[str]) -> list[AffectedRelease]:
    named = [tuple(each.split(" ", 1)) for each in releases]
    if not named:
        return []
    rows = session.execute(
        select(Release.name, Release.version, Release.state, Release.revision, Release.recut_at)
        .where(tuple_(Release.name, Release.version).in_(named))
        .order_by(Release.name, Release.version)
    )
    return [
        AffectedRelease(name, version, state, revision, recut_at is not None and state is ReleaseState.CURRENT)
        for name, version, state, revision, recut_at in rows
    ]


def recipients(session: Session, releases: Iterable[str]) -> int:
    """How many pulled one of these, and so are told of its tombstones."""
    named = [tuple(each.split(" ", 1)) for each in releases]
    if not named:
        return 0
    pulled = select(func.count(ReleasePull.account_id.distinct())).where(
        tuple_(ReleasePull.name, ReleasePull.version).in_(named)
    )
    return session.scalar(pulled) or 0


# Clocks


def past_raw_clock(session: Session, measured_before: datetime, limit: int) -> list[tuple[UtteranceId, str]]:
    """Recordings that were measured so long ago that their original goes, with its object."""
    rows = session.execute(
        select(Utterance.id, Utterance.object_key)
        .join(Clip, Clip.utterance_id == Utterance.id)
        .where(Utterance.object_key.is_not(None), Clip.measured_at < measured_before)
        .order_by(Utterance.id)
        .limit(limit)
    )
    return [(utterance_id, key) for utterance_id, key in rows if key]


def forget_originals(session: Session, gone: Collection[tuple[UtteranceId, str]]) -> None:
    for utterance_id, object_key in gone:
        session.execute(
            update(Utterance)
            .where(Utterance.id == utterance_id, Utterance.object_key == object_key)
            .values(object_key=None)
            .execution_options(synchronize_session=False)
        )


def past_their_clock(
    session: Session,
    refused_before: datetime | None,
    unreviewed_before: datetime | None,
    account_id: AccountId | None = None,
) -> dict[AccountId, list[UtteranceId]]:
    """By account: refused recordings, and those that nobody has reviewed, whose time has come."""
    rejected = ~exists().where(Label.clip_id == Clip.id)
    clocks: list[ColumnElement[bool]] = []
    if refused_before is not None:
        ended_at = func.coalesce(Clip.ended_at, Clip.measured_at)
        dropped = and_(Clip.outcome.in_((Outcome.DROPPED, Outcome.FAILED)), ended_at < refused_before)
        clocks += [dropped, and_(Clip.reviewed_at < refused_before, rejected)]
    if unreviewed_before is not None:
        open_ = or_(Clip.outcome.is_(None), Clip.outcome == Outcome.KEPT)
        clocks.append(and_(open_, Clip.reviewed_at.is_(None), Clip.measured_at < unreviewed_before))
        clocks.append(and_(Clip.id.is_(None), Utterance.received_at < unreviewed_before))
    found: dict[AccountId, list[UtteranceId]] = {}
    if clocks:
        rows = session.execute(
            select(Utterance.account_id, Utterance.id)
            .outerjoin(Clip, Clip.utterance_id == Utterance.id)
            .where(or_(*clocks), true() if account_id is None else Utterance.account_id == account_id)
            .order_by(Utterance.account_id, Utterance.id)
        )
        for account_id, utterance_id in rows:
            found.setdefault(account_id, []).append(utterance_id)
    return found
