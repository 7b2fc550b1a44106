"""Nobody comes into an account that was closed, by whichever way, and however close the two come."""

import contextlib
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest

from corpus.collaborators import Collaborators
from corpus.errors import ExpiredToken, LinkSpent, LoanwordError, Unauthenticated
from corpus.identity import tokens
from corpus.identity.external import enter_by_provider
from corpus.identity.links import enter_by_link, make_link
from corpus.identity.openid import ExternalPerson
from corpus.identity.sign_in import PasswordChecks, sign_in
from corpus.tables import Token
from corpus.words import AccountId, Scope
from ingest.close_account import close_account
from ingest.pairing.pair_by_code import approve_pairing, begin_pairing, collect_token
from tests.factories import PASSWORD, make_account, make_lender, make_token, make_utterance

ANN = ExternalPerson("https://provider.example", "ann")


def tokens_of(house: Collaborators, account_id: AccountId) -> int:
    with house.database.reading() as session:
        return session.query(Token).where(Token.account_id == account_id, Token.revoked_at.is_(None)).count()


def test_a_link_ends_with_the_account(house: Collaborators) -> None:
    person = make_account(house)
    secret = make_link(house, person)

    close_account(house, person)

    with pytest.raises(LinkSpent):
        enter_by_link(house, secret)


def test_who_comes_back_by_a_provider_begins_anew(house: Collaborators) -> None:
    before = enter_by_provider(house, ANN).account_id

    close_account(house, before)

    assert enter_by_provider(house, ANN).account_id != before
    assert tokens_of(house, before) == 0


def test_a_password_ends_with_the_account(house: Collaborators) -> None:
    person = make_account(house, email="ann@example.org")

    close_account(house, person)

    with pytest.raises(Unauthenticated):
        sign_in(house, PasswordChecks(), "ann@example.org", PASSWORD, None)


@pytest.mark.parametrize("recordings", [0, 1])
def test_a_device_that_had_not_collected_its_token_gets_none(house: Collaborators, recordings: int) -> None:
    lender = make_lender(house)
    for _ in range(recordings):
        make_utterance(house, lender)
    begun = begin_pairing(house)
    approve_pairing(house, lender.account_id, begun.user_code, "lamp")

    close_account(house, lender.account_id)

    with pytest.raises(LoanwordError) as refused:
        collect_token(house, begun.device_code)
    assert refused.type is ExpiredToken
    assert tokens_of(house, lender.account_id) == 0


def test_no_token_is_made_for_a_closed_account(house: Collaborators) -> None:
    person = make_account(house)

    close_account(house, person)

    with house.database.writing() as session, pytest.raises(Unauthenticated):
        tokens.issue_token(session, master=house.master, account_id=person, scopes=[Scope.ACCOUNT], now=house.clock())


def test_a_link_that_is_opened_while_the_account_is_closed_leaves_no_way_in(house: Collaborators) -> None:
    for _ in range(5):
        person, start = make_account(house), Barrier(2)
        secret = make_link(house, person)

        def enter(secret: str = secret, start: Barrier = start) -> None:
            start.wait()
            with contextlib.suppress(LinkSpent, Unauthenticated):
                enter_by_link(house, secret)

        def close(person: AccountId = person, start: Barrier = start) -> None:
            start.wait()
            close_account(house, person)

        with ThreadPoolExecutor(2) as both:
            for done in [both.submit(enter), both.submit(close)]:
                done.result()

        assert tokens_of(house, person) == 0


def test_an_open_account_gets_its_token(house: Collaborators) -> None:
    assert make_token(house, make_account(house), Scope.ACCOUNT)
