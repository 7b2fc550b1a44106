"""Forgets what was good for a while only: wrong guesses, links and codes whose time is over."""

from corpus.collaborators import Collaborators
from corpus.identity import queries as identity_queries
from ingest.pairing import queries as pairing_queries
from ingest.pairing.pair_by_code import COLLECTED_AGAIN


def forget_expired(house: Collaborators) -> None:
    """Done twice is done once. Each of them is refused from its end on, whether it is forgotten yet or not."""
    with house.database.writing() as session:
        now = house.clock()
        identity_queries.forget_old_failures(session, now)
        identity_queries.forget_old_links(session, now)
        pairing_queries.forget_expired(session, now - COLLECTED_AGAIN)
