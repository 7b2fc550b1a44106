"""What a person tells of themselves: kept only while they agree, changed and removed field by field."""

import pytest
from sqlalchemy import select

from corpus.collaborators import Collaborators
from corpus.demographics import Field
from corpus.tables import Demographics
from corpus.words import AccountId, Purpose
from ingest.demographics import told
from ingest.withdraw import withdraw
from tests.factories import make_account, opt_in, withdraw_consent
from tests.integration.ingest.portal.visitor import visitor

ADDRESS = "/me/about-you"


@pytest.fixture
def account_id(house: Collaborators) -> AccountId:
    """Who agreed to everything."""
    made = make_account(house)
    opt_in(house, made, purposes=Purpose)
    return made


def rows(house: Collaborators) -> list[Demographics]:
    with house.database.reading() as session:
        return list(session.scalars(select(Demographics)))


def test_each_field_is_told_changed_and_removed_on_its_own(house: Collaborators, account_id: AccountId) -> None:
    someone = visitor(house, account_id)

    someone.send(ADDRESS, field="gender", answer="man")
    someone.send(ADDRESS, field="age_band", answer="30_44")
    someone.send(ADDRESS, field="gender", answer="another")
    both = told(house, account_id).answers
    someone.send(ADDRESS, field="gender", answer="another", remove="on")

    assert both == {Field.AGE_BAND: "30_44", Field.GENDER: "another"}
    assert told(house, account_id).answers == {Field.AGE_BAND: "30_44"}
    assert '<option value="30_44" selected>30 to 44</option>' in someone.get(ADDRESS).text


def test_when_the_last_answer_goes_nothing_is_left(house: Collaborators, account_id: AccountId) -> None:
    someone = visitor(house, account_id)
    someone.send(ADDRESS, field="accent", answer="europe")

    answer = someone.send(ADDRESS, field="accent", answer="")

    assert answer.headers["location"] == f"{ADDRESS}?said=about-removed"
    assert rows(house) == []


def test_it_is_sealed(house: Collaborators, account_id: AccountId) -> None:
    visitor(house, account_id).send(ADDRESS, field="accent", answer="europe")

    (row,) = rows(house)

    assert row.accent is not None
    assert b"europe" not in bytes(row.accent)


@pytest.mark.parametrize(
    "fields",
    [{"field": "gender", "answer": "9"}, {"field": "height", "answer": "2"}, {"answer": "man"}],
    ids=["no-such-answer", "no-such-field", "no-field"],
)
def test_only_the_closed_sets_are_taken(house: Collaborators, account_id: AccountId, fields: dict[str, str]) -> None:
    answer = visitor(house, account_id).send(ADDRESS, **fields)

    assert answer.status_code == 400
    assert rows(house) == []


def test_without_the_purpose_nothing_is_taken_and_the_page_says_why(house: Collaborators) -> None:
    account_id = make_account(house)
    opt_in(house, account_id)
    someone = visitor(house, account_id)

    refused = someone.send(ADDRESS, field="gender", answer="man")

    assert refused.status_code == 403
    assert rows(house) == []
    assert "you have not agreed to" in someone.get(ADDRESS).text


def test_who_never_agreed_to_anything_is_refused_too(house: Collaborators) -> None:
    answer = visitor(house, make_account(house)).send(ADDRESS, field="gender", answer="man")

    assert answer.status_code == 403


@pytest.mark.parametrize("purpose", [Purpose.DEMOGRAPHICS, Purpose.COLLECT])
def test_withdrawing_scrubs_it_in_the_same_commit(
    house: Collaborators, account_id: AccountId, purpose: Purpose
) -> None:
    visitor(house, account_id).send(ADDRESS, field="gender", answer="man")

    withdraw(house, account_id, [purpose])

    assert rows(house) == []


def test_once_withdrawn_it_is_not_shown_though_the_row_is_still_there(
    house: Collaborators, account_id: AccountId
) -> None:
    someone = visitor(house, account_id)
    someone.send(ADDRESS, field="gender", answer="man")

    withdraw_consent(house, account_id, Purpose.DEMOGRAPHICS)

    assert told(house, account_id).answers == {}
    assert someone.send(ADDRESS, field="accent", answer="europe").status_code == 403


def test_another_site_changes_nothing(house: Collaborators, account_id: AccountId) -> None:
    answer = visitor(house, account_id).send_from_elsewhere(ADDRESS, field="gender", answer="man")

    assert answer.status_code == 403
    assert rows(house) == []
