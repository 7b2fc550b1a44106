"""Recomputes the ledger from what the database holds, and names the first thing that does not fit.

From each event's content and salt its leaf; from the leaves every root; each head says the digest of the one before, so
that the newest signature covers them all; each key is endorsed by the one before; each erased event is one that its
erasure's entry covers; the heads outside the database are the database's. What holds is what was signed: whoever
changed a row, with whatever rights, had no key to sign it with.

What a head's copy outside shows and the database cannot show alone: that nothing was cut off at the end.
"""

import gc
import hashlib
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from json.encoder import encode_basestring
from typing import Any, NamedTuple, NoReturn

from sqlalchemy.orm import Session

from corpus import audit_queries, head_copies, ledger_queries, queries, signing
from corpus.audit_queries import EntryRow, EventRow, HeadRow, NoticeRow
from corpus.collaborators import Collaborators
from corpus.errors import BadSignature, ObjectAbsent
from corpus.ledger_queries import KEY_ENDORSEMENT, TREE_HEAD, KnownKey
from corpus.words import EntryKind

PAGE = 10_000
_ADULT = {True: "true", False: "false", None: "null"}


@dataclass(slots=True)
class AuditReport:
    """What was looked at, and the first thing that does not fit; None where all of it does."""

    leaves: int = 0
    events: int = 0
    entries: int = 0
    heads: int = 0
    keys: int = 0
    erased: int = 0
    """Consent events of closed accounts: their places are kept, what they said is gone."""
    lost: int = 0
    """Leaves whose content was lost in a restore, which the ledger admits."""
    copies: int = 0
    """Heads that lie outside the database."""
    fault: str | None = None


class _Unfit(Exception):
    """The first thing that does not fit."""


def audit(house: Collaborators) -> AuditReport:
    """Over one state of the database. Raises `StoreError` where the copies cannot be read."""
    outside = head_copies.sizes_outside(house)  # listed first: what is outside was committed before
    with house.database.reading() as session, _uncollected():
        audit_queries.hold_one_state(session)
        return audit_in(house, session, outside)


@contextmanager
def _uncollected() -> Iterator[None]:
    """Without the search for cycles, which there are none of: among so many rows it takes a third of the time."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def audit_in(house: Collaborators, session: Session, outside: set[int]) -> AuditReport:
    """As this session sees it. `outside`: the sizes of the heads that have a copy."""
    report = AuditReport(copies=len(outside))
    try:
        heads = _Walk(session, report).check()
        _check_keys(session, house, report)
        _check_outside(session, house, heads, outside)
    except _Unfit as unfit:
        report.fault = str(unfit)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        report.fault = f"something in the ledger's tables cannot be read: {error!r}"
    return report


def _unfit(what: str) -> NoReturn:
    raise _Unfit(what)


@dataclass(slots=True)
class _Walk:
    """One pass over leaves, events, entries and heads, in the log's order."""

    session: Session
    report: AuditReport
    notices: "dict[int, _OfNotice]" = field(default_factory=dict)
    lost: list[tuple[int, int]] = field(default_factory=list)
    erased: dict[int, list[EventRow]] = field(default_factory=dict)
    """By the entry that tells of their erasure."""
    covered: dict[int, dict[str, Any]] = field(default_factory=dict)
    """What each erasure's entry says."""

    def check(self) -> dict[int, bool]:
        """By the size of each head, whether the database believes it copied."""
        counted = audit_queries.totals(self.session)
        self.notices = {each.id: of_notice(each) for each in audit_queries.notices(self.session)}
        self.lost = [_lost_range(entry) for entry in audit_queries.entries_of(self.session, EntryKind.RESTORE)]
        peaks: list[bytes] = []
        sizes: dict[int, bool] = {}
        previous: HeadRow | None = None
        for start in range(0, counted.leaves, PAGE):
            end = min(start + PAGE, counted.leaves)
            heads = audit_queries.heads(self.session, start, end)
            for index, told in self._leaves(start, end):
                _grow(peaks, index, told)
                head = heads.get(index + 1)
                if head is not None:
                    _check_head(head, previous, peaks)
                    previous, sizes[head.size] = head, head.is_copied
        self.report.leaves, self.report.heads = counted.leaves, len(sizes)
        if self.report.events != counted.events:
            _unfit(f"consent events that stand at no leaf of the log: {counted.events - self.report.events}")
        if self.report.entries != counted.entries:
            _unfit(f"entries that stand at no leaf of the log: {counted.entries - self.report.entries}")
        if counted.heads != len(sizes):
            _unfit(f"heads of sizes that the log does not have: {counted.heads - len(sizes)}")
        if counted.leaves and (previous is None or previous.size != counted.leaves):
            _unfit(f"leaf {previous.size if previous else 0}: no signed head covers it")
        if previous is not None:
            _check_signature(self.session, previous)
        self._check_erasures()
        return sizes

    def _leaves(self, start: int, end: int) -> Iterator[tuple[int, bytes]]:
        """Each leaf of the range, once it is what its content and salt give."""
        leaves = audit_queries.leaves(self.session, start, end)
        events = audit_queries.events(self.session, start, end)
        entries = audit_queries.entries(self.session, start, end)
        for offset, (index, told) in enumerate(leaves):
            if index != start + offset:
                _unfit(f"leaf {start + offset}: it is missing")
            event, entry = events.get(index), entries.get(index)
            if event is not None and entry is not None:
                _unfit(f"leaf {index}: both a consent event and an entry claim it")
            if event is not None:
                self._check_event(event, told)
            elif entry is not None:
                self._check_entry(entry, told)
            elif any(first <= index < size for first, size in self.lost):
                self.report.lost += 1
            else:
                _unfit(f"leaf {index}: what it commits to is missing")
            yield index, bytes.fromhex(told)
        if len(leaves) != end - start:
            _unfit(f"leaf {start + len(leaves)}: it is missing")

    def _check_event(self, event: EventRow, told: str) -> None:
        self.report.events += 1
        if event.erased_by is not None:
            if event.salt is not None or event.account_id is not None:
                _unfit(f"consent event {event.id}: it is erased, and not whole")
            self.erased.setdefault(event.erased_by, []).append(event)
            self.report.erased += 1
            return
        notice = self.notices.get(event.notice_id)
        if notice is None:
            _unfit(f"consent event {event.id}: its notice is missing")
        if event.salt is None or event.account_id is None:
            _unfit(f"consent event {event.id}: its salt or its account is missing, and no erasure tells of it")
        content = event_bytes(event, notice)
        if hashlib.sha256(b"\x00" + bytes.fromhex(event.salt) + content).hexdigest() != told:
            _unfit(f"consent event {event.id}: it is not what its leaf commits to, or its notice is not")

    def _check_entry(self, entry: EntryRow, told: str) -> None:
        self.report.entries += 1
        content = entry.content.encode()
        if hashlib.sha256(b"\x00" + bytes.fromhex(entry.salt) + content).hexdigest() != told:
            _unfit(f"entry {entry.id}: it is not what its leaf commits to")
        says = json.loads(content)
        if says["kind"] != entry.kind:
            _unfit(f"entry {entry.id}: it is called a {entry.kind}, and is a {says['kind']}")
        if entry.kind == EntryKind.ERASURE:
            self.covered[entry.id] = says

    def _check_erasures(self) -> None:
        for entry_id, says in self.covered.items():
            covers = says.get("events", [])
            found = self.erased.pop(entry_id, [])
            if [event.id for event in found] != covers:
                _unfit(f"entry {entry_id}: the consent events that it erased are not those that are erased")
            if covers and queries.digest_of_remains(found) != says["events_sha256"]:
                _unfit(f"entry {entry_id}: what remains of the events that it erased was changed")
        for entry_id, found in self.erased.items():
            _unfit(f"consent event {found[0].id}: it is erased, and entry {entry_id} does not say so")


# One row


class _OfNotice(NamedTuple):
    """What an event's canonical content says of its notice, before and after the purpose."""

    shown: str
    digests: str


def event_bytes(event: EventRow, notice: _OfNotice) -> bytes:
    """`canonical(event_content(…))`, written out: it is most of an audit's work, and this takes a third of the time."""
    expires_at = f'"{event.expires_at.isoformat()}"' if event.expires_at else "null"
    return (
        f'{{"account":{encode_basestring(event.account_id or "")},"act":{encode_basestring(event.act)},'
        f'"actor":{encode_basestring(event.actor)},"adult":{_ADULT[event.adult]},"at":"{event.at.isoformat()}",'
        f'"expires_at":{expires_at},"kind":"consent","method":{encode_basestring(event.method)},'
        f'{notice.shown},"purpose":{encode_basestring(event.purpose)},{notice.digests}}}'
    ).encode()


def of_notice(notice: NoticeRow) -> _OfNotice:
    wording_sha256 = hashlib.sha256(notice.wording.encode()).hexdigest()
    if wording_sha256 != notice.wording_sha256:
        _unfit(f"notice {notice.version} {notice.locale}: its wording is not what its SHA-256 says")
    terms_sha256 = hashlib.sha256(notice.terms.encode()).hexdigest()
    return _OfNotice(
        f'"notice_locale":{encode_basestring(notice.locale)},"notice_version":{encode_basestring(notice.version)}',
        f'"terms_sha256":"{terms_sha256}","wording_sha256":"{wording_sha256}"',
    )


def _lost_range(entry: EntryRow) -> tuple[int, int]:
    """The leaves that a restore brought back without content, all before the entry that says so."""
    says = json.loads(entry.content)
    return int(says["first"]), min(int(says["size"]), entry.id)


# Heads and keys


def _grow(peaks: list[bytes], size: int, leaf: bytes) -> None:
    """As `ledger.grow`, on raw hashes and in place."""
    peaks.append(leaf)
    while size & 1:
        right = peaks.pop()
        peaks[-1] = hashlib.sha256(b"\x01" + peaks[-1] + right).digest()
        size >>= 1


def _check_head(head: HeadRow, previous: HeadRow | None, peaks: list[bytes]) -> None:
    root = peaks[-1]
    for peak in reversed(peaks[:-1]):
        root = hashlib.sha256(b"\x01" + peak + root).digest()
    says = json.loads(head.document)
    before = hashlib.sha256(previous.document.encode()).hexdigest() if previous else None
    if (says["size"], says["root"], says["at"]) != (head.size, head.root, head.at.isoformat()):
        _unfit(f"head {head.size}: its row is not what was signed")
    if head.root != root.hex() or head.peaks != " ".join(peak.hex() for peak in peaks):
        _unfit(f"head {head.size}: its root is not the one of the leaves before it")
    if says["previous"] != before:
        _unfit(f"head {head.size}: the head before it is not the one that it names, or was taken out")


def _check_signature(session: Session, head: HeadRow) -> None:
    try:
        signing.verify(head.document, TREE_HEAD, ledger_queries.public_keys(session))
    except BadSignature as error:
        raise _Unfit(f"head {head.size}: {error}") from error


def _check_keys(session: Session, house: Collaborators, report: AuditReport) -> None:
    keys = ledger_queries.known_keys(session)
    report.keys = len(keys)
    told = {entry["key_id"]: entry for entry in map(_content, audit_queries.entries_of(session, EntryKind.KEY))}
    for key, before in zip(keys, [None, *keys], strict=False):
        if key.key_id != signing.key_id_of(bytes.fromhex(key.public_key)):
            _unfit(f"signing key {key.key_id}: its public key is another")
        if before is None:
            if key.created_at != audit_queries.first_head_at(session) or key.endorsement is not None:
                _unfit(f"signing key {key.key_id}: it is not the one that began the ledger")
        else:
            _check_succession(house, key, before, told.pop(key.key_id, None), report)
    if told:
        _unfit(f"signing key {next(iter(told))}: the ledger tells of it, and it is missing")
    in_force = ledger_queries.keys_in_force(session)
    if keys and house.signer.key_id not in in_force:
        _unfit("the signing key that this house holds is none of the ledger's, or was given up as lost")
    newest = ledger_queries.newest_head(session)
    if newest is not None and json.loads(newest.document)["signature"]["key_id"] not in in_force:
        _unfit(f"head {newest.size}: it is signed by a key that was given up as lost")


def _content(entry: EntryRow) -> dict[str, Any]:
    told: dict[str, Any] = json.loads(entry.content)
    return told


def _check_succession(
    house: Collaborators, key: KnownKey, before: KnownKey, told: Mapping[str, Any] | None, report: AuditReport
) -> None:
    lost_too = report.lost and (key.endorsement is not None or key.key_id == house.signer.key_id)
    if told is None and not lost_too:
        _unfit(f"signing key {key.key_id}: the ledger does not tell of it")
    if told is not None and told != ledger_queries.key_content(key):
        _unfit(f"signing key {key.key_id}: it is not what the ledger tells of it")
    if key.endorsement is None:
        return  # the ledger tells that the key before it was lost
    try:
        says = signing.verify(key.endorsement, KEY_ENDORSEMENT, {before.key_id: bytes.fromhex(before.public_key)})
    except BadSignature as error:
        raise _Unfit(f"signing key {key.key_id}: the key before it does not endorse it") from error
    if says["public_key"] != key.public_key:
        _unfit(f"signing key {key.key_id}: the key before it endorses another")


# Outside the database


def _check_outside(session: Session, house: Collaborators, heads: Mapping[int, bool], outside: set[int]) -> None:
    """Of the copies, the newest is read: it covers all before it."""
    beyond = sorted(outside - heads.keys())
    if beyond:
        _unfit(f"head {beyond[0]}: it lies outside the database, and not in it: something was cut off, or taken out")
    gone = sorted(size for size, is_copied in heads.items() if is_copied and size not in outside)
    if gone:
        _unfit(f"head {gone[0]}: its copy outside the database is gone")
    if not outside:
        return
    newest = max(outside)
    try:
        is_ours = head_copies.read(house, newest) == head_copies.written(ledger_queries.head_copy(session, newest))
    except ObjectAbsent as error:
        raise _Unfit(f"head {newest}: its copy outside the database is gone") from error
    if not is_ours:
        _unfit(f"head {newest}: its copy outside the database is another")
