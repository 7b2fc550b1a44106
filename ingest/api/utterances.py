"""`POST /v1/utterances`: the gate, the body, the record, in that order."""

from collections.abc import Awaitable, Callable

import structlog
from fastapi import APIRouter, Request, Response
from starlette.routing import Route

from corpus.collaborators import Collaborators
from corpus.errors import LoanwordError
from corpus.web import problems
from corpus.web.dependencies import get_collaborators, shown_token
from ingest import metadata
from ingest.api.arriving import Arriving, RefusalOfUnread
from ingest.api.desk import Desk
from ingest.api.schemas import UtteranceAnswer
from ingest.body import Limits, read
from ingest.record_utterance import Announced, Arrived, Recorded

REQUEST_BODY = {
    "required": True,
    "content": {
        kind: {"schema": {"type": "string", "format": "binary"}}
        for kind in ("audio/*", "application/octet-stream", "multipart/form-data")
    },
}
PARAMETERS = [
    {"in": place, "name": name, "schema": {"type": "string"}, "description": description}
    for place, name, description in (
        ("query", "transcript", "What the device understood; or the header Loanword-Transcript, percent-encoded."),
        ("query", "locale", "A language tag; or Loanword-Locale. The server's own where nothing is said."),
        ("query", "captured_at", "RFC 3339 with zone; or Loanword-Captured-At. Now where nothing is said."),
        ("header", "Idempotency-Key", "1 to 255 visible ASCII characters: a retry with it gets the same answer."),
        ("header", "Repr-Digest", "`sha-256=:<base64>:`, checked where sent."),
    )
]
_log = structlog.get_logger()


def utterance_routes(desk: Desk) -> APIRouter:
    router = APIRouter(prefix="/v1", tags=["utterances"])
    router.add_api_route(
        "/utterances",
        _endpoint(desk),
        methods=["POST"],
        status_code=201,
        response_model=UtteranceAnswer,
        openapi_extra={"requestBody": REQUEST_BODY, "parameters": PARAMETERS},
    )
    return router


def straight_route(desk: Desk) -> Route:
    """The same, past what FastAPI does with a request, which takes a sixth of an upload's time."""
    return Route("/v1/utterances", _endpoint(desk), methods=["POST"])


def _endpoint(desk: Desk) -> Callable[[Request], Awaitable[Response]]:
    async def post_utterance(request: Request) -> Response:
        house = await get_collaborators(request)
        arriving = Arriving(request.receive, expects_continue=request.headers.get("expect", "") != "")
        try:
            return _answer(await _take_in(request, house, arriving, desk))
        except LoanwordError as error:
            return _refusal(error, arriving)

    return post_utterance


async def _take_in(request: Request, house: Collaborators, arriving: Arriving, desk: Desk) -> Recorded:
    with desk.memory.share(house.settings.upload_memory_bytes) as share:
        admission = await desk.admit(house, _announced(request))
        limits = Limits(house.settings.upload_max_bytes, house.settings.upload_deadline)
        body = await read(arriving.receive, request.headers, limits, share)
        return await desk.record(house, Arrived(admission, request.headers.get("content-type", ""), body))


def _announced(request: Request) -> Announced:
    said = metadata.from_request(request.scope["query_string"], request.headers)
    return Announced(shown_token(request), said, request.headers.get("idempotency-key"))


def _answer(recorded: Recorded) -> Response:
    headers = {"Cache-Control": "no-store"}
    if recorded.replayed:
        headers["Idempotency-Replayed"] = "true"
    return Response(UtteranceAnswer.of(recorded).model_dump_json(), 201, headers, "application/json")


def _refusal(error: LoanwordError, arriving: Arriving) -> Response:
    refusal = problems.problem(error)
    if refusal.status_code >= 500:
        _log.warning("upload failed", error=type(error).__name__, exc_info=error)
    return refusal if arriving.ended else RefusalOfUnread(refusal, arriving)
