"""The pages of one's receipts."""

from corpus.collaborators import Collaborators
from ingest.receipts import receipts
from tests.factories import make_account, make_lender
from tests.integration.ingest.portal.visitor import visitor, words_of


def test_every_answer_has_its_receipt_newest_first(house: Collaborators) -> None:
    lender = make_lender(house)
    someone = visitor(house, lender.account_id)
    someone.send("/me/take-back", purpose="publish")

    said = words_of(someone.get("/me/receipts"))

    titles = ["You took it back: Put them in open releases", "You agreed: Put them in open releases"]
    assert [said.count(title) > 0 for title in titles] == [True, True]
    assert said.index(titles[0]) < said.index(titles[1])


def test_a_receipt_is_shown_ready_for_a_mail_and_saved_as_it_is(house: Collaborators) -> None:
    lender = make_lender(house)
    someone = visitor(house, lender.account_id)
    first = receipts(house, lender.account_id)[0]

    shown = someone.get(f"/me/receipts/{first.id}")

    assert "-----BEGIN RECEIPT-----" in shown.text
    assert f'href="/v1/receipts/{first.id}"' in shown.text
    assert someone.get(f"/v1/receipts/{first.id}").text == first.document


def test_another_persons_receipt_is_not_there(house: Collaborators) -> None:
    lender, other = make_lender(house), make_lender(house)
    theirs = receipts(house, other.account_id)[0]
    someone = visitor(house, lender.account_id)

    assert someone.get(f"/me/receipts/{theirs.id}").status_code == 404
    assert f"/me/receipts/{theirs.id}" not in someone.get("/me/receipts").text


def test_who_was_never_asked_has_none(house: Collaborators) -> None:
    assert "You have not been asked anything yet." in visitor(house, make_account(house)).get("/me/receipts").text
