"""Who pulled what, what they say they have removed, and whom to write to.

An acknowledgement is a report: it says that a recipient's copy was pruned, and cannot show it.
"""

from dataclasses import dataclass
from datetime import timedelta

from corpus.collaborators import Collaborators
from corpus.errors import AccountKeyError, NotFound, UnknownRelease, UnseenState
from corpus.keys import KeyKind
from corpus.queries import lock_account
from corpus.sealed import SealedBytes, place
from corpus.tables import ReleasePull
from corpus.words import AccountId, KeyId
from export.catalogue import queries
from export.catalogue.queries import Pulled

NOTED_EVERY = timedelta(hours=1)
"""A pull asks for many files: the register is not written for each."""
PAPERS = frozenset({"README.md", "datasheet.html", "LICENSE"})
"""They are for people to read, and nothing in them is of one clip: who asks for these alone has pulled nothing.

What a program asks for counts, the lists of files too: whoever has the clips from elsewhere then hears of withdrawals.
"""

MAIL = """To: {email}
Subject: Voices were withdrawn from {name} {version}

You pulled {name} {version}, last on {day}. The owners of {clips} in it have since taken their voice back.
Their consent was what you held these recordings under: please remove them from every copy you have.

    loanword prune DIRECTORY --server ADDRESS     removes them from a copy, and reports that it did
    loanword pull {name} DIRECTORY --server ADDRESS   brings a copy of the current version up to date

A model that was trained on them is yours to judge; train the next one without them.
"""


@dataclass(frozen=True, slots=True)
class Acknowledged:
    """What an account has reported, and how many of the clips that it pulled were withdrawn after that state."""

    serial: int
    withdrawn_since: int


@dataclass(frozen=True, slots=True)
class Recipient:
    """One line of the register. `email` is null where the account was closed."""

    email: str | None
    pulled: Pulled


def note_pull(house: Collaborators, account_id: AccountId, name: str, version: str, revision: int) -> None:
    """Writes down that this account is being sent more of this version than its papers: before a byte of it leaves."""
    now = house.clock()
    with house.database.reading() as session:
        pull = queries.pull_of(session, account_id, name, version)
        if pull is not None and pull.revision == revision and now - pull.last_at < NOTED_EVERY:
            return
    with house.database.writing() as session:
        lock_account(session, account_id)  # two files of one pull come at once
        pull = queries.pull_of(session, account_id, name, version)
        if pull is None:
            session.add(
                ReleasePull(
                    account_id=account_id, name=name, version=version, revision=revision, first_at=now, last_at=now
                )
            )
        else:
            pull.revision, pull.last_at = revision, max(pull.last_at, now)


def note_state(house: Collaborators, account_id: AccountId, name: str, serial: int) -> None:
    """Writes down which state this account was sent: nobody can acknowledge a later one."""
    with house.database.reading() as session:
        pulls = queries.pulls_of(session, account_id, name)
        if all((pull.served_serial or 0) >= serial for pull in pulls):
            return
    with house.database.writing() as session:
        lock_account(session, account_id)
        for pull in queries.pulls_of(session, account_id, name):
            pull.served_serial = max(pull.served_serial or 0, serial)


def acknowledge(house: Collaborators, account_id: AccountId, name: str, serial: int) -> Acknowledged:
    """Takes a recipient's word that the tombstones of this state are applied to what they pulled.

    Raises `NotFound` for one who pulled nothing, and `UnseenState` for a state that they were never sent.
    """
    now = house.clock()
    with house.database.writing() as session:
        lock_account(session, account_id)
        pulls = queries.pulls_of(session, account_id, name)
        if not pulls:
            raise NotFound("You have pulled nothing of this name.")
        if serial > max(pull.served_serial or 0 for pull in pulls):
            raise UnseenState
        for pull in pulls:
            if serial <= (pull.served_serial or 0) and serial > (pull.acknowledged_serial or 0):
                pull.acknowledged_serial, pull.acknowledged_at = serial, now
        session.flush()
        since = [each for each in queries.recipients(session, name) if each.account_id == account_id]
    return Acknowledged(serial, sum(each.unacknowledged for each in since))


def recipients(house: Collaborators, name: str) -> list[Recipient]:
    """Everyone who pulled something of this name. Raises `UnknownRelease`."""
    with house.database.reading() as session:
        if not queries.listed(session, name):
            raise UnknownRelease
        pulls = queries.recipients(session, name)
        sealed = {each.account_id: queries.identity_of(session, each.account_id) for each in pulls if each.account_id}
    emails = {account_id: _email(house, account_id, *identity) for account_id, identity in sealed.items()}
    return [Recipient(emails[each.account_id] if each.account_id else None, each) for each in pulls]


def mail(recipient: Recipient, name: str) -> str:
    """What to write to somebody whose copy may still hold withdrawn voices."""
    pulled = recipient.pulled
    return MAIL.format(
        email=recipient.email,
        name=name,
        version=pulled.version,
        clips=f"{pulled.unacknowledged} clip{'' if pulled.unacknowledged == 1 else 's'}",
        day=f"{pulled.last_at:%Y-%m-%d}",
    )


def _email(house: Collaborators, account_id: AccountId, key_id: KeyId | None, sealed: SealedBytes | None) -> str | None:
    if key_id is None or sealed is None:
        return None
    try:
        key = house.keyring.unwrap(account_id, key_id, KeyKind.IDENTITY)
        return key.open(sealed, place("accounts.email", account_id)).decode()
    except AccountKeyError:
        return None
