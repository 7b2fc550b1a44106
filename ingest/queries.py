"""SQL over what people and devices give: uploads, devices, withdrawals, erasures and what a sweep compares."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, fields
from datetime import datetime

from sqlalchemy import ColumnElement, Integer, Select, and_, bindparam, delete, func, insert, select, update
from sqlalchemy.orm import Session

from corpus.ledger_queries import parsed
from corpus.prepared import Prepared
from corpus.queries import Committed
from corpus.sealed import SealedBytes
from corpus.tables import (
    Account,
    Clip,
    Demographics,
    Device,
    Erasure,
    LedgerEntry,
    SplitAssignment,
    Table,
    Token,
    Utterance,
)
from corpus.words import AccountId, DeviceId, KeyId, UtteranceId

# Uploads


@dataclass(frozen=True, slots=True)
class Stored:
    """What the answer to an upload is made of."""

    utterance_id: UtteranceId
    body_digest: str
    captured_at: datetime
    received_at: datetime


@dataclass(frozen=True, slots=True)
class Standing:
    """Whether a device's token still speaks, and under which key its owner's voice is sealed now."""

    token_revoked_at: datetime | None
    token_expires_at: datetime | None
    device_revoked_at: datetime | None
    voice_key_id: KeyId | None


_VOICE_KEY = Prepared(select(Account.voice_key_id).where(Account.id == bindparam("account_id")))

_STANDING = Prepared(
    select(Token.revoked_at, Token.expires_at, Device.revoked_at, Account.voice_key_id)
    .join(Device, Device.id == Token.device_id)
    .join(Account, Account.id == Token.account_id)
    .where(Token.id == bindparam("token_id"))
)

_NTH_NEWEST_UPLOAD = Prepared(
    select(Utterance.received_at)
    .where(Utterance.device_id == bindparam("device_id"), Utterance.received_at > bindparam("since"))
    .order_by(Utterance.received_at.desc())
    .offset(bindparam("skipped", type_=Integer))
    .limit(1)
)

_STORED_UNDER = Prepared(
    select(Utterance.id, Utterance.body_digest, Utterance.captured_at, Utterance.received_at).where(
        Utterance.device_id == bindparam("device_id"), Utterance.idempotency_digest == bindparam("idempotency_digest")
    )
)


@dataclass(frozen=True, slots=True)
class NewUtterance:
    """A row of `utterances`, column by column."""

    id: UtteranceId
    account_id: AccountId
    device_id: DeviceId
    consent_event_id: int
    voice_key_id: KeyId
    object_key: str
    idempotency_digest: str | None
    body_digest: str
    size_bytes: int
    media_type: str
    locale: str
    transcript: SealedBytes | None
    captured_at: datetime
    received_at: datetime


def voice_key_id(session: Session, account_id: AccountId) -> KeyId | None:
    rows = _VOICE_KEY.rows(session, {"account_id": account_id})
    return rows[0][0] if rows else None


def standing(session: Session, token_id: str) -> Standing | None:
    rows = _STANDING.rows(session, {"token_id": token_id})
    return Standing(*rows[0]) if rows else None


def nth_newest_upload(session: Session, device_id: DeviceId, n: int, since: datetime) -> datetime | None:
    """When the device's n-th newest upload since then was received; None where there are fewer."""
    rows = _NTH_NEWEST_UPLOAD.rows(session, {"device_id": device_id, "since": since, "skipped": n - 1})
    return rows[0][0] if rows else None


def stored_under(session: Session, device_id: DeviceId, idempotency_digest: str) -> Stored | None:
    rows = _STORED_UNDER.rows(session, {"device_id": device_id, "idempotency_digest": idempotency_digest})
    return Stored(*rows[0]) if rows else None


def add_utterance(session: Session, utterance: NewUtterance) -> None:
    """Raises SQLAlchemy's `IntegrityError` where the device has used this idempotency key."""
    _ADD_UTTERANCE.rows(session, {name: getattr(utterance, name) for name in _COLUMNS})


_COLUMNS = tuple(each.name for each in fields(NewUtterance))
_ADD_UTTERANCE = Prepared(insert(Table.metadata.tables[Utterance.__tablename__]), _COLUMNS)


# Devices


def identity_key_id(session: Session, account_id: AccountId) -> KeyId | None:
    return session.scalar(select(Account.identity_key_id).where(Account.id == account_id))


def devices(session: Session, account_id: AccountId) -> Sequence[Device]:
    return session.scalars(
        select(Device).where(Device.account_id == account_id).order_by(Device.created_at, Device.id)
    ).all()


def rename_device(session: Session, account_id: AccountId, device_id: DeviceId, name: SealedBytes) -> bool:
    """False where the account has no such device."""
    own = and_(Device.id == device_id, Device.account_id == account_id)
    return session.scalar(update(Device).where(own).values(name=name).returning(Device.id)) is not None


def revoke_device(session: Session, account_id: AccountId, device_id: DeviceId, now: datetime) -> bool:
    """False where the account has no such device. The first revocation's time stays."""
    own = and_(Device.id == device_id, Device.account_id == account_id)
    session.execute(update(Device).where(own, Device.revoked_at.is_(None)).values(revoked_at=now))
    return session.scalar(select(Device.id).where(own)) is not None


# Withdrawal and erasure


def committed_erasures(
    session: Session, account_id: AccountId, only: Collection[int] | None = None
) -> Sequence[Committed]:
    """The ledger's entries about the account's erasures: all, or those of these ids."""
    asked = (
        select(LedgerEntry.id, LedgerEntry.salt, LedgerEntry.content)
        .join(Erasure, Erasure.entry_id == LedgerEntry.id)
        .where(Erasure.account_id == account_id)
        .order_by(LedgerEntry.id)
    )
    rows = session.execute(asked if only is None else asked.where(LedgerEntry.id.in_(list(only))))
    return [Committed(index, salt, parsed(content), None) for index, salt, content in rows]


def forget_demographics(session: Session, account_id: AccountId) -> None:
    session.execute(delete(Demographics).where(Demographics.account_id == account_id))


def forget_splits(session: Session, account_id: AccountId) -> None:
    session.execute(delete(SplitAssignment).where(SplitAssignment.account_id == account_id))


def of_account(account_id: AccountId) -> ColumnElement[bool]:
    """All utterances of an account."""
    return Utterance.account_id == account_id


def of_voice(account_id: AccountId, key_id: KeyId | None) -> ColumnElement[bool]:
    """The utterances that were sealed under the key."""
    return and_(Utterance.account_id == account_id, Utterance.voice_key_id == key_id)


def count_utterances(session: Session, which: ColumnElement[bool]) -> int:
    return session.scalar(select(func.count()).select_from(Utterance).where(which)) or 0


# What a sweep compares


def voices(session: Session) -> set[tuple[AccountId, KeyId]]:
    """Each account and voice key that utterances are sealed under."""
    rows = session.execute(select(Utterance.account_id, Utterance.voice_key_id).distinct())
    return {(account_id, key_id) for account_id, key_id in rows}


def named_keys(session: Session) -> set[tuple[AccountId, KeyId]]:
    """Each account key that a row names: what is not among them seals nothing that could still be read."""
    voices_now = select(Account.id, Account.voice_key_id).where(Account.voice_key_id.is_not(None))
    identities = select(Account.id, Account.identity_key_id).where(Account.identity_key_id.is_not(None))
    rows = [*session.execute(voices_now), *session.execute(identities)]
    return {(account_id, key_id) for account_id, key_id in rows}


def object_keys_of(session: Session, account_id: AccountId, key_id: KeyId) -> set[str]:
    """The objects that rows sealed under this voice key name."""
    of_voice = and_(Utterance.account_id == account_id, Utterance.voice_key_id == key_id)
    utterances = session.scalars(select(Utterance.object_key).where(of_voice, Utterance.object_key.is_not(None)))
    clips = session.scalars(_clip_objects().where(of_voice))
    return {key for key in (*utterances, *clips) if key}


def _clip_objects() -> Select[str]:
    """Of clips that have one."""
    return (
        select(func.coalesce(Clip.object_key, ""))
        .join(Utterance, Utterance.id == Clip.utterance_id)
        .where(Clip.object_key.is_not(None))
    )
