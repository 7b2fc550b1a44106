"""Pairs a device whose owner types the code that it shows: begun by the device, approved on a page, then collected.

A device that begins tells nothing of anyone, and is told nothing before somebody who is signed in has typed its code.
"""

from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy.orm import Session

from corpus.collaborators import Collaborators
from corpus.errors import AuthorizationPending, ExpiredToken, Overloaded, SlowDown, UnknownPairing
from corpus.identity import attempts, tokens
from corpus.identity.attempts import Counter, Limit
from corpus.queries import share_accounts
from corpus.tables import Device, Pairing
from corpus.words import AccountId, DeviceId, Scope, new_id
from ingest.pair_device import KnownDevice, as_name, sealed_name
from ingest.pairing import codes, queries
from ingest.pairing.queries import Waiting

LIFETIME = timedelta(minutes=15)
INTERVAL = timedelta(seconds=5)
COLLECTED_AGAIN = timedelta(minutes=1)
"""How long after its answer, which may have been lost, a device may ask for its token once more."""
MOST_WAITING = 10_000
BEGINNINGS = Limit("pairings begun by one client", failures=30, within=timedelta(minutes=15))
BY_ACCOUNT = Limit("codes typed by one account", failures=5, within=timedelta(minutes=5))
BY_CLIENT = Limit("codes typed by one client", failures=20, within=timedelta(minutes=15))
BY_ALL = Limit("codes typed by anyone", failures=1000, within=timedelta(minutes=15))
"""With 10,000 codes waiting, a thousand guesses find one in two and a half thousand quarters of an hour."""


@dataclass(frozen=True, slots=True)
class Begun:
    """What a device shows (`user_code`), and what it polls with."""

    user_code: str
    device_code: str


def begin_pairing(house: Collaborators, client: str | None = None) -> Begun:
    """Raises `RateLimited` and `Overloaded`."""
    begun = Begun(codes.new_user_code(), codes.new_device_code())
    with house.database.writing() as session:
        now = house.clock()
        queries.forget_expired(session, now - COLLECTED_AGAIN)
        if client is not None:
            attempts.count(session, [attempts.counter(house.master, BEGINNINGS, client)], now)
        if queries.count_waiting(session) >= MOST_WAITING:
            raise Overloaded
        session.add(
            Pairing(
                id=new_id(),
                code_lookup=_user_lookup(house, begun.user_code),
                device_code_lookup=_device_lookup(house, begun.device_code),
                created_at=now,
                expires_at=now + LIFETIME,
            )
        )
        session.flush()
    return begun


def approve_pairing(
    house: Collaborators, account_id: AccountId, user_code: str, name: str, client: str | None = None
) -> KnownDevice:
    """Makes the device that shows this code one of the account's.

    Raises `BadRequest` for a name that is none, `UnknownPairing` for a code that no device shows now, and
    `RateLimited` after too many of those.
    """
    called, device_id = as_name(name), DeviceId(new_id())
    sealed = sealed_name(house, account_id, device_id, called)
    lookup = _user_lookup(house, codes.as_typed(user_code))
    counters = _guesses(house, account_id, client)
    with house.database.writing() as session:
        share_accounts(session, [account_id])
        now = house.clock()
        attempts.count(session, counters, now)
        pairing = queries.lock_unapproved(session, lookup, now)
        if pairing is not None:
            attempts.take_back(session, counters)
            session.add(Device(id=device_id, account_id=account_id, name=sealed, created_at=now))
            session.flush()
            pairing.device_id = device_id
            pairing.expires_at = max(pairing.expires_at, now + COLLECTED_AGAIN)
    if pairing is None:
        raise UnknownPairing
    return KnownDevice(device_id, called, now, None)


def collect_token(house: Collaborators, device_code: str) -> str:
    """The device's token. Asked for again within a minute it is another, and the first is good for nothing.

    Raises `AuthorizationPending` until the owner has typed the code, `SlowDown` where that is asked too often, and
    `ExpiredToken` where it is too late.
    """
    lookup = _device_lookup(house, device_code)
    with house.database.writing() as session:
        owner = queries.owner_of(session, lookup)
        if owner is not None:
            share_accounts(session, [owner])
        found = queries.lock_pairing(session, lookup)
        now = house.clock()
        if found is None or found.expires_at <= now:
            raise ExpiredToken
        if found.device_id is not None and owner is not None:
            return _issue(house, session, found, found.device_id, owner)
        if found.collected_at is not None:
            raise ExpiredToken
        if found.polled_at is not None and now < found.polled_at + INTERVAL:
            raise SlowDown
        queries.note_poll(session, found.pairing_id, now)
    raise AuthorizationPending


def _issue(house: Collaborators, session: Session, found: Waiting, device_id: DeviceId, owner: AccountId) -> str:
    """Under the owner's lock: a device that is revoked meanwhile comes before, or is revoked with its token."""
    now = house.clock()
    is_late = found.collected_at is not None and now >= found.collected_at + COLLECTED_AGAIN
    if is_late or not queries.is_in_use(session, device_id):
        raise ExpiredToken
    queries.revoke_tokens(session, device_id, now)
    queries.note_collected(session, found.pairing_id, now)
    return tokens.issue_token(
        session, master=house.master, account_id=owner, scopes=[Scope.UPLOAD], now=now, device_id=device_id
    )


def _guesses(house: Collaborators, account_id: AccountId, client: str | None) -> list[Counter]:
    counters = [attempts.counter(house.master, BY_ACCOUNT, account_id), attempts.counter(house.master, BY_ALL)]
    return counters if client is None else [*counters, attempts.counter(house.master, BY_CLIENT, client)]


def _user_lookup(house: Collaborators, user_code: str) -> str:
    return house.master.digest("pairing code", user_code.encode())


def _device_lookup(house: Collaborators, device_code: str) -> str:
    return house.master.digest("pairing device code", device_code.encode())
