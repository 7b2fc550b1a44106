"""SQL that all rooms share: consent (the only module that names its tables), the account lock, and usable voices.

Every reader of clips starts from `usable_clips` or `usable_utterances`: the one rule of `corpus/consent.py`, as SQL.
Functions take a session; who opened it commits it.
"""

import hashlib
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from functools import cache
from typing import Protocol

from sqlalchemy import BindParameter, ColumnElement, Select, and_, bindparam, exists, func, or_, select, update
from sqlalchemy.orm import Session, aliased
from sqlalchemy.sql.visitors import cloned_traverse

from corpus import ledger, ledger_queries
from corpus.consent import GRANTS, NEEDS, ConsentFact, StatedConsent
from corpus.errors import NoticeExists, UnknownAccount, UnknownNotice
from corpus.prepared import Prepared
from corpus.signing import Signer
from corpus.tables import (
    Account,
    Clip,
    ConsentEvent,
    ConsentNotice,
    LedgerLeaf,
    ReleaseClip,
    UtcDateTime,
    Utterance,
)
from corpus.words import AccountId, ConsentAct, ConsentActor, ConsentMethod, Purpose, ReleaseId

# The account lock


def share_accounts(session: Session, account_ids: Iterable[AccountId]) -> None:
    """Holds off withdrawals of these accounts until this transaction ends. Every gate calls it before it asks the rule.

    Raises `UnknownAccount` where one was closed meanwhile: nothing can be held off for it.
    SQLite needs none: `Database.writing()` holds its one write lock from the start. Sorted: two gates never deadlock.
    """
    if session.get_bind().dialect.name == "sqlite":
        return
    wanted = sorted(set(account_ids))
    held = session.execute(
        select(Account.id).where(Account.id.in_(wanted)).order_by(Account.id).with_for_update(read=True)
    ).all()
    if len(held) < len(wanted):
        raise UnknownAccount


def lock_account(session: Session, account_id: AccountId) -> Account:
    """The account's row, locked against every gate until this transaction ends."""
    account = session.scalar(
        select(Account).where(Account.id == account_id).with_for_update().execution_options(populate_existing=True)
    )
    if account is None:
        raise UnknownAccount
    return account


# Notices


def publish_notice(session: Session, notice: ConsentNotice, older_uploads_until: datetime) -> None:
    """Adds a notice, and ends uploads under the older ones of its locale at that time. The same again adds nothing."""
    same = session.scalar(
        select(ConsentNotice).where(ConsentNotice.version == notice.version, ConsentNotice.locale == notice.locale)
    )
    if same is not None:
        if same.wording_sha256 != notice.wording_sha256:
            raise NoticeExists
        return
    session.execute(
        update(ConsentNotice)
        .where(ConsentNotice.locale == notice.locale, ConsentNotice.uploads_until.is_(None))
        .values(uploads_until=older_uploads_until)
    )
    session.add(notice)
    session.flush()


def current_notices(session: Session) -> Sequence[ConsentNotice]:
    """The newest notice of each locale."""
    newest = select(ConsentNotice).where(ConsentNotice.uploads_until.is_(None))
    return session.scalars(newest.order_by(ConsentNotice.locale, ConsentNotice.id)).all()


def notice(session: Session, version: str, locale: str) -> ConsentNotice:
    """Raises `UnknownNotice`."""
    found = session.scalar(
        select(ConsentNotice).where(ConsentNotice.version == version, ConsentNotice.locale == locale)
    )
    if found is None:
        raise UnknownNotice
    return found


def notices_shown(session: Session, account_id: AccountId) -> Sequence[ConsentNotice]:
    """Every notice that the account ever answered to, oldest first."""
    answered = select(ConsentEvent.notice_id).where(ConsentEvent.account_id == account_id)
    return session.scalars(select(ConsentNotice).where(ConsentNotice.id.in_(answered)).order_by(ConsentNotice.id)).all()


# Consent events


@dataclass(frozen=True, slots=True)
class NewConsentEvent:
    """What a consent event says, before it has its place in the ledger."""

    account_id: AccountId
    purpose: Purpose
    act: ConsentAct
    at: datetime
    expires_at: datetime | None
    notice_id: int
    method: ConsentMethod
    actor: ConsentActor = ConsentActor.SELF
    adult: bool | None = None
    """Whether adulthood was affirmed; None where it was not asked."""


_CONSENT_FACTS = Prepared(
    select(
        ConsentEvent.id,
        ConsentEvent.purpose,
        ConsentEvent.act,
        ConsentEvent.at,
        ConsentEvent.expires_at,
        ConsentNotice.uploads_until,
    )
    .join(ConsentNotice, ConsentNotice.id == ConsentEvent.notice_id)
    .where(ConsentEvent.account_id == bindparam("account_id"))
    .order_by(ConsentEvent.id)
)


def consent_facts(session: Session, account_id: AccountId) -> list[ConsentFact]:
    """All consent events of an account, in ledger order, as the rule reads them."""
    return [ConsentFact(*row) for row in _CONSENT_FACTS.rows(session, {"account_id": account_id})]


def last_notice_id(session: Session, account_id: AccountId) -> int | None:
    """The notice that the account's newest consent event rests on."""
    return session.scalar(
        select(ConsentEvent.notice_id)
        .where(ConsentEvent.account_id == account_id)
        .order_by(ConsentEvent.id.desc())
        .limit(1)
    )


def terms_agreed_to(session: Session, account_id: AccountId) -> str | None:
    """The terms, canonical JSON, that stood beside the account's last grant of `collect`."""
    return session.scalar(
        select(ConsentNotice.terms)
        .join(ConsentEvent, ConsentEvent.notice_id == ConsentNotice.id)
        .where(
            ConsentEvent.account_id == account_id,
            ConsentEvent.purpose == Purpose.COLLECT,
            ConsentEvent.act.in_(GRANTS),
        )
        .order_by(ConsentEvent.id.desc())
        .limit(1)
    )


def consents_behind(session: Session, release_id: ReleaseId, at: datetime) -> dict[AccountId, StatedConsent]:
    """For each account with clips in a release, what its last grant of `publish` up to then rested on."""
    accounts = (
        select(Utterance.account_id)
        .join(Clip, Clip.utterance_id == Utterance.id)
        .join(ReleaseClip, ReleaseClip.clip_id == Clip.id)
        .where(ReleaseClip.release_id == release_id)
    )
    last = (
        select(func.max(ConsentEvent.id))
        .where(
            ConsentEvent.account_id.in_(accounts),
            ConsentEvent.purpose == Purpose.PUBLISH,
            ConsentEvent.act.in_(GRANTS),
            ConsentEvent.at <= at,
        )
        .group_by(ConsentEvent.account_id)
    )
    rows = session.execute(
        select(ConsentEvent.account_id, ConsentNotice.version, ConsentNotice.wording_sha256)
        .join(ConsentNotice, ConsentNotice.id == ConsentEvent.notice_id)
        .where(ConsentEvent.id.in_(last))
    )
    return {account_id: StatedConsent(*notice) for account_id, *notice in rows if account_id}


def append_consent_events(session: Session, signer: Signer, events: Sequence[NewConsentEvent]) -> list[int]:
    """Adds events at the end of the ledger, each with its salted commitment; returns their ids.

    The caller holds the account's lock. An event never lies before the account's last one, even where clocks disagree:
    order by id is order by time.
    """
    if not events:
        return []
    ledger_queries.lock(session)
    rows = [_event_row(session, event) for event in events]
    shown = _notices(session, {event.notice_id for event in events})
    leaves = [ledger.leaf_hash(row.salt or "", event_content(row, shown[row.notice_id])) for row in rows]
    first = ledger_queries.append(session, signer, leaves, max(row.at for row in rows))
    for offset, row in enumerate(rows):
        row.id = first + offset
    session.add_all(rows)
    session.flush()
    return [row.id for row in rows]


@dataclass(frozen=True, slots=True)
class Committed:
    """What one leaf of the ledger commits to, and what opens the commitment."""

    index: int
    salt: str
    content: Mapping[str, object]
    terms: str | None
    """Canonical JSON; None where the content names none."""


def committed_events(
    session: Session, account_id: AccountId, only: Collection[int] | None = None
) -> Sequence[Committed]:
    """The account's consent events as the ledger holds them, in its order: all, or those of these ids."""
    asked = (
        select(ConsentEvent, ConsentNotice)
        .join(ConsentNotice, ConsentNotice.id == ConsentEvent.notice_id)
        .where(ConsentEvent.account_id == account_id)
        .order_by(ConsentEvent.id)
    )
    rows = session.execute(asked if only is None else asked.where(ConsentEvent.id.in_(list(only))))
    return [Committed(event.id, event.salt or "", event_content(event, shown), shown.terms) for event, shown in rows]


def leaf_hashes(session: Session, event_ids: Iterable[int]) -> tuple[str, ...]:
    """Of these events, in ledger order."""
    wanted = list(event_ids)
    leaves = select(LedgerLeaf.hash).where(LedgerLeaf.index.in_(wanted)).order_by(LedgerLeaf.index)
    return tuple(session.scalars(leaves))


def event_content(event: ConsentEvent, shown: ConsentNotice) -> dict[str, object]:
    """What a consent event's leaf commits to: all that a receipt says of it, the wording and the terms included."""
    return {
        "account": event.account_id,
        "act": event.act.value,
        "actor": event.actor.value,
        "adult": event.adult,
        "at": event.at.isoformat(),
        "expires_at": event.expires_at.isoformat() if event.expires_at else None,
        "kind": "consent",
        "method": event.method.value,
        "notice_locale": shown.locale,
        "notice_version": shown.version,
        "purpose": event.purpose.value,
        "terms_sha256": hashlib.sha256(shown.terms.encode()).hexdigest(),
        "wording_sha256": hashlib.sha256(shown.wording.encode()).hexdigest(),
    }


REMAINS = ("id", "purpose", "act", "at", "expires_at", "notice_id", "method", "actor", "adult")
"""What erasure leaves of a consent event. The database's triggers hold these equal."""


def events_of(session: Session, account_id: AccountId) -> Sequence[ConsentEvent]:
    """All of an account's, in ledger order."""
    return session.scalars(
        select(ConsentEvent).where(ConsentEvent.account_id == account_id).order_by(ConsentEvent.id)
    ).all()


class _Event(Protocol):
    """A consent event: the mapped row, or the audit's tuple."""

    @property
    def id(self) -> int: ...


def digest_of_remains(events: Iterable[_Event]) -> str:
    """SHA-256 over what erasure leaves of these events, in ledger order: the same before it and after it."""
    ordered = sorted(events, key=lambda event: event.id)
    remains = [{name: _plain(getattr(event, name)) for name in REMAINS} for event in ordered]
    return hashlib.sha256(ledger.canonical({"events": remains})).hexdigest()


def erase_consent_events(session: Session, account_id: AccountId, entry_id: int) -> None:
    """Takes account and salt from all of an account's events, and names the entry that tells of it, in one statement.

    The one change that the append-only triggers let pass. The entry commits to the events' ids and to
    `digest_of_remains`.
    """
    session.execute(
        update(ConsentEvent)
        .where(ConsentEvent.account_id == account_id)
        .values(account_id=None, salt=None, erased_by=entry_id)
        .execution_options(synchronize_session=False)
    )
    session.expire_all()


def _plain(value: object) -> object:
    if isinstance(value, datetime):
        return value.isoformat()
    return value.value if isinstance(value, Enum) else value


def _event_row(session: Session, event: NewConsentEvent) -> ConsentEvent:
    newest = session.scalar(select(func.max(ConsentEvent.at)).where(ConsentEvent.account_id == event.account_id))
    return ConsentEvent(
        account_id=event.account_id,
        purpose=event.purpose,
        act=event.act,
        at=max(event.at, newest) if newest else event.at,
        expires_at=event.expires_at,
        notice_id=event.notice_id,
        method=event.method,
        actor=event.actor,
        adult=event.adult,
        salt=ledger.new_salt(),
    )


def _notices(session: Session, notice_ids: Iterable[int]) -> dict[int, ConsentNotice]:
    found = session.scalars(select(ConsentNotice).where(ConsentNotice.id.in_(list(notice_ids))))
    return {each.id: each for each in found}


def count_consent(session: Session, purpose: Purpose, now: datetime) -> tuple[int, int]:
    """How many accounts have the purpose in force, and how many have taken it back since they gave it."""
    last = (
        select(func.max(ConsentEvent.id).label("id"))
        .where(ConsentEvent.purpose == purpose, ConsentEvent.account_id.is_not(None))
        .group_by(ConsentEvent.account_id)
        .subquery()
    )
    grants = and_(
        ConsentEvent.act.in_(GRANTS),
        ConsentEvent.at <= now,
        or_(ConsentEvent.expires_at.is_(None), ConsentEvent.expires_at > now),
    )
    taken_back = ConsentEvent.act == ConsentAct.WITHDRAWN
    row = session.execute(
        select(func.count().filter(grants), func.count().filter(taken_back)).join(last, last.c.id == ConsentEvent.id)
    ).one()
    return row[0], row[1]


# The one rule, as SQL

_NOW = bindparam("consent_now", type_=UtcDateTime(), required=True)


def usable_utterances(now: datetime) -> Select[Utterance]:
    """The utterances that may be stored and processed now."""
    return select(Utterance).where(_may_use(Purpose.COLLECT, now))


def usable_clips(purpose: Purpose, now: datetime | None = None) -> Select[Clip, Utterance]:
    """The clips that may be used for the purpose now, each with its utterance.

    Without a time it is a statement to keep, and whoever runs it gives the time as the parameter `consent_now`.
    """
    return select(Clip, Utterance).join(Utterance, Utterance.id == Clip.utterance_id).where(_may_use(purpose, now))


def _may_use(purpose: Purpose, now: datetime | None) -> ColumnElement[bool]:
    """`corpus.consent.may_use` over the utterance of the enclosing query."""
    if now is None:
        return _rule(purpose)

    def say_when(bind: BindParameter[datetime]) -> None:
        if bind.key == _NOW.key:
            bind.value, bind.required = now, False

    return cloned_traverse(_rule(purpose), {"maintain_key": True}, {"bindparam": say_when})


@cache
def _rule(purpose: Purpose) -> ColumnElement[bool]:
    """Put together once: that takes 9 ms, a copy 1 ms, and asking it of one clip a tenth of that."""
    return and_(_unbroken(), *(_in_force(needed) for needed in NEEDS[purpose]))


def _in_force(purpose: Purpose) -> ColumnElement[bool]:
    last, later = aliased(ConsentEvent), aliased(ConsentEvent)
    superseded = exists().where(later.account_id == last.account_id, later.purpose == last.purpose, later.id > last.id)
    return exists().where(
        last.account_id == Utterance.account_id,
        last.purpose == purpose,
        last.act.in_(GRANTS),
        last.at <= _NOW,
        or_(last.expires_at.is_(None), last.expires_at > _NOW),
        ~superseded,
    )


def _unbroken() -> ColumnElement[bool]:
    base, after, before = aliased(ConsentEvent), aliased(ConsentEvent), aliased(ConsentEvent)
    held_at_capture = exists().where(
        base.id == Utterance.consent_event_id,
        base.account_id == Utterance.account_id,
        base.purpose == Purpose.COLLECT,
        base.act.in_(GRANTS),
        base.at <= Utterance.captured_at,
        or_(base.expires_at.is_(None), base.expires_at > Utterance.captured_at),
    )
    expiry_of_the_one_before = (
        select(before.expires_at)
        .where(before.account_id == after.account_id, before.purpose == after.purpose, before.id < after.id)
        .order_by(before.id.desc())
        .limit(1)
        .scalar_subquery()
    )
    broken_later = exists().where(
        after.account_id == Utterance.account_id,
        after.purpose == Purpose.COLLECT,
        after.id > Utterance.consent_event_id,
        or_(after.act != ConsentAct.RENEWED, expiry_of_the_one_before <= after.at),
    )
    return and_(held_at_capture, ~broken_later)
