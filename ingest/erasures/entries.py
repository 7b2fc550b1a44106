"""The journal's entries: every withdrawal and every deletion, in the object store, for a database that forgot it.

An entry names people and recordings by keyed digests alone, and carries one of its own: whoever can write to the store
but has not the master key cannot make anybody's voice go. It is written before the answer.
"""

import hmac
import json
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime

from corpus import ledger, object_keys
from corpus.collaborators import Collaborators
from corpus.errors import BadObjectKey, JournalUnreadable, ObjectAbsent, ObjectExists
from corpus.words import AccountId, ErasureKind, KeyId, Purpose, UtteranceId
from ingest.erasures import queries
from ingest.erasures.queries import Begun

TYPE = "loanword/journal/1"


@dataclass(frozen=True, slots=True)
class Entry:
    """What was asked for."""

    id: str
    kind: ErasureKind
    account: str
    """`account_digest` of whose it was."""
    at: datetime
    purposes: frozenset[Purpose]
    voice_key_id: KeyId | None
    recordings: frozenset[str]
    """`recording_digest` of each that was deleted."""
    leaves: tuple[str, ...]


def account_digest(house: Collaborators, account_id: AccountId) -> str:
    return house.master.digest("journal", account_id.encode())


def recording_digest(house: Collaborators, utterance_id: UtteranceId) -> str:
    return house.master.digest("journal of recordings", utterance_id.encode())


def write(house: Collaborators, begun: Iterable[Begun]) -> None:
    """Puts those that are not there yet, and notes it. Raises a `StoreError`: then nobody may be answered yet."""
    for each in begun:
        if each.journaled_at is not None or each.account_id is None:
            continue
        with suppress(ObjectExists):  # put before a crash: an erasure is journaled once, and says the same
            house.store.put(object_keys.journal_key(each.id), _written(house, each, each.account_id))
        with house.database.writing() as session:
            current = queries.locked(session, each.id)
            if current is not None:
                queries.note(session, each.id, journaled_at=house.clock(), counts=current.counts.journaled())


def ids(house: Collaborators) -> set[str]:
    """Every erasure that the journal tells of. Raises `JournalUnreadable` for a name that is none of ours."""
    try:
        return {object_keys.erasure_of(info.key) for info in house.store.list(object_keys.JOURNAL)}
    except BadObjectKey as error:
        raise JournalUnreadable from error


def read(house: Collaborators, erasure_id: str) -> Entry:
    """Raises `JournalUnreadable`, or a `StoreError`."""
    try:
        with house.store.open(object_keys.journal_key(erasure_id)) as file:
            raw = file.read()
        told = json.loads(raw)
        seal = told.pop("seal")
        if ledger.canonical({**told, "seal": seal}) != raw or not hmac.compare_digest(seal, _seal(house, told)):
            raise JournalUnreadable
        if told["type"] != TYPE or told["id"] != erasure_id:
            raise JournalUnreadable
        return Entry(
            id=told["id"],
            kind=ErasureKind(told["kind"]),
            account=told["account"],
            at=datetime.fromisoformat(told["at"]),
            purposes=frozenset(Purpose(word) for word in told["purposes"]),
            voice_key_id=told["voice_key_id"],
            recordings=frozenset(told["recordings"]),
            leaves=tuple(told["leaves"]),
        )
    except (ValueError, KeyError, TypeError, AttributeError, ObjectAbsent) as error:
        raise JournalUnreadable from error


def _written(house: Collaborators, begun: Begun, account_id: AccountId) -> bytes:
    told = {
        "account": account_digest(house, account_id),
        "at": begun.requested_at.isoformat(),
        "id": begun.id,
        "kind": begun.kind.value,
        "leaves": list(begun.counts.leaves),
        "purposes": sorted(begun.counts.purposes),
        "recordings": sorted(begun.counts.digests),
        "type": TYPE,
        "voice_key_id": begun.voice_key_id,
    }
    return ledger.canonical({**told, "seal": _seal(house, told)})


def _seal(house: Collaborators, told: Mapping[str, object]) -> str:
    return house.master.digest("journal entry", ledger.canonical(told))
