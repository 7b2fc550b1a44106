"""Takes consent back: the gate closes in one commit, and a voice's key is gone before the answer.

What rests on a purpose goes with it: without `review` nothing is published, without `collect` there is nothing at all.
Every release loses the person's clips in the same commit. What then lies about as bytes and rows is `ingest.erase`'s to
remove, and it starts from what this commit wrote down; the journal in the object store knows of it before anybody is
answered, so that no restored backup forgets it.

Done twice is done once, and does again what the first time could not reach: while a store is down the answer is 503,
the gate closed already; ask again.
"""

from collections.abc import Collection

from sqlalchemy.orm import Session

from corpus.collaborators import Collaborators
from corpus.consent import GRANTS, NEEDS
from corpus.erasure_queries import forget_voice_elsewhere
from corpus.queries import NewConsentEvent, append_consent_events, consent_facts, last_notice_id, lock_account
from corpus.release_queries import clips_of_account
from corpus.words import AccountId, ConsentAct, ConsentActor, ConsentMethod, ErasureKind, KeyId, Purpose
from ingest import queries
from ingest.erasures.begin import Stopwatch, before_the_answer, begin, note_events
from ingest.erasures.queries import Begun
from ingest.erasures.record import Reason
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
    actor: ConsentActor = ConsentActor.SELF,
) -> list[PurposeState]:
    """Returns how every purpose stands then. Raises `StoreUnavailable` where key or journal are out of reach."""
    stopwatch = Stopwatch()

    def commit(session: Session) -> tuple[Begun | None, list[PurposeState]]:
        begun = close_gate(session, house, account_id, with_dependents(purposes), method, actor)
        return begun, purpose_states(consent_facts(session, account_id), house.clock())

    begun, states = house.database.write(commit)
    before_the_answer(house, account_id, begun.id if begun else None, stopwatch.took_ms())
    return states


def close_gate(
    session: Session,
    house: Collaborators,
    account_id: AccountId,
    gone: frozenset[Purpose],
    method: ConsentMethod,
    actor: ConsentActor = ConsentActor.SELF,
    *,
    replayed: Begun | None = None,
) -> Begun | None:
    """The withdrawal's commit, whole; None where there was nothing to take back. What is replayed has an erasure."""
    account = lock_account(session, account_id)
    events = withdrawals(session, house, account_id, gone, method, actor)
    key_id = account.voice_key_id if Purpose.COLLECT in gone else None
    if not events and key_id is None and replayed is None:
        return None
    if Purpose.COLLECT in gone:
        forget_voice_elsewhere(session, account_id)
        account.voice_key_id = None
    elif Purpose.DEMOGRAPHICS in gone:
        queries.forget_demographics(session, account_id)
    if gone & IN_RELEASES:
        queries.forget_splits(session, account_id)
    begun = begin(
        session,
        house,
        account_id,
        ErasureKind.VOICE if Purpose.COLLECT in gone else ErasureKind.PURPOSES,
        Reason.WITHDRAWN,
        clips=clips_of_account(account_id) if gone & IN_RELEASES else None,
        voice_key_id=replayed.voice_key_id if replayed else key_id,
        purposes=gone,
        erasure_id=replayed.id if replayed else None,
    )
    if replayed and key_id not in (None, replayed.voice_key_id):
        _erase_too(session, house, account_id, key_id)
    note_events(session, begun, append_consent_events(session, house.signer, events))
    return begun


def withdrawals(
    session: Session,
    house: Collaborators,
    account_id: AccountId,
    gone: frozenset[Purpose],
    method: ConsentMethod,
    actor: ConsentActor,
) -> list[NewConsentEvent]:
    """The events to append: of those purposes, where the last word was a grant."""
    notice_id = last_notice_id(session, account_id)
    last = {fact.purpose: fact.act for fact in consent_facts(session, account_id)}
    now = house.clock()
    return [
        NewConsentEvent(
            account_id,
            purpose,
            ConsentAct.WITHDRAWN,
            now,
            None,
            notice_id,
            method,
            actor,
        )
        for purpose in Purpose
        if purpose in gone and last.get(purpose) in GRANTS and notice_id is not None
    ]


def _erase_too(session: Session, house: Collaborators, account_id: AccountId, key_id: KeyId | None) -> None:
    """A restored database may know an older key than the one that was withdrawn last."""
    begin(session, house, account_id, ErasureKind.VOICE, Reason.WITHDRAWN, voice_key_id=key_id, purposes=list(Purpose))
