"""The review API for personal data: what is flagged in a clip, and what a curator decides of it."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from corpus.errors import BadRequest
from corpus.web.dependencies import Curator, With
from corpus.web.routing import private_router
from corpus.words import ClipId, PersonalKind, SpanState
from curation.review.personal import decide
from curation.review.schemas import ClipIdInPath

router = private_router()
MOST_MARKS = 50
MOST_SPANS = 200


class SpanAnswer(BaseModel):
    """Words `first` to before `stop`, counted from 0."""

    span_id: str
    first: int
    stop: int
    kind: PersonalKind


class FlaggedAnswer(BaseModel):
    """The heard words and the spans of them that wait for a decision; `removable`: when each is said is known."""

    clip_id: ClipId
    words: list[str]
    spans: list[SpanAnswer]
    removable: bool


class MarkBody(BaseModel):
    """Words that nothing flagged, and that are to be taken out."""

    model_config = ConfigDict(extra="forbid")

    first: Annotated[int, Field(ge=0)]
    stop: Annotated[int, Field(ge=1)]


class DecisionsBody(BaseModel):
    """What every flagged span is: the ids of those that are personal data, and of those that are none."""

    model_config = ConfigDict(extra="forbid")

    confirmed: Annotated[list[str], Field(max_length=MOST_SPANS)] = []
    dismissed: Annotated[list[str], Field(max_length=MOST_SPANS)] = []
    marked: Annotated[list[MarkBody], Field(max_length=MOST_MARKS)] = []

    def decided(self) -> dict[str, SpanState]:
        """Raises `BadRequest` where one is said to be both."""
        if not set(self.confirmed).isdisjoint(self.dismissed):
            raise BadRequest("A span is personal data, or it is none: not both.")
        confirmed = dict.fromkeys(self.confirmed, SpanState.CONFIRMED)
        return confirmed | dict.fromkeys(self.dismissed, SpanState.DISMISSED)


class EndedAnswer(BaseModel):
    """Whether something was taken out, and what is left to say; `dropped`: nothing was left."""

    clip_id: ClipId
    redacted: bool
    dropped: bool
    transcript: str | None


@router.get("/v1/review/clips/{clip_id}/personal-data")
def personal_data(clip_id: ClipIdInPath, curator: Curator, house: With) -> FlaggedAnswer:
    found = decide.flagged(house, curator.account_id, clip_id)
    spans = [SpanAnswer(span_id=each.span_id, first=each.first, stop=each.stop, kind=each.kind) for each in found.spans]
    return FlaggedAnswer(clip_id=clip_id, words=list(found.words), spans=spans, removable=found.removable)


@router.post("/v1/review/clips/{clip_id}/personal-data")
def decide_personal_data(clip_id: ClipIdInPath, body: DecisionsBody, curator: Curator, house: With) -> EndedAnswer:
    marked = [(each.first, each.stop) for each in body.marked]
    ended = decide.decide(house, curator.account_id, clip_id, body.decided(), marked)
    return EndedAnswer(clip_id=clip_id, redacted=ended.redacted, dropped=ended.dropped, transcript=ended.transcript)
