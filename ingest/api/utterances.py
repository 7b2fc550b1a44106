"""`POST /v1/utterances`: the gate, the body, the record, in that order."""

import structlog
from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse
from starlette.concurrency import run_in_threadpool

from corpus.collaborators import Collaborators
from corpus.errors import LoanwordError
from corpus.web import problems
from corpus.web.dependencies import With, shown_token
from ingest import metadata
from ingest.api.arriving import Arriving, RefusalOfUnread
from ingest.api.schemas import UtteranceAnswer
from ingest.body import Limits, UploadMemory, read
from ingest.record_utterance import Admission, Recorded, admit, record

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


def utterance_routes(memory: UploadMemory) -> APIRouter:
    """`memory` counts the bodies of this process."""
    router = APIRouter(prefix="/v1", tags=["utterances"])

    @router.post(
        "/utterances",
        status_code=201,
        response_model=UtteranceAnswer,
        openapi_extra={"requestBody": REQUEST_BODY, "parameters": PARAMETERS},
    )
    async def post_utterance(request: Request, house: With) -> Response:
        arriving = Arriving(request.receive, expects_continue=request.headers.get("expect", "") != "")
        try:
            return _answer(await _take_in(request, house, arriving, memory))
        except LoanwordError as error:
            return _refusal(error, arriving)

    return router


async def _take_in(request: Request, house: Collaborators, arriving: Arriving, memory: UploadMemory) -> Recorded:
    admission = await run_in_threadpool(_admit, request, house)
    limits = Limits(house.settings.upload_max_bytes, house.settings.upload_deadline)
    with memory.share(house.settings.upload_memory_bytes) as share:
        body = await read(arriving.receive, request.headers, limits, share)
        content_type = request.headers.get("content-type", "")
        return await run_in_threadpool(record, house, admission, content_type, body)


def _admit(request: Request, house: Collaborators) -> Admission:
    said = metadata.from_request(request.scope["query_string"], request.headers)
    key = request.headers.get("idempotency-key")
    return admit(house, token=shown_token(request), metadata=said, idempotency_key=key)


def _answer(recorded: Recorded) -> Response:
    headers = {"Cache-Control": "no-store"}
    if recorded.replayed:
        headers["Idempotency-Replayed"] = "true"
    return JSONResponse(UtteranceAnswer.of(recorded).model_dump(mode="json"), 201, headers)


def _refusal(error: LoanwordError, arriving: Arriving) -> Response:
    refusal = problems.problem(error)
    if refusal.status_code >= 500:
        _log.warning("upload failed", error=type(error).__name__, exc_info=error)
    return refusal if arriving.ended else RefusalOfUnread(refusal, arriving)
