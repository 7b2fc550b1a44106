"""The page of one's receipts and certificates, and how to check them without us."""

from fastapi import Response

from corpus.web.dependencies import AccountHolder, With
from ingest.erasures.certificates import erasures_of
from ingest.portal.pages import page, page_router
from ingest.receipts import VERIFIER, as_text, receipt, receipts

ADDRESS = "/me/receipts"
router = page_router()


@router.get(ADDRESS)
def receipts_page(caller: AccountHolder, house: With) -> Response:
    newest_first = receipts(house, caller.account_id)[::-1]
    erasures = erasures_of(house, caller.account_id)
    return page("receipts.html", here="receipts", receipts=newest_first, erasures=erasures, verifier=VERIFIER)


@router.get(ADDRESS + "/{receipt_id}")
def receipt_page(receipt_id: int, caller: AccountHolder, house: With) -> Response:
    found = receipt(house, caller.account_id, receipt_id)
    text = as_text(found, (house.settings.public_url or "").rstrip("/"))
    return page("receipt.html", here="receipts", receipt=found, text=text, verifier=VERIFIER)
