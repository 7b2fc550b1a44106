"""SQL of the audit: everything that the ledger rests on, as plain rows, a range of places at a time.

Plain columns and no mapped rows, fetched at once: an audit reads hundreds of thousands. What is here only reads.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import String, func, select, type_coerce
from sqlalchemy.orm import Session

from corpus.tables import ConsentEvent, ConsentNotice, LedgerEntry, LedgerLeaf, TreeHead
from corpus.words import EntryKind


class EventRow(NamedTuple):
    """One consent event, its words as they are stored. A tuple, for there are many."""

    id: int
    account_id: str | None
    purpose: str
    act: str
    at: datetime
    expires_at: datetime | None
    notice_id: int
    method: str
    actor: str
    adult: bool | None
    salt: str | None
    erased_by: int | None


class EntryRow(NamedTuple):
    """One entry of another kind."""

    id: int
    kind: str
    content: str
    salt: str


class HeadRow(NamedTuple):
    """One signed head."""

    size: int
    root: str
    peaks: str
    at: datetime
    document: str
    is_copied: bool


@dataclass(frozen=True, slots=True)
class NoticeRow:
    """One notice, and what its events commit to."""

    id: int
    version: str
    locale: str
    wording: str
    wording_sha256: str
    terms: str


@dataclass(frozen=True, slots=True)
class Totals:
    """How many rows there are, wherever they claim to stand."""

    leaves: int
    events: int
    entries: int
    heads: int


_EVENTS = select(
    ConsentEvent.id,
    ConsentEvent.account_id,
    type_coerce(ConsentEvent.purpose, String),
    type_coerce(ConsentEvent.act, String),
    ConsentEvent.at,
    ConsentEvent.expires_at,
    ConsentEvent.notice_id,
    type_coerce(ConsentEvent.method, String),
    type_coerce(ConsentEvent.actor, String),
    ConsentEvent.adult,
    ConsentEvent.salt,
    ConsentEvent.erased_by,
)
_ENTRIES = select(LedgerEntry.id, type_coerce(LedgerEntry.kind, String), LedgerEntry.content, LedgerEntry.salt)


def hold_one_state(session: Session) -> None:
    """Call it first: all that follows sees one state of the database, whatever a running server does."""
    if session.get_bind().dialect.name == "postgresql":
        session.connection(execution_options={"isolation_level": "REPEATABLE READ"})


def totals(session: Session) -> Totals:
    counted = [
        session.scalar(select(func.count()).select_from(table)) or 0
        for table in (LedgerLeaf, ConsentEvent, LedgerEntry, TreeHead)
    ]
    return Totals(*counted)


def leaves(session: Session, start: int, end: int) -> Sequence[tuple[int, str]]:
    rows = session.connection().execute(
        select(LedgerLeaf.index, LedgerLeaf.hash)
        .where(LedgerLeaf.index >= start, LedgerLeaf.index < end)
        .order_by(LedgerLeaf.index)
    )
    return [(index, told) for index, told in rows.all()]


def events(session: Session, start: int, end: int) -> dict[int, EventRow]:
    rows = session.connection().execute(_EVENTS.where(ConsentEvent.id >= start, ConsentEvent.id < end))
    return {row[0]: EventRow._make(row) for row in rows.all()}


def entries(session: Session, start: int, end: int) -> dict[int, EntryRow]:
    rows = session.connection().execute(_ENTRIES.where(LedgerEntry.id >= start, LedgerEntry.id < end))
    return {row[0]: EntryRow._make(row) for row in rows.all()}


def entries_of(session: Session, kind: EntryKind) -> list[EntryRow]:
    rows = session.connection().execute(_ENTRIES.where(LedgerEntry.kind == kind).order_by(LedgerEntry.id))
    return [EntryRow._make(row) for row in rows.all()]


def heads(session: Session, after: int, to: int) -> dict[int, HeadRow]:
    """Those whose size is more than `after` and no more than `to`."""
    rows = session.connection().execute(
        select(
            TreeHead.size,
            TreeHead.root,
            TreeHead.peaks,
            TreeHead.at,
            TreeHead.document,
            TreeHead.copied_at.is_not(None),
        ).where(TreeHead.size > after, TreeHead.size <= to)
    )
    return {row[0]: HeadRow._make(row) for row in rows.all()}


def first_head_at(session: Session) -> datetime | None:
    return session.scalar(select(TreeHead.at).order_by(TreeHead.size).limit(1))


def notices(session: Session) -> list[NoticeRow]:
    rows = session.connection().execute(
        select(
            ConsentNotice.id,
            ConsentNotice.version,
            ConsentNotice.locale,
            ConsentNotice.wording,
            ConsentNotice.wording_sha256,
            ConsentNotice.terms,
        ).order_by(ConsentNotice.id)
    )
    return [NoticeRow(*row) for row in rows.all()]
