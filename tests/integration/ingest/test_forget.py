"""What was good for a while only is forgotten when its time is over, and not before."""

from datetime import timedelta

from corpus.collaborators import Collaborators
from corpus.identity import attempts
from corpus.identity.attempts import Limit
from corpus.identity.links import LIFETIME, make_link
from corpus.tables import FailedAttempt, Pairing, SignInLink
from ingest.forget import forget_expired
from ingest.pairing import pair_by_code
from tests.factories import make_account
from tests.fixtures.house import StillClock

ANY = Limit("any", failures=5, within=timedelta(minutes=2))


def test_guesses_links_and_codes_are_forgotten_after_their_time(house: Collaborators, clock: StillClock) -> None:
    make_link(house, make_account(house))
    pair_by_code.begin_pairing(house)
    with house.database.writing() as session:
        attempts.count(session, [attempts.counter(house.master, ANY, "ann")], clock())

    left = []
    for later in (timedelta(0), ANY.within, pair_by_code.LIFETIME, LIFETIME):
        clock.forward(later)
        forget_expired(house)
        with house.database.reading() as session:
            left.append([session.query(each).count() for each in (FailedAttempt, Pairing, SignInLink)])

    assert left == [[1, 1, 1], [0, 1, 1], [0, 0, 1], [0, 0, 0]]
