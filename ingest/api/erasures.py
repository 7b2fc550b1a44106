"""Deleting recordings, closing the account, and the proof of each erasure at an address that needs no account."""

from typing import Annotated

from fastapi import APIRouter, BackgroundTasks, Path, Request, Response

from corpus.web import pages
from corpus.web.dependencies import AccountHolder, With
from corpus.words import UtteranceId
from ingest.api.schemas import ClosedAnswer, DeletedAnswer, DeletionAsked, ErasureAnswer, ErasuresAnswer
from ingest.api.small_bodies import SmallBodyRoute
from ingest.close_account import close_account
from ingest.delete_recordings import delete_recordings
from ingest.erase import last_look_at, try_to_finish_erasures
from ingest.erasures import certificates

PRIVATE = {
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",  # the address is a secret
    "X-Robots-Tag": "noindex",
    "X-Content-Type-Options": "nosniff",
}
InPath = Annotated[UtteranceId, Path(pattern="^[0-9a-f]{32}$")]


def erasure_routes() -> APIRouter:
    router = APIRouter(route_class=SmallBodyRoute)

    @router.delete("/v1/utterances/{utterance_id}", tags=["utterances"])
    def delete_utterance(
        utterance_id: InPath, caller: AccountHolder, house: With, afterwards: BackgroundTasks
    ) -> DeletedAnswer:
        deleted = delete_recordings(house, caller.account_id, [utterance_id])
        afterwards.add_task(try_to_finish_erasures, house, caller.account_id)
        return DeletedAnswer.of(deleted)

    @router.post("/v1/utterances/delete", tags=["utterances"])
    def post_deletion(
        asked: DeletionAsked, caller: AccountHolder, house: With, afterwards: BackgroundTasks
    ) -> DeletedAnswer:
        deleted = delete_recordings(house, caller.account_id, asked.wanted())
        afterwards.add_task(try_to_finish_erasures, house, caller.account_id)
        return DeletedAnswer.of(deleted)

    @router.delete("/v1/account", tags=["account"])
    def delete_account(caller: AccountHolder, house: With, afterwards: BackgroundTasks) -> ClosedAnswer:
        address = close_account(house, caller.account_id)
        afterwards.add_task(try_to_finish_erasures, house, caller.account_id)
        return ClosedAnswer(certificate=address)

    @router.get("/v1/erasures", tags=["account"])
    def get_erasures(caller: AccountHolder, house: With, response: Response) -> ErasuresAnswer:
        response.headers["Cache-Control"] = "no-store"
        return ErasuresAnswer(
            erasures=[ErasureAnswer.of(each) for each in certificates.erasures_of(house, caller.account_id)]
        )

    @router.get("/certificates/{secret}", include_in_schema=False)
    def get_certificate(secret: str, request: Request, house: With) -> Response:
        """The signed JSON, byte for byte; a page for who asks for one; how far the erasure is until it is signed."""
        found = certificates.at(house, secret)
        document = found if isinstance(found, str) else found.certificate
        if "text/html" in request.headers.get("accept", ""):
            erasure = None if isinstance(found, str) else found.begun
            return pages.render(
                "certificate.html",
                package="ingest.portal",
                headers=PRIVATE,
                told=certificates.told(document) if document else None,
                erasure=erasure,
                last_look_at=last_look_at(erasure) if erasure else None,
                document=document,
            )
        if document is not None:
            return Response(document, headers=PRIVATE, media_type="application/json")
        assert not isinstance(found, str)
        progress = ErasureAnswer.of(found).model_dump_json()
        return Response(progress, headers={**PRIVATE, "Retry-After": "60"}, media_type="application/json")

    return router
