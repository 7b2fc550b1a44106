"""Who plays in the demo: the people of the recordings, one who does not agree, a curator and an engineer.

Accounts are added as an operator adds them. All else goes through HTTP: signing in, agreeing, pairing a device.
"""

import secrets
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass

import httpx

from corpus.collaborators import Collaborators
from corpus.identity import accounts, tokens
from corpus.tables import ConsentNotice
from corpus.words import AccountId, Purpose, Role, Scope
from loanword.demo.recordings import Recording

PURPOSES = (Purpose.COLLECT, Purpose.REVIEW, Purpose.PUBLISH)


@dataclass(frozen=True, slots=True)
class Lender:
    """One person with one device. Their account token is what their app would hold."""

    account_id: AccountId
    account_token: str
    device_token: str

    @property
    def as_owner(self) -> dict[str, str]:
        """Headers that speak for the person, and not for the device."""
        return {"Authorization": f"Bearer {self.account_token}"}


@dataclass(frozen=True, slots=True)
class Cast:
    """Everyone, and what each lends."""

    recordings: Sequence[Recording]
    lenders: dict[str, Lender]
    refuser: Lender
    curator: "SignedIn"
    engineer: "SignedIn"

    @property
    def as_engineer(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.engineer.token}"}

    def leaver(self, may_leave: Collection[AccountId]) -> str:
        """The speaker who withdraws at the end: of these accounts, the one with the most recordings."""
        lent = Counter(recording.speaker for recording in self.recordings)
        leavers = [speaker for speaker, lender in self.lenders.items() if lender.account_id in may_leave]
        return min(leavers, key=lambda speaker: (-lent[speaker], speaker))


@dataclass(frozen=True, slots=True)
class SignedIn:
    """Someone who signed in with a password."""

    email: str
    password: str
    token: str


def assemble(
    house: Collaborators, client: httpx.Client, recordings: Sequence[Recording], notice: ConsentNotice
) -> Cast:
    """One account for each speaker, all opted in; one more that is asked and does not agree."""
    lenders = {
        speaker: _lender(house, client, notice, PURPOSES)
        for speaker in dict.fromkeys(recording.speaker for recording in recordings)
    }
    return Cast(
        recordings=recordings,
        lenders=lenders,
        refuser=_lender(house, client, notice, ()),
        curator=_signed_in(house, client, Role.CURATOR, Scope.REVIEW),
        engineer=_signed_in(house, client, Role.ENGINEER, Scope.PULL),
    )


def _lender(house: Collaborators, client: httpx.Client, notice: ConsentNotice, purposes: Sequence[Purpose]) -> Lender:
    account_id = _account(house, Role.CONTRIBUTOR, password=None)
    with house.database.writing() as session:
        token = tokens.issue_token(
            session, master=house.master, account_id=account_id, scopes=[Scope.ACCOUNT], now=house.clock()
        )
    bearer = {"Authorization": f"Bearer {token}"}
    agreement = {
        "notice": {"version": notice.version, "locale": notice.locale},
        "purposes": list(purposes),
        "adult": bool(purposes),
    }
    client.post("/v1/consent", json=agreement, headers=bearer).raise_for_status()
    paired = client.post("/v1/devices", json={"name": "kitchen"}, headers=bearer).raise_for_status()
    return Lender(account_id, token, paired.json()["token"])


def _signed_in(house: Collaborators, client: httpx.Client, role: Role, scope: Scope) -> SignedIn:
    """A new account, and a token for it, got with its password as anyone would."""
    password = secrets.token_urlsafe(16)
    account_id = _account(house, role, password)
    asked = {"email": _email(account_id), "password": password, "scopes": [scope]}
    answer = client.post("/v1/tokens", json=asked).raise_for_status()
    return SignedIn(_email(account_id), password, answer.json()["token"])


def _account(house: Collaborators, role: Role, password: str | None) -> AccountId:
    identity = accounts.new_identity(house.keyring)
    hashed = None if password is None else accounts.hash_password(password)
    with house.database.writing() as session:
        return accounts.add_account(
            session,
            master=house.master,
            identity=identity,
            email=_email(identity.account_id),
            password_hash=hashed,
            role=role,
            now=house.clock(),
        )


def _email(account_id: AccountId) -> str:
    return f"{account_id}@demo.example"
