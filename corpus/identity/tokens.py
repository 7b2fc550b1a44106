"""Bearer tokens: 256 random bits, known to us only by a keyed digest, good for named scopes."""

import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from corpus.errors import DeviceRevoked, RoleMissing, ScopeMissing, Unauthenticated
from corpus.identity import queries
from corpus.keys import MasterKey
from corpus.queries import share_accounts
from corpus.tables import Token
from corpus.words import AccountId, DeviceId, Role, Scope, new_id

PREFIX = "lw_"
TOKEN_BYTES = 32
LONGEST_TOKEN = 128
SESSION_LIFETIME = timedelta(hours=12)
SESSION_SCOPES = (Scope.ACCOUNT, Scope.REVIEW)

ROLES_FOR: dict[Scope, frozenset[Role]] = {
    Scope.UPLOAD: frozenset(),
    Scope.ACCOUNT: frozenset(),
    Scope.REVIEW: frozenset({Role.CURATOR, Role.STEWARD, Role.ADMIN}),
    Scope.PULL: frozenset({Role.ENGINEER, Role.STEWARD, Role.ADMIN}),
}
"""The roles of which an account needs one for a scope; none needed where the set is empty."""


@dataclass(frozen=True, slots=True)
class Caller:
    """Who a token speaks for."""

    token_id: str
    account_id: AccountId
    device_id: DeviceId | None
    scopes: frozenset[Scope]


def issue_token(
    session: Session,
    *,
    master: MasterKey,
    account_id: AccountId,
    scopes: Iterable[Scope],
    now: datetime,
    device_id: DeviceId | None = None,
    lifetime: timedelta | None = None,
) -> str:
    """Makes a token and returns it: it is shown once and kept nowhere. Raises `RoleMissing` for a scope not allowed.

    Under the account's shared lock, so that its closing comes before, which raises `Unauthenticated`, or ends it.
    """
    share_accounts(session, [account_id])
    if not queries.is_open(session, account_id):
        raise Unauthenticated("This account was closed.")
    wanted = sorted(set(scopes))
    _check_roles(session, account_id, wanted)
    token = PREFIX + secrets.token_urlsafe(TOKEN_BYTES)
    session.add(
        Token(
            id=new_id(),
            account_id=account_id,
            device_id=device_id,
            lookup=_lookup(master, token),
            scopes=" ".join(wanted),
            created_at=now,
            expires_at=None if lifetime is None else now + lifetime,
        )
    )
    session.flush()
    return token


@dataclass(frozen=True, slots=True)
class Entered:
    """A person who has just signed in at a page: the token that their cookie holds, and what they are."""

    account_id: AccountId
    token: str
    roles: frozenset[Role]


def enter(session: Session, *, master: MasterKey, account_id: AccountId, now: datetime) -> Entered:
    """Signs somebody in at a page, whose right to it the caller has seen."""
    token = issue_token(
        session,
        master=master,
        account_id=account_id,
        scopes=allowed_scopes(session, account_id, SESSION_SCOPES),
        now=now,
        lifetime=SESSION_LIFETIME,
    )
    return Entered(account_id, token, queries.roles(session, account_id))


def allowed_scopes(session: Session, account_id: AccountId, among: Iterable[Scope]) -> list[Scope]:
    """Those of the scopes that the account's roles allow."""
    held = queries.roles(session, account_id)
    return [scope for scope in among if not ROLES_FOR[scope] or ROLES_FOR[scope] & held]


def caller(session: Session, *, master: MasterKey, token: str | None, scope: Scope | None, now: datetime) -> Caller:
    """Who sent this token; without a scope, whatever it is good for.

    Raises `Unauthenticated`, `DeviceRevoked`, `ScopeMissing` or `RoleMissing`.
    """
    if not token or len(token) > LONGEST_TOKEN:
        raise Unauthenticated
    found = queries.known_token(session, _lookup(master, token))
    if found is None:
        raise Unauthenticated
    if found.device_revoked_at is not None:
        raise DeviceRevoked
    if found.revoked_at is not None or (found.expires_at is not None and found.expires_at <= now):
        raise Unauthenticated
    scopes = frozenset(Scope(word) for word in found.scopes.split())
    if scope is not None:
        if scope not in scopes:
            raise ScopeMissing
        _check_roles(session, found.account_id, [scope])
    return Caller(found.token_id, found.account_id, found.device_id, scopes)


def _check_roles(session: Session, account_id: AccountId, scopes: Iterable[Scope]) -> None:
    needed = [ROLES_FOR[scope] for scope in scopes if ROLES_FOR[scope]]
    if needed and not all(of_scope & queries.roles(session, account_id) for of_scope in needed):
        raise RoleMissing


def _lookup(master: MasterKey, token: str) -> str:
    return master.digest("token lookup", token.encode())
