"""The certificate of an erasure: signed once nothing is left, with its place in the ledger; until then, how far it is.

It lies in the store too, under the digest of the secret in its address, and is served from there when no row is left.
"""

import json
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy.orm import Session

from corpus import ledger_queries, object_keys
from corpus.collaborators import Collaborators
from corpus.erasure_queries import delete_account, delete_recordings, forget_account
from corpus.errors import NotFound, ObjectAbsent, ObjectExists, UnknownAccount
from corpus.head_copies import try_to_copy_heads
from corpus.queries import Committed, digest_of_remains, erase_consent_events, events_of, lock_account
from corpus.words import AccountId, EntryKind, ErasureKind, ReleaseState
from ingest import queries as rows
from ingest.erasures import queries
from ingest.erasures.begin import capability, lookup_of
from ingest.erasures.queries import AffectedRelease, Begun
from ingest.receipts import receipt_of

TYPE = "loanword/erasure-certificate/1"
RECUT_WITHIN = timedelta(hours=24)
"""A certificate waits so long for the re-cut of a release, and then says that it is not made yet."""

_SECRET_DIGITS = 64


@dataclass(frozen=True, slots=True)
class ErasureView:
    """An erasure, as its owner may see it."""

    begun: Begun
    address: str
    """Where anybody who is told it finds the certificate, or how far the erasure is."""
    certificate: str | None


def erasures_of(house: Collaborators, account_id: AccountId) -> list[ErasureView]:
    """Newest first."""
    with house.database.reading() as session:
        found = [(each, queries.certificate_of(session, each.id)) for each in queries.of_account(session, account_id)]
    return [ErasureView(begun, address(house, begun.id), certificate) for begun, certificate in found]


def address(house: Collaborators, erasure_id: str) -> str:
    return f"/certificates/{capability(house, erasure_id)}"


def at(house: Collaborators, secret: str) -> ErasureView | str:
    """What the address tells: an erasure, or its certificate alone where no row is left. Raises `NotFound`."""
    if len(secret) != _SECRET_DIGITS or set(secret) - set("0123456789abcdef"):
        raise NotFound
    lookup = lookup_of(secret)
    with house.database.reading() as session:
        found = queries.at_capability(session, lookup)
    if found is not None and (found[1] is not None or found[0].done_at is None):
        return ErasureView(found[0], f"/certificates/{secret}", found[1])
    try:
        with house.store.open(object_keys.certificate_key(lookup)) as file:
            return file.read().decode()
    except ObjectAbsent as error:
        raise NotFound from error


def told(document: str) -> dict[str, Any]:
    """What a certificate says, for a page: whoever needs certainty checks its signature."""
    content: dict[str, Any] = json.loads(document)
    return content


def certify(house: Collaborators, erasure_id: str) -> bool:
    """The last look's end: an entry in the ledger, then the certificate, signed and stored; whether it is done.

    Each step is one that a crash may stand behind. Of a closed account all that is left goes with the entry; the
    certificate alone waits for the re-cut of a release.
    """
    if not _enter(house, erasure_id):
        return False
    with house.database.writing() as session:
        begun = queries.locked(session, erasure_id)
        assert begun is not None
        affected, now = queries.affected(session, begun.counts.releases), house.clock()
        if any(each.waits_for_recut for each in affected) and now < begun.requested_at + RECUT_WITHIN:
            return False
        certificate = queries.certificate_of(session, erasure_id) or _sign(session, house, begun, affected, now)
    _put(house, lookup_of(capability(house, erasure_id)), certificate)
    with house.database.writing() as session:
        queries.note(session, erasure_id, done_at=datetime.fromisoformat(told(certificate)["done_at"]))
    return True


def _enter(house: Collaborators, erasure_id: str) -> bool:
    """Whether the ledger tells of it. False where the journal does not know of it yet, or another was quicker."""
    with house.database.reading() as session:
        begun = queries.locked(session, erasure_id)
    if begun is None or begun.done_at is not None:
        return False
    if begun.entry_id is not None:
        return True
    with house.database.writing() as session:
        if begun.account_id is not None and not _lock(session, begun.account_id):
            return False
        begun = queries.locked(session, erasure_id)
        if begun is None or begun.erased_at is None or (begun.account_id and begun.journaled_at is None):
            return False
        if begun.entry_id is None:
            _append_entry(session, house, begun)
    try_to_copy_heads(house)
    return True


def _lock(session: Session, account_id: AccountId) -> bool:
    try:
        lock_account(session, account_id)
    except UnknownAccount:
        return False
    return True


def _append_entry(session: Session, house: Collaborators, begun: Begun) -> None:
    now = house.clock()
    content = _facts(begun, now)
    closes = begun.kind is ErasureKind.ACCOUNT and begun.account_id is not None
    if begun.account_id is not None and closes:
        content |= _forget(session, begun.account_id)
    entry_id = ledger_queries.append_entry(session, house.signer, EntryKind.ERASURE, content, now)
    if begun.account_id is not None and closes:
        erase_consent_events(session, begun.account_id, entry_id)
        delete_account(session, begun.account_id)
    queries.note(session, begun.id, entry_id=entry_id, voice_key_id=None)


def _sign(session: Session, house: Collaborators, begun: Begun, affected: list[AffectedRelease], now: datetime) -> str:
    assert begun.entry_id is not None
    content = {
        **_facts(begun, now),
        "recipients_to_tell": queries.recipients(session, begun.counts.releases),
        "receipt": _receipt(session, begun.entry_id),
        "releases": [_how(each) for each in affected],
    }
    certificate = house.signer.sign(TYPE, content)
    queries.note(session, begun.id, certificate=certificate)
    return certificate


def _facts(begun: Begun, now: datetime) -> dict[str, object]:
    """What the ledger's entry and the certificate both say."""
    counts = begun.counts
    return {
        "done_at": now.isoformat(),
        "erased_at": begun.erased_at.isoformat() if begun.erased_at else None,
        "objects": counts.objects,
        "purposes": list(counts.purposes),
        "reason": counts.reason.value,
        "recordings": counts.recordings,
        "requested_at": begun.requested_at.isoformat(),
        "rows": counts.rows,
        "stop_took_ms": begun.stop_took_ms,
        "tombstones": counts.tombstones,
        "what": begun.kind.value,
    }


def _how(release: AffectedRelease) -> dict[str, object]:
    """What became of a release that held something erased."""
    if release.state is not ReleaseState.CURRENT:
        became = "revoked"
    else:
        became = "waits for its re-cut" if release.waits_for_recut else "re-cut"
    return {"became": became, "name": release.name, "revision": release.revision, "version": release.version}


def _forget(session: Session, account_id: AccountId) -> dict[str, object]:
    """All of the account but its consent events and its own row; what the entry says of those events."""
    delete_recordings(session, rows.of_account(account_id))
    queries.empty_working_columns(session, account_id)
    events = events_of(session, account_id)
    covered: dict[str, object] = {"events": [event.id for event in events], "events_sha256": digest_of_remains(events)}
    forget_account(session, account_id)
    return covered


def _receipt(session: Session, entry_id: int) -> dict[str, object]:
    """Of the ledger's entry, in the form that `verify_receipt.py` checks: its content and salt, and the proof."""
    entry = ledger_queries.entry(session, entry_id)
    assert entry is not None
    committed = Committed(entry_id, entry.salt, ledger_queries.parsed(entry.content), None)
    told: dict[str, object] = json.loads(receipt_of(session, committed).document)
    return told


def _put(house: Collaborators, lookup: str, certificate: str) -> None:
    """Whoever erased once more, over a restored database, leaves the first certificate where it is: it stays true."""
    with suppress(ObjectExists):
        house.store.put(object_keys.certificate_key(lookup), certificate.encode())
