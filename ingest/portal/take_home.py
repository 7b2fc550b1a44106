"""Everything of one's own as one file, sent while it is made."""

from itertools import chain

from fastapi import Response
from fastapi.responses import StreamingResponse

from corpus.web.dependencies import AccountHolder, With
from corpus.web.routing import PRIVATE
from ingest.portal.pages import page_router
from ingest.take_home import take_home

router = page_router()


@router.get("/me/take-home")
def everything(caller: AccountHolder, house: With) -> Response:
    pieces = take_home(house, caller.account_id)
    begun = next(pieces)  # what goes wrong at once is still told on a page
    named = f'attachment; filename="loanword-{house.clock():%Y-%m-%d}.zip"'
    return StreamingResponse(
        chain([begun], pieces),
        headers={**PRIVATE, "Content-Disposition": named, "Cross-Origin-Resource-Policy": "same-origin"},
        media_type="application/zip",
    )
