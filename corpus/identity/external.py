"""Accounts that people enter by way of an OpenID provider, known by a keyed digest of issuer and subject alone."""

from sqlalchemy.exc import IntegrityError

from corpus.collaborators import Collaborators
from corpus.errors import IdentityTaken, Unauthenticated
from corpus.identity import accounts, queries, tokens
from corpus.identity.openid import ExternalPerson
from corpus.identity.tokens import Entered
from corpus.keys import MasterKey
from corpus.queries import share_accounts
from corpus.tables import ExternalIdentity
from corpus.words import AccountId, Role


def enter_by_provider(house: Collaborators, person: ExternalPerson) -> Entered:
    """Signs in whoever the provider says it is. Who is new gets an account: a contributor's, and no other role."""
    lookup = _lookup(house.master, person)
    try:
        return _known(house, lookup) or _newcomer(house, lookup)
    except IntegrityError:  # they came twice at once, and the other one was first
        found = _known(house, lookup)
        if found is None:
            raise
        return found


def link_identity(house: Collaborators, account_id: AccountId, token_id: str, person: ExternalPerson) -> None:
    """From now on the account is entered by way of the provider too. Doing it twice is doing it once.

    `token_id` is of the session that asked for it, which must still stand. Raises `Unauthenticated` and
    `IdentityTaken`.
    """
    lookup = _lookup(house.master, person)
    try:
        with house.database.writing() as session:
            share_accounts(session, [account_id])
            now = house.clock()
            if not queries.token_stands(session, token_id, account_id, now):
                raise Unauthenticated
            owner = queries.account_known_as(session, lookup)
            if owner not in (None, account_id):
                raise IdentityTaken
            if owner is None:
                session.add(ExternalIdentity(lookup=lookup, account_id=account_id, created_at=now))
                session.flush()
    except IntegrityError as error:
        raise IdentityTaken from error


def _known(house: Collaborators, lookup: str) -> Entered | None:
    with house.database.writing() as session:
        account_id = queries.account_known_as(session, lookup)
        if account_id is None:
            return None
        share_accounts(session, [account_id])
        if queries.account_known_as(session, lookup) is None:  # the account was closed meanwhile
            return None
        return tokens.enter(session, master=house.master, account_id=account_id, now=house.clock())


def _newcomer(house: Collaborators, lookup: str) -> Entered:
    identity = accounts.new_identity(house.keyring)
    with house.database.writing() as session:
        now = house.clock()
        account_id = accounts.add_nameless_account(session, identity=identity, role=Role.CONTRIBUTOR, now=now)
        session.add(ExternalIdentity(lookup=lookup, account_id=account_id, created_at=now))
        session.flush()
        return tokens.enter(session, master=house.master, account_id=account_id, now=now)


def _lookup(master: MasterKey, person: ExternalPerson) -> str:
    return master.digest("external identity", f"{person.issuer}\0{person.subject}".encode())
