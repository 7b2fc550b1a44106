"""SQL over accounts, roles, devices and tokens."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import bindparam, func, select, update
from sqlalchemy.orm import Session

from corpus.tables import Account, AccountRole, Device, Token
from corpus.words import AccountId, DeviceId, Role


@dataclass(frozen=True, slots=True)
class Credentials:
    """What a password is checked against."""

    account_id: AccountId
    password_hash: str | None
    failed_sign_ins: int
    blocked_until: datetime | None


def credentials(session: Session, email_lookup: str) -> Credentials | None:
    row = session.execute(
        select(Account.id, Account.password_hash, Account.failed_sign_ins, Account.sign_in_blocked_until).where(
            Account.email_lookup == email_lookup
        )
    ).one_or_none()
    return None if row is None else Credentials(*row)


def record_failed_sign_in(session: Session, account_id: AccountId, blocked_until: datetime | None) -> None:
    session.execute(
        update(Account)
        .where(Account.id == account_id)
        .values(failed_sign_ins=Account.failed_sign_ins + 1, sign_in_blocked_until=blocked_until)
    )


def clear_failed_sign_ins(session: Session, account_id: AccountId) -> None:
    session.execute(
        update(Account)
        .where(Account.id == account_id, Account.failed_sign_ins > 0)
        .values(failed_sign_ins=0, sign_in_blocked_until=None)
    )


def account_id_of(session: Session, email_lookup: str) -> AccountId | None:
    return session.scalar(select(Account.id).where(Account.email_lookup == email_lookup))


def roles(session: Session, account_id: AccountId) -> frozenset[Role]:
    return frozenset(session.scalars(select(AccountRole.role).where(AccountRole.account_id == account_id)))


@dataclass(frozen=True, slots=True)
class KnownToken:
    """A token, and the time its device was revoked at."""

    token_id: str
    account_id: AccountId
    device_id: DeviceId | None
    scopes: str
    expires_at: datetime | None
    revoked_at: datetime | None
    device_revoked_at: datetime | None


# Built once, and run on the session's connection: every request asks it, and building it costs more than running it.
_KNOWN_TOKEN = (
    select(
        Token.id,
        Token.account_id,
        Token.device_id,
        Token.scopes,
        Token.expires_at,
        Token.revoked_at,
        Device.revoked_at,
    )
    .outerjoin(Device, Device.id == Token.device_id)
    .where(Token.lookup == bindparam("lookup"))
)


def known_token(session: Session, lookup: str) -> KnownToken | None:
    """The token of this digest."""
    row = session.connection().execute(_KNOWN_TOKEN, {"lookup": lookup}).one_or_none()
    return None if row is None else KnownToken(*row)


def device_revoked_at(session: Session, device_id: DeviceId) -> datetime | None:
    return session.scalar(select(Device.revoked_at).where(Device.id == device_id))


def revoke_token(session: Session, token_id: str, now: datetime) -> None:
    session.execute(update(Token).where(Token.id == token_id, Token.revoked_at.is_(None)).values(revoked_at=now))


def count_accounts(session: Session) -> int:
    return session.scalar(select(func.count()).select_from(Account)) or 0
