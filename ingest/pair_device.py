"""Adds, renames and revokes the devices that upload on behalf of an account."""

from dataclasses import dataclass
from datetime import datetime

from corpus.collaborators import Collaborators
from corpus.errors import BadRequest, KeyDestroyed, NotFound
from corpus.identity import tokens
from corpus.keys import AccountKey, KeyKind
from corpus.queries import lock_account
from corpus.sealed import SealedBytes, place
from corpus.tables import Device
from corpus.words import AccountId, DeviceId, Scope, new_id
from ingest import queries

LONGEST_NAME = 100


@dataclass(frozen=True, slots=True)
class KnownDevice:
    """A device as its owner sees it."""

    device_id: DeviceId
    name: str
    created_at: datetime
    revoked_at: datetime | None


@dataclass(frozen=True, slots=True)
class PairedDevice:
    """A new device, and its token, which is shown this once."""

    device: KnownDevice
    token: str


def pair_device(house: Collaborators, account_id: AccountId, name: str) -> PairedDevice:
    """Adds a device that may upload as soon as its owner has opted in. Raises `BadRequest` for a name that is none."""
    called = as_name(name)
    device_id = DeviceId(new_id())
    sealed = sealed_name(house, account_id, device_id, called)
    with house.database.writing() as session:
        now = house.clock()
        session.add(Device(id=device_id, account_id=account_id, name=sealed, created_at=now))
        session.flush()
        token = tokens.issue_token(
            session,
            master=house.master,
            account_id=account_id,
            scopes=[Scope.UPLOAD],
            now=now,
            device_id=device_id,
        )
    return PairedDevice(KnownDevice(device_id, called, now, None), token)


def list_devices(house: Collaborators, account_id: AccountId) -> list[KnownDevice]:
    """All devices of an account, revoked ones too, oldest first."""
    with house.database.reading() as session:
        found = queries.devices(session, account_id)
    if not found:
        return []
    key = _identity_key(house, account_id)
    return [
        KnownDevice(
            each.id, key.open(each.name, place("devices.name", each.id)).decode(), each.created_at, each.revoked_at
        )
        for each in found
    ]


def rename_device(house: Collaborators, account_id: AccountId, device_id: DeviceId, name: str) -> None:
    """Raises `BadRequest` for a name that is none, and `NotFound`."""
    called = as_name(name)
    sealed = sealed_name(house, account_id, device_id, called)
    with house.database.writing() as session:
        if not queries.rename_device(session, account_id, device_id, sealed):
            raise NotFound


def revoke_device(house: Collaborators, account_id: AccountId, device_id: DeviceId) -> None:
    """No upload of the device is accepted once this returns. Raises `NotFound`."""
    with house.database.writing() as session:
        lock_account(session, account_id)  # an upload in the middle of its commit comes before, or is refused
        if not queries.revoke_device(session, account_id, device_id, house.clock()):
            raise NotFound


def sealed_name(house: Collaborators, account_id: AccountId, device_id: DeviceId, called: str) -> SealedBytes:
    """A device's name as its row holds it. Reads the key store: call it outside any transaction."""
    return _identity_key(house, account_id).seal(called.encode(), place("devices.name", device_id))


def as_name(text: str) -> str:
    called = " ".join(text.split())
    if not 1 <= len(called) <= LONGEST_NAME or not called.isprintable():
        raise BadRequest(f"A device's name has 1 to {LONGEST_NAME} characters.")
    return called


def _identity_key(house: Collaborators, account_id: AccountId) -> AccountKey:
    with house.database.reading() as session:
        key_id = queries.identity_key_id(session, account_id)
    if key_id is None:
        raise KeyDestroyed
    return house.keyring.unwrap(account_id, key_id, KeyKind.IDENTITY)
