"""Deleting recordings on the page: one, several, all; asked about first, and nobody else's."""

from collections.abc import Iterable

import pytest

from corpus.collaborators import Collaborators
from corpus.queries import usable_utterances
from corpus.words import AccountId, Purpose, UtteranceId
from ingest.give_consent import consent_states
from tests.factories import make_lender, make_utterance, withdraw_consent
from tests.integration.ingest.portal.visitor import visitor, words_of


def left(house: Collaborators, account_id: AccountId) -> set[UtteranceId]:
    with house.database.reading() as session:
        found = session.scalars(usable_utterances(house.clock()))
        return {each.id for each in found if each.account_id == account_id}


def ticked(ids: Iterable[str]) -> dict[str, str]:
    return dict.fromkeys(ids, "on")


def test_one_is_deleted_after_a_page_that_says_what_follows(house: Collaborators) -> None:
    lender = make_lender(house)
    gone, stays = (make_utterance(house, lender, transcript=text) for text in ("go", "stay"))
    someone = visitor(house, lender.account_id)

    asked = someone.send("/me/clips/delete", only=gone)
    before = left(house, lender.account_id)
    answer = someone.send("/me/clips/deleted", **{gone: "on"})

    assert "Delete 1 recording for good?" in words_of(asked)
    assert "“ go ”" in words_of(asked)
    assert f'name="{gone}" value="on"' in asked.text
    assert before == {gone, stays}
    assert answer.headers["location"] == "/me/clips?said=deleted"
    assert left(house, lender.account_id) == {stays}


def test_several_are_deleted_at_once(house: Collaborators) -> None:
    lender = make_lender(house)
    ids = [make_utterance(house, lender) for _ in range(3)]

    visitor(house, lender.account_id).send("/me/clips/deleted", **ticked(ids[:2]))

    assert left(house, lender.account_id) == {ids[2]}


def test_all_are_deleted_and_the_voice_goes_on_being_lent(house: Collaborators) -> None:
    lender, other = make_lender(house), make_lender(house)
    for _ in range(3):
        make_utterance(house, lender)
    theirs = make_utterance(house, other)
    someone = visitor(house, lender.account_id)

    asked = someone.send("/me/clips/delete", all="on")
    someone.send("/me/clips/deleted", all="on")

    assert "Delete all 3 recordings for good?" in words_of(asked)
    assert left(house, lender.account_id) == set()
    assert left(house, other.account_id) == {theirs}
    assert Purpose.COLLECT in {each.purpose for each in consent_states(house, lender.account_id) if each.in_force}


def test_with_nothing_selected_the_list_says_so(house: Collaborators) -> None:
    lender = make_lender(house)
    make_utterance(house, lender)

    answer = visitor(house, lender.account_id).send("/me/clips/delete")

    assert answer.status_code == 400
    assert "Nothing is selected." in answer.text


@pytest.mark.parametrize("address", ["/me/clips/delete", "/me/clips/deleted"])
@pytest.mark.parametrize("together", [False, True], ids=["alone", "beside-ones-own"])
def test_nobody_deletes_another_persons(house: Collaborators, address: str, together: bool) -> None:
    lender, other = make_lender(house), make_lender(house)
    mine, theirs = make_utterance(house, lender), make_utterance(house, other)

    answer = visitor(house, lender.account_id).send(address, **ticked([theirs, mine] if together else [theirs]))

    assert answer.status_code == 404
    assert left(house, lender.account_id) == {mine}
    assert left(house, other.account_id) == {theirs}


@pytest.mark.parametrize("address", ["/me/clips/delete", "/me/clips/deleted"])
def test_another_site_deletes_nothing(house: Collaborators, address: str) -> None:
    lender = make_lender(house)
    utterance_id = make_utterance(house, lender)

    answer = visitor(house, lender.account_id).send_from_elsewhere(address, **{utterance_id: "on"})

    assert answer.status_code == 403
    assert left(house, lender.account_id) == {utterance_id}


def test_once_withdrawn_there_is_nothing_to_delete(house: Collaborators) -> None:
    lender = make_lender(house)
    utterance_id = make_utterance(house, lender)
    withdraw_consent(house, lender.account_id)

    assert visitor(house, lender.account_id).send("/me/clips/delete", only=utterance_id).status_code == 404
