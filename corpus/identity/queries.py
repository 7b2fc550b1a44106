"""SQL over accounts, roles, devices and tokens."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import and_, bindparam, case, delete, func, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from corpus.prepared import Prepared
from corpus.tables import Account, AccountRole, Device, ExternalIdentity, FailedAttempt, Pairing, SignInLink, Token
from corpus.words import AccountId, DeviceId, Role


@dataclass(frozen=True, slots=True)
class Credentials:
    """What a password is checked against."""

    account_id: AccountId
    password_hash: str | None


def credentials(session: Session, email_lookup: str) -> Credentials | None:
    row = session.execute(
        select(Account.id, Account.password_hash).where(Account.email_lookup == email_lookup)
    ).one_or_none()
    return None if row is None else Credentials(*row)


def account_id_of(session: Session, email_lookup: str) -> AccountId | None:
    return session.scalar(select(Account.id).where(Account.email_lookup == email_lookup))


def is_open(session: Session, account_id: AccountId) -> bool:
    """Whether nobody has closed the account: that empties what tells who it is of."""
    return session.scalar(select(Account.identity_key_id).where(Account.id == account_id)) is not None


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


_KNOWN_TOKEN = Prepared(
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
    rows = _KNOWN_TOKEN.rows(session, {"lookup": lookup})
    return KnownToken(*rows[0]) if rows else None


def device_revoked_at(session: Session, device_id: DeviceId) -> datetime | None:
    return session.scalar(select(Device.revoked_at).where(Device.id == device_id))


def revoke_token(session: Session, token_id: str, now: datetime) -> None:
    session.execute(update(Token).where(Token.id == token_id, Token.revoked_at.is_(None)).values(revoked_at=now))


def count_accounts(session: Session) -> int:
    return session.scalar(select(func.count()).select_from(Account)) or 0


def end_ways_in(session: Session, now: datetime) -> None:
    """Of everybody: links, pairings that wait, and every token that speaks for a person and not for a device."""
    session.execute(delete(SignInLink))
    session.execute(delete(Pairing))
    session.execute(update(Token).where(Token.device_id.is_(None), Token.revoked_at.is_(None)).values(revoked_at=now))


def token_stands(session: Session, token_id: str, account_id: AccountId, now: datetime) -> bool:
    """Whether the account's token is still good."""
    good = and_(Token.revoked_at.is_(None), or_(Token.expires_at.is_(None), Token.expires_at > now))
    own = and_(Token.id == token_id, Token.account_id == account_id)
    return session.scalar(select(Token.id).where(own, good)) is not None


# Other ways in


def account_known_as(session: Session, identity_lookup: str) -> AccountId | None:
    """Whose an external identity is."""
    return session.scalar(select(ExternalIdentity.account_id).where(ExternalIdentity.lookup == identity_lookup))


def forget_links(session: Session, account_id: AccountId) -> None:
    session.execute(delete(SignInLink).where(SignInLink.account_id == account_id))


def forget_old_links(session: Session, now: datetime) -> None:
    """Never waits for whoever makes or spends one just now."""
    old = select(SignInLink.id).where(SignInLink.expires_at <= now).with_for_update(skip_locked=True)
    session.execute(delete(SignInLink).where(SignInLink.id.in_(old)).execution_options(synchronize_session=False))


def link_owner(session: Session, lookup: str) -> AccountId | None:
    return session.scalar(select(SignInLink.account_id).where(SignInLink.lookup == lookup))


def spend_link(session: Session, lookup: str, now: datetime) -> AccountId | None:
    """Whose link it was; None where it was used, has run out, or never was. Of two at once, one gets it."""
    return session.scalar(
        update(SignInLink)
        .where(SignInLink.lookup == lookup, SignInLink.used_at.is_(None), SignInLink.expires_at > now)
        .values(used_at=now)
        .returning(SignInLink.account_id)
        .execution_options(synchronize_session=False)
    )


# Wrong guesses


def count_failure(session: Session, lookup: str, now: datetime, forgotten_at: datetime) -> tuple[int, datetime]:
    """One more failure; answers how many there are now, and when they are forgotten. The first one says when."""
    insert = sqlite.insert if session.get_bind().dialect.name == "sqlite" else postgresql.insert
    is_over = FailedAttempt.forgotten_at <= now
    counted = (
        insert(FailedAttempt)
        .values(lookup=lookup, failures=1, forgotten_at=forgotten_at)
        .on_conflict_do_update(
            index_elements=[FailedAttempt.lookup],
            set_={
                "failures": case((is_over, 1), else_=FailedAttempt.failures + 1),
                "forgotten_at": case((is_over, forgotten_at), else_=FailedAttempt.forgotten_at),
            },
        )
        .returning(FailedAttempt.failures, FailedAttempt.forgotten_at)
    )
    failures, at = session.execute(counted).one()
    return failures, at


def take_failure_back(session: Session, lookup: str) -> None:
    session.execute(
        update(FailedAttempt)
        .where(FailedAttempt.lookup == lookup, FailedAttempt.failures > 0)
        .values(failures=FailedAttempt.failures - 1)
    )


def forget_failures(session: Session, lookup: str) -> None:
    session.execute(delete(FailedAttempt).where(FailedAttempt.lookup == lookup))


def forget_old_failures(session: Session, now: datetime) -> None:
    """Never waits for whoever counts one of them anew."""
    old = select(FailedAttempt.lookup).where(FailedAttempt.forgotten_at <= now).with_for_update(skip_locked=True)
    session.execute(
        delete(FailedAttempt).where(FailedAttempt.lookup.in_(old)).execution_options(synchronize_session=False)
    )
