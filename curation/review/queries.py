"""SQL of the review console. Each look at a clip starts from `usable_clips(Purpose.REVIEW)`: what may be heard now."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Select, exists, func, or_, select, update
from sqlalchemy.orm import Session

from corpus.queries import usable_clips
from corpus.sealed import SealedBytes
from corpus.tables import Account, Alignment, Clip, Hypothesis, Review, Utterance, Verdict
from corpus.words import AccountId, ClipId, Decision, KeyId, Outcome, Purpose

WAITING_COUNTED = 100
"""A longer queue is not counted to its end at each clip."""

DISPUTED = "disputed"
"""Why a clip is dropped of which three curators heard three things. No stage's reason: judging anew revives none."""

DISPUTES = "review"
DISPUTES_VERSION = 1
"""The stage of such a verdict."""


@dataclass(frozen=True, slots=True)
class ReviewClip:
    """A clip as a curator may meet it."""

    clip_id: ClipId
    owner_id: AccountId
    voice_key_id: KeyId
    object_key: str
    samples: int
    locale: str
    confidence: float | None
    reviews_wanted: int
    leased_by: AccountId | None
    leased_until: datetime | None

    def leased_to(self, curator_id: AccountId, now: datetime) -> bool:
        return self.leased_by == curator_id and self._lease_runs(now)

    def leased_to_another(self, curator_id: AccountId, now: datetime) -> bool:
        return self.leased_by != curator_id and self._lease_runs(now)

    def _lease_runs(self, now: datetime) -> bool:
        return self.leased_until is not None and now < self.leased_until


@dataclass(frozen=True, slots=True)
class SealedHypothesis:
    """What a recogniser heard, sealed under the owner's voice key."""

    recogniser: str
    text: SealedBytes
    confidence: float | None


@dataclass(frozen=True, slots=True)
class SealedJudgement:
    """An earlier judgement of a clip; the transcript of an acceptance is sealed under the owner's voice key."""

    review_id: str
    decision: Decision
    transcript: SealedBytes | None


def next_candidate(
    session: Session, curator_id: AccountId, now: datetime, passing_over: Collection[ClipId]
) -> ReviewClip | None:
    """The oldest clip that waits for this curator. Those that want a second opinion are old, and so come first."""
    waiting = _waiting(curator_id, now).where(Clip.id.not_in(passing_over))
    row = session.execute(waiting.order_by(Clip.measured_at, Clip.id).limit(1)).one_or_none()
    return None if row is None else _review_clip(row[0], row[1])


def count_waiting(session: Session, curator_id: AccountId, now: datetime) -> int:
    """How many clips wait for this curator, this one's own leases included; counted up to `WAITING_COUNTED`."""
    counted = _waiting(curator_id, now).with_only_columns(Clip.id).limit(WAITING_COUNTED).subquery()
    return session.scalar(select(func.count()).select_from(counted)) or 0


def reviewable_clip(session: Session, curator_id: AccountId, clip_id: ClipId, now: datetime) -> ReviewClip | None:
    """The clip, where this curator may hear and judge it now, be it reviewed or not."""
    row = session.execute(_reviewable(curator_id, now).where(Clip.id == clip_id)).one_or_none()
    return None if row is None else _review_clip(row[0], row[1])


def is_judged(session: Session, clip_id: ClipId, curator_id: AccountId) -> bool:
    """Whether the clip needs no judgement more, or none of this curator's."""
    own = exists().where(Review.clip_id == Clip.id, Review.curator_id == curator_id)
    return session.scalar(select(or_(Clip.reviewed_at.is_not(None), own)).where(Clip.id == clip_id)) or False


def judgements(session: Session, clip_id: ClipId) -> Sequence[SealedJudgement]:
    """The judgements so far."""
    rows = select(Review.id, Review.decision, Review.transcript).where(Review.clip_id == clip_id)
    return [SealedJudgement(*row) for row in session.execute(rows.order_by(Review.at, Review.id))]


def aligned_words(session: Session, clip_id: ClipId) -> SealedBytes | None:
    """The words of the transcript that was checked, with their times."""
    return session.scalar(select(Alignment.words).where(Alignment.clip_id == clip_id))


def best_hypothesis(session: Session, clip_id: ClipId) -> SealedHypothesis | None:
    """The most confident one that is believed; one without a confidence comes last."""
    row = session.execute(
        select(Hypothesis.recogniser, Hypothesis.text, Hypothesis.confidence)
        .where(Hypothesis.clip_id == clip_id, Hypothesis.doubt.is_(None))
        .order_by(Hypothesis.confidence.desc().nulls_last(), Hypothesis.recogniser)
        .limit(1)
    ).one_or_none()
    return None if row is None else SealedHypothesis(*row)


def add_review(session: Session, review: Review, *, settles: bool) -> None:
    """Records a judgement, and takes its clip out of every queue, or frees it for the next curator."""
    row = update(Clip).where(Clip.id == review.clip_id)
    session.execute(row.values(reviewed_at=review.at) if settles else row.values(leased_by=None, leased_until=None))
    session.add(review)


def dispute(session: Session, clip_id: ClipId, now: datetime) -> None:
    """Drops a clip of which nobody knows what it says."""
    row = update(Clip).where(Clip.id == clip_id)
    session.execute(row.values(outcome=Outcome.DROPPED, reason=DISPUTED, ended_at=now))
    session.merge(
        Verdict(
            clip_id=clip_id,
            stage=DISPUTES,
            stage_version=DISPUTES_VERSION,
            outcome=Outcome.DROPPED,
            reason=DISPUTED,
            at=now,
        )
    )


def lock_clip(session: Session, clip_id: ClipId) -> None:
    """Holds off other curators. Comes after the account's lock, and before the rule is asked in another statement."""
    session.execute(select(Clip.id).where(Clip.id == clip_id).with_for_update()).all()


def lease(session: Session, clip_id: ClipId, curator_id: AccountId, until: datetime) -> None:
    session.execute(update(Clip).where(Clip.id == clip_id).values(leased_by=curator_id, leased_until=until))


def _reviewable(curator_id: AccountId, now: datetime) -> Select[Clip, Utterance]:
    """Kept clips that may be reviewed now, whose key is still their owner's, and whose owner is somebody else."""
    return (
        usable_clips(Purpose.REVIEW, now)
        .join(Account, Account.id == Utterance.account_id)
        .where(
            Clip.outcome == Outcome.KEPT,
            Clip.object_key.is_not(None),
            Account.voice_key_id == Utterance.voice_key_id,
            Utterance.account_id != curator_id,
        )
    )


def _waiting(curator_id: AccountId, now: datetime) -> Select[Clip, Utterance]:
    free = or_(Clip.leased_until.is_(None), Clip.leased_until <= now, Clip.leased_by == curator_id)
    own = exists().where(Review.clip_id == Clip.id, Review.curator_id == curator_id)
    return _reviewable(curator_id, now).where(free, Clip.reviewed_at.is_(None), ~own)


def _review_clip(clip: Clip, utterance: Utterance) -> ReviewClip:
    assert clip.object_key is not None
    return ReviewClip(
        clip_id=clip.id,
        owner_id=utterance.account_id,
        voice_key_id=utterance.voice_key_id,
        object_key=clip.object_key,
        samples=clip.samples or 0,
        locale=utterance.locale,
        confidence=clip.confidence,
        reviews_wanted=clip.reviews_wanted,
        leased_by=clip.leased_by,
        leased_until=clip.leased_until,
    )
