"""SQL over pairings."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import delete, func, select, update
from sqlalchemy.orm import Session

from corpus.tables import Device, Pairing, Token
from corpus.words import AccountId, DeviceId


@dataclass(frozen=True, slots=True)
class Waiting:
    """A pairing as the device that polls finds it: the device that it became, once somebody has approved it."""

    pairing_id: str
    expires_at: datetime
    polled_at: datetime | None
    collected_at: datetime | None
    device_id: DeviceId | None


def forget_expired(session: Session, before: datetime) -> None:
    """Never waits for whoever collects one of them just now."""
    expired = select(Pairing.id).where(Pairing.expires_at <= before).with_for_update(skip_locked=True)
    session.execute(delete(Pairing).where(Pairing.id.in_(expired)).execution_options(synchronize_session=False))


def count_waiting(session: Session) -> int:
    return session.scalar(select(func.count()).select_from(Pairing)) or 0


def lock_unapproved(session: Session, code_lookup: str, now: datetime) -> Pairing | None:
    """The pairing whose code this is, while it waits."""
    return session.scalar(
        select(Pairing)
        .where(Pairing.code_lookup == code_lookup, Pairing.expires_at > now)
        .where(Pairing.device_id.is_(None), Pairing.collected_at.is_(None))
        .with_for_update()
    )


def owner_of(session: Session, device_code_lookup: str) -> AccountId | None:
    """Whose device it became; None while nobody has approved it."""
    return session.scalar(
        select(Device.account_id)
        .join(Pairing, Pairing.device_id == Device.id)
        .where(Pairing.device_code_lookup == device_code_lookup)
    )


def lock_pairing(session: Session, device_code_lookup: str) -> Waiting | None:
    row = session.execute(
        select(Pairing.id, Pairing.expires_at, Pairing.polled_at, Pairing.collected_at, Pairing.device_id)
        .where(Pairing.device_code_lookup == device_code_lookup)
        .with_for_update()
    ).one_or_none()
    return None if row is None else Waiting(*row)


def is_in_use(session: Session, device_id: DeviceId) -> bool:
    """Whether the device is there, and not revoked."""
    return session.scalar(select(Device.id).where(Device.id == device_id, Device.revoked_at.is_(None))) is not None


def note_poll(session: Session, pairing_id: str, now: datetime) -> None:
    session.execute(update(Pairing).where(Pairing.id == pairing_id).values(polled_at=now))


def note_collected(session: Session, pairing_id: str, now: datetime) -> None:
    """The first time stays."""
    session.execute(
        update(Pairing).where(Pairing.id == pairing_id, Pairing.collected_at.is_(None)).values(collected_at=now)
    )


def revoke_tokens(session: Session, device_id: DeviceId, now: datetime) -> None:
    session.execute(
        update(Token).where(Token.device_id == device_id, Token.revoked_at.is_(None)).values(revoked_at=now)
    )
