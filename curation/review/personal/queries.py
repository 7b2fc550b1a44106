"""SQL of personal data in review. The caller has asked for the clip by `curation.review.queries` before."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import delete, exists, insert, select, update
from sqlalchemy.orm import Session

from corpus.errors import Conflict
from corpus.sealed import SealedBytes
from corpus.tables import (
    Alignment,
    Clip,
    Hypothesis,
    PersonalSpan,
    Review,
    Utterance,
    Verdict,
)
from corpus.words import AccountId, ClipId, Decision, Outcome, SpanState
from curation.duplicate_queries import forget_sound


def spans(session: Session, clip_id: ClipId) -> Sequence[PersonalSpan]:
    """All of the clip's, in the order of its words."""
    rows = select(PersonalSpan).where(PersonalSpan.clip_id == clip_id)
    return session.scalars(rows.order_by(PersonalSpan.first_word, PersonalSpan.id)).all()


def is_undecided(session: Session, clip_id: ClipId) -> bool:
    proposed = exists().where(PersonalSpan.clip_id == clip_id, PersonalSpan.state == SpanState.PROPOSED)
    return bool(session.scalar(select(proposed)))


def settle(session: Session, span_ids: Iterable[str], state: SpanState, by: AccountId, now: datetime) -> None:
    """What is confirmed is kept here no longer than elsewhere."""
    row = update(PersonalSpan).where(PersonalSpan.id.in_(list(span_ids)))
    forgotten = {"words": None} if state is SpanState.CONFIRMED else {}
    session.execute(row.values(state=state, decided_by=by, decided_at=now, **forgotten))


def hypotheses(session: Session, clip_id: ClipId) -> Sequence[tuple[str, SealedBytes]]:
    """Recognisers and what they heard, if it is believed; the most confident first, one without a confidence last."""
    rows = select(Hypothesis.recogniser, Hypothesis.text).where(
        Hypothesis.clip_id == clip_id, Hypothesis.doubt.is_(None)
    )
    ordered = rows.order_by(Hypothesis.confidence.desc().nulls_last(), Hypothesis.recogniser)
    return [(recogniser, text) for recogniser, text in session.execute(ordered)]


def word_times(session: Session, clip_id: ClipId) -> SealedBytes | None:
    """The aligned words with their times, sealed."""
    return session.scalar(select(Alignment.words).where(Alignment.clip_id == clip_id))


@dataclass(frozen=True, slots=True)
class Redacted:
    """What stands in a clip's place once something was taken out of it."""

    instead_of: str
    """The name of the object that was redacted."""
    object_key: str
    pcm_digest: str
    recogniser: str
    text: SealedBytes
    words: SealedBytes


def replace_clip(session: Session, clip_id: ClipId, redacted: Redacted, verdict: Verdict) -> list[str]:
    """Puts the redacted clip in the place of what was, wherever it was; returns the names of what is to be erased.

    The original goes too, and what the device took it to say: nothing can bring back what was taken out. Other
    hypotheses and earlier acceptances told of the clip as it was, and go. Raises `Conflict` where it is not the clip
    any more that was redacted.
    """
    clip = session.get_one(Clip, clip_id, populate_existing=True)
    if clip.object_key != redacted.instead_of:
        raise Conflict("The clip has changed meanwhile: look at it again.")
    confidence = session.get_one(Hypothesis, (clip_id, redacted.recogniser)).confidence
    gone = _take_out(session, clip)
    clip.object_key, clip.pcm_digest = redacted.object_key, redacted.pcm_digest
    session.execute(
        insert(Hypothesis).values(
            clip_id=clip_id,
            recogniser=redacted.recogniser,
            text=redacted.text,
            confidence=confidence,
            at=verdict.at,
        )
    )
    session.execute(update(Alignment).where(Alignment.clip_id == clip_id).values(words=redacted.words))
    session.merge(verdict)
    return gone


def drop(session: Session, clip_id: ClipId, verdict: Verdict) -> list[str]:
    """Ends the clip, of which nothing that may stay is left; returns the names of what is to be erased.

    Its row stays, without sound and words, to say what became of the recording.
    """
    clip = session.get_one(Clip, clip_id, populate_existing=True)
    gone = _take_out(session, clip)
    clip.outcome, clip.reason, clip.ended_at = Outcome.DROPPED, verdict.reason, verdict.at
    session.execute(delete(Alignment).where(Alignment.clip_id == clip_id))
    session.execute(update(PersonalSpan).where(PersonalSpan.clip_id == clip_id).values(words=None))
    session.merge(verdict)
    return gone


def _take_out(session: Session, clip: Clip) -> list[str]:
    """Takes the sound out of a clip and its utterance, and all that told of what was said in it, but its alignment.

    Returns the names of the objects.
    """
    utterance = session.get_one(Utterance, clip.utterance_id, populate_existing=True)
    gone = [key for key in (clip.object_key, utterance.object_key) if key is not None]
    clip.object_key, clip.pcm_digest = None, None
    utterance.object_key, utterance.transcript = None, None
    session.execute(delete(Hypothesis).where(Hypothesis.clip_id == clip.id))
    session.execute(delete(Review).where(Review.clip_id == clip.id, Review.decision == Decision.ACCEPT))
    forget_sound(session, clip.id)
    return gone
