"""Closing the account on the page."""

import re

import pytest

from corpus.collaborators import Collaborators
from corpus.errors import StoreUnavailable
from corpus.identity import queries
from corpus.identity.accounts import email_lookup
from tests.factories import make_account, make_lender
from tests.integration.ingest.portal.visitor import visitor

EMAIL = "ann@example.org"


def is_known(house: Collaborators) -> bool:
    with house.database.reading() as session:
        return queries.account_id_of(session, email_lookup(house.master, EMAIL)) is not None


def test_typing_the_words_closes_it_and_shows_where_the_certificate_will_be(house: Collaborators) -> None:
    someone = visitor(house, make_account(house, email=EMAIL))

    answer = someone.send("/me/close", phrase="Close  my account ")

    assert answer.status_code == 200
    assert not is_known(house)
    assert someone.get("/me").status_code == 303
    address = re.search(r'href="http://testserver(/certificates/[0-9a-f]{64})"', answer.text)
    assert address is not None
    assert visitor(house).get(address[1], Accept="text/html").status_code == 200


def test_the_page_shows_the_address_though_the_store_is_down(
    house: Collaborators, monkeypatch: pytest.MonkeyPatch
) -> None:
    someone = visitor(house, make_account(house, email=EMAIL))

    def is_down(*_: object) -> None:
        raise StoreUnavailable("journal")

    with monkeypatch.context() as patched:
        patched.setattr(type(house.store), "put", is_down)
        answer = someone.send("/me/close", phrase="close my account")

    assert answer.status_code == 503
    assert "still being finished" in answer.text
    address = re.search(r'href="http://testserver(/certificates/[0-9a-f]{64})"', answer.text)
    assert address is not None
    assert visitor(house).get(address[1], Accept="text/html").status_code == 200


@pytest.mark.parametrize("phrase", ["", "yes", "close"])
def test_anything_else_closes_nothing(house: Collaborators, phrase: str) -> None:
    someone = visitor(house, make_account(house, email=EMAIL))

    answer = someone.send("/me/close", phrase=phrase)

    assert answer.status_code == 400
    assert "Nothing was closed" in answer.text
    assert is_known(house)


def test_another_site_closes_nothing(house: Collaborators) -> None:
    someone = visitor(house, make_account(house, email=EMAIL))

    assert someone.send_from_elsewhere("/me/close", phrase="close my account").status_code == 403
    assert is_known(house)


def test_a_device_closes_nothing(house: Collaborators) -> None:
    lender = make_lender(house)
    device = {"Authorization": f"Bearer {lender.device_token}"}

    answer = visitor(house).client.post("/me/close", data={"phrase": "close my account"}, headers=device)

    assert answer.status_code == 403
