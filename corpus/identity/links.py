"""One-time ways in, which an operator prints for somebody: a secret of 256 bits, good once and not for long.

It is known to us by a keyed digest alone, and never logged. To look at its page spends nothing: mail programs look at
every link they are sent.
"""

import secrets
from datetime import timedelta

from corpus.collaborators import Collaborators
from corpus.errors import LinkSpent
from corpus.identity import queries, tokens
from corpus.identity.tokens import Entered
from corpus.keys import MasterKey
from corpus.queries import share_accounts
from corpus.tables import SignInLink
from corpus.words import AccountId, new_id

SECRET_BYTES = 32
LONGEST_SECRET = 128
LIFETIME = timedelta(hours=1)
LONGEST_LIFETIME = timedelta(days=7)


def make_link(house: Collaborators, account_id: AccountId, lifetime: timedelta = LIFETIME) -> str:
    """The secret of a new link, shown this once. It ends the account's older ones."""
    secret = secrets.token_urlsafe(SECRET_BYTES)
    with house.database.writing() as session:
        share_accounts(session, [account_id])
        now = house.clock()
        queries.forget_links(session, account_id)
        session.add(
            SignInLink(
                id=new_id(),
                account_id=account_id,
                lookup=_lookup(house.master, secret),
                created_at=now,
                expires_at=now + min(lifetime, LONGEST_LIFETIME),
            )
        )
        session.flush()
    return secret


def enter_by_link(house: Collaborators, secret: str) -> Entered:
    """Spends the link and signs its owner in, in one transaction. Raises `LinkSpent`; of two at once, for one."""
    if len(secret) > LONGEST_SECRET:
        raise LinkSpent
    lookup = _lookup(house.master, secret)
    with house.database.writing() as session:
        owner = queries.link_owner(session, lookup)
        if owner is None:
            raise LinkSpent
        share_accounts(session, [owner])  # before the link's own row: a closing takes them in this order too
        now = house.clock()
        account_id = queries.spend_link(session, lookup, now)
        if account_id is None:
            raise LinkSpent
        return tokens.enter(session, master=house.master, account_id=account_id, now=now)


def _lookup(master: MasterKey, secret: str) -> str:
    return master.digest("sign-in link", secret.encode())
