"""How people leave a release in tests: the withdrawal's commit, and nothing after it."""

from corpus import queries
from corpus.collaborators import Collaborators
from corpus.release_queries import Entombed, clips_of_account, entomb
from corpus.words import AccountId, ConsentAct, ConsentMethod, Purpose, TombstoneReason
from tests.factories import ALL_PURPOSES


def leave(house: Collaborators, account_id: AccountId) -> Entombed:
    """Withdraws everything in one commit, as `ingest.withdraw` does; destroys no key and erases nothing."""
    with house.database.writing() as session:
        queries.lock_account(session, account_id)
        now = house.clock()
        lasts = house.settings.release_state_lasts
        clips = clips_of_account(account_id)
        entombed = entomb(session, house.signer, clips, TombstoneReason.WITHDRAWN, now, lasts)
        notice_id = queries.last_notice_id(session, account_id) or 1
        purposes: tuple[Purpose, ...] = ALL_PURPOSES
        events = [
            queries.NewConsentEvent(account_id, purpose, ConsentAct.WITHDRAWN, now, None, notice_id, ConsentMethod.API)
            for purpose in purposes
        ]
        queries.append_consent_events(session, house.signer, events)
    return entombed
