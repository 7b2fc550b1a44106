"""Accounts and passwords.

A password is kept as an argon2id hash (RFC 9106, the library's low-memory profile); the e-mail address is sealed under
the account's identity key, and found by a keyed digest of its case-folded form.
"""

from datetime import datetime

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from sqlalchemy.orm import Session

from corpus.errors import AccountExists, BadRequest
from corpus.identity import queries
from corpus.keys import AccountKey, KeyKind, Keyring, MasterKey
from corpus.sealed import place
from corpus.tables import Account, AccountRole
from corpus.words import AccountId, Role, new_id

SHORTEST_PASSWORD = 10
LONGEST_PASSWORD = 1024
LONGEST_EMAIL = 254
# Compared with where there is no account, so that both take as long. It is of some words, and written out because to
# make it at import was a tenth of every command's start.
HASH_OF_NOBODY = "$argon2id$v=19$m=65536,t=3,p=4$5X1t0Te0J0TvmdHNXvy8uw$WKSK3hgFQz3+FdLYmWwcZSVtdXRQzXGvZAsmKG5/iUo"


def email_lookup(master: MasterKey, email: str) -> str:
    """The keyed digest by which an account is found."""
    return master.digest("email lookup", email.strip().casefold().encode())


def new_identity(keyring: Keyring) -> AccountKey:
    """A new account's id and identity key, made before the transaction that adds the account."""
    account_id = AccountId(new_id())
    return keyring.unwrap(account_id, keyring.create(account_id, KeyKind.IDENTITY), KeyKind.IDENTITY)


def add_account(
    session: Session,
    *,
    master: MasterKey,
    identity: AccountKey,
    email: str,
    password_hash: str | None,
    role: Role,
    now: datetime,
) -> AccountId:
    """Adds an account. Raises `AccountExists`. Without a password nobody can sign in to it."""
    if "@" not in email or len(email) > LONGEST_EMAIL:
        raise BadRequest("That is not an e-mail address.")
    lookup = email_lookup(master, email)
    if queries.account_id_of(session, lookup) is not None:
        raise AccountExists
    account = Account(
        id=identity.account_id,
        email_lookup=lookup,
        email=identity.seal(email.strip().encode(), place("accounts.email", identity.account_id)),
        password_hash=password_hash,
        identity_key_id=identity.key_id,
        created_at=now,
    )
    return _added(session, account, role)


def add_nameless_account(session: Session, *, identity: AccountKey, role: Role, now: datetime) -> AccountId:
    """Adds an account of somebody who is known by another way in, and of whom we keep no address."""
    return _added(session, Account(id=identity.account_id, identity_key_id=identity.key_id, created_at=now), role)


def _added(session: Session, account: Account, role: Role) -> AccountId:
    session.add(account)
    session.flush()
    session.add(AccountRole(account_id=account.id, role=role))
    session.flush()
    return account.id


def add_role(session: Session, account_id: AccountId, role: Role) -> None:
    """Adding a role twice is adding it once."""
    if role not in queries.roles(session, account_id):
        session.add(AccountRole(account_id=account_id, role=role))
        session.flush()


def hash_password(password: str) -> str:
    """Slow on purpose. Raises `BadRequest` for a password that is too short or absurdly long."""
    if not SHORTEST_PASSWORD <= len(password) <= LONGEST_PASSWORD:
        raise BadRequest(f"A password has {SHORTEST_PASSWORD} to {LONGEST_PASSWORD} characters.")
    return PasswordHasher().hash(password)


def password_matches(known: queries.Credentials | None, password: str) -> bool:
    """Whether the password is the account's. Slow on purpose, so call it outside any transaction.

    Takes as long where there is no such account.
    """
    try:
        PasswordHasher().verify((known.password_hash if known else None) or HASH_OF_NOBODY, password[:LONGEST_PASSWORD])
    except (VerificationError, InvalidHashError):
        return False
    return known is not None and known.password_hash is not None
