"""What the review API takes and answers."""

from datetime import datetime
from typing import Annotated, Literal

from fastapi import Path
from pydantic import BaseModel, ConfigDict, Field

from corpus.words import ClipId, Decision, RejectReason
from curation.review.review import Offer

LONGEST_TRANSCRIPT = 1000

ClipIdInPath = Annotated[ClipId, Path(pattern="^[0-9a-f]{32}$")]


class Acceptance(BaseModel):
    """The clip is fit to train on, and says this."""

    model_config = ConfigDict(extra="forbid")

    decision: Literal[Decision.ACCEPT]
    transcript: Annotated[str, Field(max_length=LONGEST_TRANSCRIPT)]
    personal_data_looked: bool = False
    """Whether the curator says that no word of it is personal data, though some may look so."""


class Rejection(BaseModel):
    """The clip is not fit to train on."""

    model_config = ConfigDict(extra="forbid")

    decision: Literal[Decision.REJECT]
    reason: RejectReason


Judgement = Annotated[Acceptance | Rejection, Field(discriminator="decision")]


class HypothesisAnswer(BaseModel):
    """What a recogniser heard; `confidence` is its mean token probability."""

    recogniser: str
    text: str
    confidence: float | None


class ClipAnswer(BaseModel):
    """A clip to review, leased until `lease_until`. `waiting` counts the queue, this clip included, up to 100.

    A `second_opinion` is asked where somebody else has judged it: blind, and so without a hypothesis.
    """

    clip_id: ClipId
    duration_s: float
    locale: str
    hypothesis: HypothesisAnswer | None
    second_opinion: bool
    audio_url: str
    lease_until: datetime
    waiting: int

    @classmethod
    def of(cls, offer: Offer) -> "ClipAnswer":
        heard = offer.hypothesis
        return cls(
            clip_id=offer.clip_id,
            duration_s=offer.duration_s,
            locale=offer.locale,
            hypothesis=heard
            and HypothesisAnswer(recogniser=heard.recogniser, text=heard.text, confidence=heard.confidence),
            second_opinion=offer.second_opinion,
            audio_url=f"/v1/review/clips/{offer.clip_id}/audio",
            lease_until=offer.lease_until,
            waiting=offer.waiting,
        )


class ReviewAnswer(BaseModel):
    """The judgement as it was recorded: the transcript is the normalised one."""

    clip_id: ClipId
    decision: Decision
    transcript: str | None = None
    reason: RejectReason | None = None
