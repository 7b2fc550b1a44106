"""The review API, for curators and for programs that curate. `router` holds its routes and the console's page."""

from fastapi import Request, Response

from corpus.web.dependencies import Curator, With
from corpus.web.ranges import byte_range
from corpus.web.routing import PRIVATE, private_router
from corpus.words import Decision
from curation.review import page, review
from curation.review.personal import api as personal
from curation.review.schemas import Acceptance, ClipAnswer, ClipIdInPath, Judgement, ReviewAnswer

router = private_router()
router.include_router(page.router)
router.include_router(personal.router)
NOTHING_WAITS = 204


@router.get("/v1/review/next", response_model=ClipAnswer, responses={NOTHING_WAITS: {"description": "Nothing waits."}})
def next_clip(curator: Curator, house: With) -> ClipAnswer | Response:
    offer = review.next_clip(house, curator.account_id)
    return ClipAnswer.of(offer) if offer else Response(status_code=NOTHING_WAITS, headers=PRIVATE)


@router.get("/v1/review/clips/{clip_id}/audio", response_class=Response)
def clip_audio(clip_id: ClipIdInPath, request: Request, curator: Curator, house: With) -> Response:
    wav = review.recording(house, curator.account_id, clip_id)
    headers = {**PRIVATE, "Accept-Ranges": "bytes", "Cross-Origin-Resource-Policy": "same-origin"}
    asked = byte_range(request.headers.get("range"), len(wav))
    if asked is None:
        return Response(wav, headers=headers, media_type="audio/wav")
    start, stop = asked
    headers["Content-Range"] = f"bytes {start}-{stop - 1}/{len(wav)}"
    return Response(wav[start:stop], 206, headers, "audio/wav")


@router.post("/v1/review/clips/{clip_id}", status_code=201)
def judge_clip(clip_id: ClipIdInPath, judgement: Judgement, curator: Curator, house: With) -> ReviewAnswer:
    if isinstance(judgement, Acceptance):
        looked = judgement.personal_data_looked
        label = review.accept(house, curator.account_id, clip_id, judgement.transcript, looked=looked)
        return ReviewAnswer(clip_id=clip_id, decision=Decision.ACCEPT, transcript=label)
    review.reject(house, curator.account_id, clip_id, judgement.reason)
    return ReviewAnswer(clip_id=clip_id, decision=Decision.REJECT, reason=judgement.reason)
