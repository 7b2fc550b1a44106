"""Closing the account: more than taking one's voice back, and so confirmed by typing."""

from fastapi import BackgroundTasks, Request, Response

from corpus.collaborators import Collaborators
from corpus.errors import ClosingUnfinished
from corpus.web.dependencies import SESSION_COOKIE, AccountHolder, FormFields, With
from corpus.web.problems import status_of
from corpus.words import AccountId, ConsentMethod
from ingest.close_account import close_account
from ingest.erase import try_to_finish_erasures
from ingest.own import queries
from ingest.portal.pages import page, page_router

ADDRESS = "/me/close"
PHRASE = "close my account"
router = page_router()


@router.get(ADDRESS)
def ask(caller: AccountHolder, house: With) -> Response:
    return _show(house, caller.account_id)


@router.post(ADDRESS)
def close(
    fields: FormFields, request: Request, caller: AccountHolder, house: With, afterwards: BackgroundTasks
) -> Response:
    """The answer is the page itself: nobody can sign in again to see another."""
    if " ".join(fields.get("phrase", "").split()).casefold() != PHRASE:
        complaint = f"Nothing was closed: type “{PHRASE}” into the field first."
        return _show(house, caller.account_id, complaint=complaint, status=400)
    unfinished = False
    try:
        certificate = close_account(house, caller.account_id, ConsentMethod.PAGE)
    except ClosingUnfinished as error:
        certificate, unfinished = error.certificate, True
    afterwards.add_task(try_to_finish_erasures, house, caller.account_id)
    server = (house.settings.public_url or str(request.base_url)).rstrip("/")
    status = status_of(ClosingUnfinished) if unfinished else 200
    answer = page("closed.html", here="", status=status, certificate=server + certificate, unfinished=unfinished)
    answer.delete_cookie(SESSION_COOKIE, path="/")
    return answer


def _show(house: Collaborators, account_id: AccountId, *, complaint: str = "", status: int = 200) -> Response:
    with house.database.reading() as session:
        counted = queries.counts(session, account_id, house.clock())
    return page("close.html", here="", status=status, phrase=PHRASE, counted=counted, complaint=complaint)
