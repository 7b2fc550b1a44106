"""Takes consent back: the gate closes in one commit, and a voice's key is gone before the answer.

What rests on a purpose goes with it: without `review` nothing is published, without `collect` there is nothing at all.
Every release that holds the person's clips is revoked in the same commit. What then lies about as bytes and rows is
`ingest.erase`'s to remove, and it starts from what this commit wrote down.

Done twice is done once, and does again what the first time could not reach: while the key store is down the answer is
503, the gate closed already; ask again.
"""

from collections.abc import Collection

from sqlalchemy.orm import Session

from corpus.collaborators import Collaborators
from corpus.consent import GRANTS, NEEDS
from corpus.erasure_queries import forget_voice_elsewhere
from corpus.head_copies import try_to_copy_heads
from corpus.queries import NewConsentEvent, append_consent_events, consent_facts, last_notice_id, lock_account
from corpus.words import AccountId, ConsentAct, ConsentMethod, Purpose
from ingest import queries
from ingest.give_consent import PurposeState, purpose_states

IN_RELEASES = frozenset({Purpose.COLLECT, Purpose.REVIEW, Purpose.PUBLISH})


def with_dependents(purposes: Collection[Purpose]) -> frozenset[Purpose]:
    """These purposes and all that need one of them."""
    return frozenset(purpose for purpose in Purpose if set(NEEDS[purpose]) & set(purposes))


def withdraw(
    house: Collaborators,
    account_id: AccountId,
    purposes: Collection[Purpose] = (Purpose.COLLECT,),
    method: ConsentMethod = ConsentMethod.API,
) -> list[PurposeState]:
    """Returns how every purpose stands then. Raises `StoreUnavailable` where the key could not be destroyed yet."""
    gone = with_dependents(purposes)
    with house.database.writing() as session:
        _close_gate(session, house, account_id, gone, method)
        states = purpose_states(consent_facts(session, account_id), house.clock())
        unfinished = queries.unfinished_erasures(session, account_id)
    for erasure in unfinished:
        house.keyring.destroy(erasure.account_id, erasure.voice_key_id)
    try_to_copy_heads(house)
    return states


def _close_gate(
    session: Session, house: Collaborators, account_id: AccountId, gone: frozenset[Purpose], method: ConsentMethod
) -> None:
    account = lock_account(session, account_id)
    now = house.clock()
    notice_id = last_notice_id(session, account_id)
    last = {fact.purpose: fact.act for fact in consent_facts(session, account_id)}
    events = [
        NewConsentEvent(account_id, purpose, ConsentAct.WITHDRAWN, now, None, notice_id, method)
        for purpose in Purpose
        if purpose in gone and last.get(purpose) in GRANTS and notice_id is not None
    ]
    append_consent_events(session, house.signer, events)
    if gone & IN_RELEASES:
        queries.revoke_releases_with(session, account_id)
        queries.forget_splits(session, account_id)
    if Purpose.COLLECT in gone:
        forget_voice_elsewhere(session, account_id)
    elif Purpose.DEMOGRAPHICS in gone:
        queries.forget_demographics(session, account_id)
    if Purpose.COLLECT in gone and account.voice_key_id is not None:
        queries.add_erasure(session, account_id, account.voice_key_id, now)
        account.voice_key_id = None
