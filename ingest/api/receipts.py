"""Receipts of the caller's own consent, and the program that checks them."""

from fastapi import APIRouter, Response
from fastapi.responses import PlainTextResponse

from corpus.web.dependencies import AccountHolder, With
from ingest.api.schemas import ReceiptsAnswer
from ingest.receipts import VERIFIER, as_text, receipt, receipts, verifier

NOT_STORED = {"Cache-Control": "no-store"}


def receipt_routes() -> APIRouter:
    router = APIRouter(tags=["receipts"])

    @router.get("/v1/receipts")
    def get_receipts(caller: AccountHolder, house: With, response: Response) -> ReceiptsAnswer:
        response.headers.update(NOT_STORED)
        return ReceiptsAnswer.of(receipts(house, caller.account_id))

    @router.get("/v1/receipts/{receipt_id}", response_class=Response)
    def get_receipt(receipt_id: int, caller: AccountHolder, house: With) -> Response:
        """Exactly the bytes that `verify_receipt.py` takes."""
        found = receipt(house, caller.account_id, receipt_id)
        return Response(found.document, media_type="application/json", headers=NOT_STORED)

    @router.get("/v1/receipts/{receipt_id}/text", response_class=PlainTextResponse)
    def get_receipt_as_text(receipt_id: int, caller: AccountHolder, house: With) -> Response:
        found = receipt(house, caller.account_id, receipt_id)
        text = as_text(found, (house.settings.public_url or "").rstrip("/"))
        return PlainTextResponse(text, headers=NOT_STORED)

    @router.get(f"/{VERIFIER}", response_class=PlainTextResponse)
    def get_verifier() -> Response:
        return PlainTextResponse(verifier(), media_type="text/x-python")

    return router
