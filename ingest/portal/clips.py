"""The pages of one's recordings: what became of each, its sound, and its end."""

import secrets
from typing import Annotated, Any

from fastapi import Path, Request, Response

from corpus.collaborators import Collaborators
from corpus.retention import retention_in_words
from corpus.web.dependencies import AccountHolder, With
from corpus.web.pages import SECURITY_HEADERS
from corpus.web.ranges import byte_range
from corpus.web.routing import PRIVATE
from corpus.words import AccountId, UtteranceId
from ingest.own.clips import Recording, clips_page, one_clip, recording
from ingest.portal.pages import page, page_router

ADDRESS = "/me/clips"
InPath = Annotated[UtteranceId, Path(pattern="^[0-9a-f]{32}$")]
router = page_router()


@router.get(ADDRESS)
def list_of_clips(caller: AccountHolder, house: With, said: str = "", number: int = 1) -> Response:
    return list_page(house, caller.account_id, number, said=said)


@router.get(ADDRESS + "/{utterance_id}")
def page_of_clip(utterance_id: InPath, caller: AccountHolder, house: With) -> Response:
    return _with_waveforms("clip.html", clip=one_clip(house, caller.account_id, utterance_id))


@router.get(ADDRESS + "/{utterance_id}/audio")
def audio(utterance_id: InPath, request: Request, caller: AccountHolder, house: With) -> Response:
    return _part(recording(house, caller.account_id, utterance_id), request)


@router.get(ADDRESS + "/{utterance_id}/original")
def original(utterance_id: InPath, request: Request, caller: AccountHolder, house: With) -> Response:
    return _part(recording(house, caller.account_id, utterance_id, original=True), request)


def list_page(
    house: Collaborators,
    account_id: AccountId,
    number: int = 1,
    *,
    said: str = "",
    complaint: str = "",
    status: int = 200,
) -> Response:
    shown = clips_page(house, account_id, number)
    retention = retention_in_words(house.settings)
    return _with_waveforms(
        "clips.html", said=said, status=status, shown=shown, complaint=complaint, retention=retention
    )


def _part(found: Recording, request: Request) -> Response:
    headers = {**PRIVATE, "Accept-Ranges": "bytes", "Cross-Origin-Resource-Policy": "same-origin"}
    asked = byte_range(request.headers.get("range"), len(found.content))
    if asked is None:
        return Response(found.content, headers=headers, media_type=found.media_type)
    start, stop = asked
    headers["Content-Range"] = f"bytes {start}-{stop - 1}/{len(found.content)}"
    return Response(found.content[start:stop], 206, headers, found.media_type)


def _with_waveforms(template: str, *, said: str = "", status: int = 200, **values: Any) -> Response:
    """wavesurfer.js brings a style of its own into its shadow root: a nonce lets in that one and no other."""
    nonce = secrets.token_urlsafe(16)
    policy = SECURITY_HEADERS["Content-Security-Policy"].replace(
        "style-src 'self'", f"style-src 'self' 'nonce-{nonce}'"
    )
    return page(
        template,
        here="clips",
        said=said,
        status=status,
        headers={"Content-Security-Policy": policy},
        nonce=nonce,
        **values,
    )
