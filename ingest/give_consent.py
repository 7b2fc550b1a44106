"""Records what a person agrees to, purpose by purpose, and gives a returning voice a new key.

A ticked purpose is `given`, or `renewed` where it is in force. An unticked one that was never asked before is recorded
`refused`. An unticked one that is in force stays so, on the notice that it was given under: agreeing to one thing never
takes back another, and taking back is an act of its own (`withdraw`).
"""

from collections.abc import Collection
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from corpus.collaborators import Collaborators
from corpus.consent import NEEDS, ConsentFact, in_force
from corpus.errors import BadRequest, NoticeOutdated, StoreError, UnknownAccount
from corpus.head_copies import try_to_copy_heads
from corpus.keys import KeyKind
from corpus.queries import NewConsentEvent, append_consent_events, consent_facts, lock_account, notice
from corpus.words import AccountId, ConsentAct, ConsentMethod, KeyId, Purpose


@dataclass(frozen=True, slots=True)
class Agreement:
    """What a person answered to one notice."""

    notice_version: str
    notice_locale: str
    purposes: frozenset[Purpose]
    adult: bool
    method: ConsentMethod = ConsentMethod.API


@dataclass(frozen=True, slots=True)
class PurposeState:
    """How one purpose stands. `act` is None where it was never asked."""

    purpose: Purpose
    in_force: bool
    act: ConsentAct | None
    at: datetime | None
    expires_at: datetime | None
    event_id: int | None = None
    """The consent event that it rests on, which `ingest.receipts` has the receipt of."""


def give_consent(house: Collaborators, account_id: AccountId, agreement: Agreement) -> list[PurposeState]:
    """Returns how every purpose stands then. Raises `BadRequest`, `UnknownNotice` or `NoticeOutdated`."""
    _check(agreement)
    key_id = house.keyring.create(account_id, KeyKind.VOICE) if agreement.purposes else None
    used = False
    try:
        with house.database.writing() as session:
            used = _record(session, house, account_id, agreement, key_id)
            states = purpose_states(consent_facts(session, account_id), house.clock())
    finally:
        if key_id is not None and not used:  # a commit of unknown outcome comes with `used`: it may have named the key
            with suppress(StoreError):  # a key that no row names is harmless
                house.keyring.destroy(account_id, key_id)
    try_to_copy_heads(house)
    return states


def consent_states(house: Collaborators, account_id: AccountId) -> list[PurposeState]:
    """How every purpose stands now."""
    with house.database.reading() as session:
        return purpose_states(consent_facts(session, account_id), house.clock())


def purpose_states(facts: Collection[ConsentFact], now: datetime) -> list[PurposeState]:
    ordered = list(facts)
    last = {fact.purpose: fact for fact in ordered}
    return [
        PurposeState(purpose, in_force(ordered, purpose, now), fact.act, fact.at, fact.expires_at, fact.id)
        if (fact := last.get(purpose))
        else PurposeState(purpose, False, None, None, None)
        for purpose in Purpose
    ]


def _check(agreement: Agreement) -> None:
    missing = sorted({need for purpose in agreement.purposes for need in NEEDS[purpose]} - agreement.purposes)
    if missing:
        raise BadRequest(f"What you ticked needs {', '.join(missing)} as well.")
    if agreement.purposes and not agreement.adult:
        raise BadRequest("Only adults can lend their voice: affirm it with `adult: true`.")


def _record(
    session: Session, house: Collaborators, account_id: AccountId, agreement: Agreement, key_id: KeyId | None
) -> bool:
    """Appends the events; whether the new key became the account's."""
    account = lock_account(session, account_id)
    if account.identity_key_id is None:  # being closed
        raise UnknownAccount
    shown = notice(session, agreement.notice_version, agreement.notice_locale)
    if shown.uploads_until is not None:
        raise NoticeOutdated
    now = house.clock()
    lifetime = house.settings.consent_lifetime
    facts = consent_facts(session, account_id)
    asked = {fact.purpose for fact in facts}
    events = [
        NewConsentEvent(
            account_id=account_id,
            purpose=purpose,
            act=_act(facts, purpose, now) if purpose in agreement.purposes else ConsentAct.REFUSED,
            at=now,
            expires_at=now + lifetime if lifetime and purpose in agreement.purposes else None,
            notice_id=shown.id,
            method=agreement.method,
            adult=agreement.adult,
        )
        for purpose in Purpose
        if purpose in agreement.purposes or purpose not in asked
    ]
    append_consent_events(session, house.signer, events)
    if key_id is None or account.voice_key_id is not None:
        return False
    account.voice_key_id = key_id
    return True


def _act(facts: list[ConsentFact], purpose: Purpose, now: datetime) -> ConsentAct:
    return ConsentAct.RENEWED if in_force(facts, purpose, now) else ConsentAct.GIVEN
