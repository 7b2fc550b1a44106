"""Closes an account: everything of the person goes, the e-mail address at once and the account's id with the last look.

The first commit takes back all consent, ends every way in, and empties what tells who the person is; then both keys and
all that the key store has of them are destroyed, before the answer. `ingest.erase` does the rest. What stays is in the
ledger: that something was agreed to and taken back, when, and of nobody any more.
"""

from sqlalchemy.orm import Session

from corpus.collaborators import Collaborators
from corpus.erasure_queries import end_identity, forget_voice_elsewhere
from corpus.errors import ClosingUnfinished, StoreError, Transient
from corpus.queries import append_consent_events, lock_account
from corpus.release_queries import clips_of_account
from corpus.words import AccountId, ConsentActor, ConsentMethod, ErasureKind, Purpose
from ingest.erasures import queries
from ingest.erasures.begin import Stopwatch, before_the_answer, begin, note_events
from ingest.erasures.certificates import address
from ingest.erasures.queries import Begun
from ingest.erasures.record import Reason
from ingest.withdraw import withdrawals

ALL = frozenset(Purpose)


def close_account(
    house: Collaborators,
    account_id: AccountId,
    method: ConsentMethod = ConsentMethod.API,
    actor: ConsentActor = ConsentActor.SELF,
) -> str:
    """Returns the address of the certificate: the one thing that the person can still ask for afterwards.

    Raises `UnknownAccount`, and `ClosingUnfinished`, which has that address too, where keys or journal are out of
    reach: it is closed then, and start-up, sweep and the next minute finish it.
    """
    stopwatch = Stopwatch()
    begun = house.database.write(lambda session: close_gate(session, house, account_id, method, actor))
    certificate = address(house, begun.id)
    try:
        before_the_answer(house, account_id, begun.id, stopwatch.took_ms())
    except (StoreError, Transient) as error:  # no way in is left by which the address could be asked for again
        raise ClosingUnfinished(certificate) from error
    return certificate


def close_gate(
    session: Session,
    house: Collaborators,
    account_id: AccountId,
    method: ConsentMethod,
    actor: ConsentActor = ConsentActor.SELF,
    *,
    replayed: Begun | None = None,
) -> Begun:
    """The closing's first commit, whole. Asked twice it is the closing that is under way."""
    account = lock_account(session, account_id)
    under_way = [each for each in queries.unfinished(session, account_id) if each.kind is ErasureKind.ACCOUNT]
    if under_way and replayed is None:
        return under_way[0]
    events = withdrawals(session, house, account_id, ALL, method, actor)
    forget_voice_elsewhere(session, account_id)
    queries.revoke_devices(session, account_id, house.clock())
    end_identity(session, account_id)
    session.expire(account)
    begun = begin(
        session,
        house,
        account_id,
        ErasureKind.ACCOUNT,
        Reason.CLOSED,
        clips=clips_of_account(account_id),
        purposes=ALL,
        erasure_id=replayed.id if replayed else None,
    )
    note_events(session, begun, append_consent_events(session, house.signer, events))
    return begun
