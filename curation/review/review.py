"""The review of clips: a curator is given one, hears it, and accepts it with a transcript or rejects it with a reason.

A clip that wants more than one opinion is blind: no curator learns what another decided, and whoever comes after the
first is shown no guess of a machine either, so that two cannot agree by accepting the same one.

Keys are unwrapped and recordings read before a transaction; whether the clip may still be heard is asked in the
transaction itself, under the lock that holds off its owner's withdrawal. A curator never meets their own voice.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from corpus.alphabet import alphabet_for
from corpus.audio import RATE_HZ, wav
from corpus.collaborators import Collaborators
from corpus.errors import AlreadyReviewed, BadRequest, KeyDestroyed, ObjectAbsent, Overloaded, UnknownClip
from corpus.keys import AccountKey, KeyKind
from corpus.queries import share_accounts
from corpus.sealed import place
from corpus.tables import Label, Review
from corpus.words import AccountId, ClipId, Decision, RejectReason, new_id
from curation.review import queries
from curation.review.agreement import Ending, ending
from curation.review.personal import look
from curation.review.queries import ReviewClip, SealedJudgement

LEASE = timedelta(minutes=10)
TRIES = 20
"""A try is lost to another curator or to a withdrawal, each of which has then made progress."""

LABEL_SOURCE = "review"


@dataclass(frozen=True, slots=True)
class Heard:
    """What a recogniser, or the device, took the clip to say."""

    recogniser: str
    text: str
    confidence: float | None


@dataclass(frozen=True, slots=True)
class Offer:
    """A clip leased to a curator. `waiting` counts the clips in the queue, this one among them."""

    clip_id: ClipId
    duration_s: float
    locale: str
    hypothesis: Heard | None
    second_opinion: bool
    """Whether somebody has judged it already; there is no hypothesis then."""
    lease_until: datetime
    waiting: int


def next_clip(house: Collaborators, curator_id: AccountId) -> Offer | None:
    """Leases the oldest waiting clip to the curator; None where nothing waits."""
    tried: set[ClipId] = set()
    while len(tried) < TRIES:
        with house.database.reading() as session:
            candidate = queries.next_candidate(session, curator_id, house.clock(), tried)
        if candidate is None:
            return None
        tried.add(candidate.clip_id)
        try:
            hypothesis = _hypothesis(house, candidate)
        except KeyDestroyed:
            continue
        if offer := _lease(house, curator_id, candidate, hypothesis):
            return offer
    raise Overloaded


def recording(house: Collaborators, curator_id: AccountId, clip_id: ClipId) -> bytes:
    """The clip as a WAV file, for the curator who holds its lease. Raises `UnknownClip`."""
    with house.database.reading() as session:
        clip = clip_leased_to(session, house, curator_id, clip_id)
    try:
        pcm = house.vault.get(_voice_key(house, clip), clip.object_key)
    except (KeyDestroyed, ObjectAbsent):
        with house.database.reading() as session:
            clip_leased_to(session, house, curator_id, clip_id)  # a withdrawal took it, or else it was lost
        raise
    with house.database.reading() as session:
        share_accounts(session, [clip.owner_id])
        clip_leased_to(session, house, curator_id, clip_id)
    return wav(pcm)


def accept(
    house: Collaborators, curator_id: AccountId, clip_id: ClipId, transcript: str, *, looked: bool = False
) -> str:
    """Records the acceptance, and the clip's label once enough curators agree; returns the transcript as normalised.

    `looked` says that the curator sees no personal data where there might be some. Raises `UnknownClip`,
    `AlreadyReviewed`, `EmptyTranscript`, `OutsideAlphabet`, `PersonalDataUndecided` or `PersonalDataInTranscript`.
    """
    clip = clip_to_judge(house, curator_id, clip_id)
    alphabet = alphabet_for(clip.locale)
    if alphabet is None:
        raise BadRequest(f"There is no alphabet for {clip.locale} yet: reject the clip as “other” or leave it.")
    label, key, review_id = alphabet.normalise(transcript), key_of_known(house, clip), new_id()
    in_review = key.seal(label.encode(), place("reviews.transcript", review_id))
    in_label = key.seal(label.encode(), place("labels.transcript", clip_id))
    found = look.found_in(house, clip, key, label, looked=looked)
    with house.database.writing() as session:
        now = gate(session, house, curator_id, clip)
        look.refuse_undecided(session, clip_id)
        session.add_all(look.dismissed(key, clip_id, label, found, curator_id, now))
        review = Review(
            id=review_id,
            clip_id=clip_id,
            curator_id=curator_id,
            decision=Decision.ACCEPT,
            transcript=in_review,
            at=now,
        )
        earlier = queries.judgements(session, clip_id)
        agreeing = sum(_transcript(key, each) == label for each in earlier)
        if _add(session, clip, review, earlier, agreeing) is Ending.ACCEPTED:
            confidence = clip.confidence if _checked(session, key, clip_id) == label else None
            session.merge(
                Label(clip_id=clip_id, transcript=in_label, source=LABEL_SOURCE, confidence=confidence, at=now)
            )
    return label


def reject(house: Collaborators, curator_id: AccountId, clip_id: ClipId, reason: RejectReason) -> None:
    """Records the rejection. Raises `UnknownClip` or `AlreadyReviewed`."""
    clip = clip_to_judge(house, curator_id, clip_id)
    with house.database.writing() as session:
        now = gate(session, house, curator_id, clip)
        review = Review(
            id=new_id(), clip_id=clip_id, curator_id=curator_id, decision=Decision.REJECT, reason=reason, at=now
        )
        earlier = queries.judgements(session, clip_id)
        agreeing = sum(each.decision is Decision.REJECT for each in earlier)
        _add(session, clip, review, earlier, agreeing)


def _add(
    session: Session, clip: ReviewClip, review: Review, earlier: Sequence[SealedJudgement], agreeing: int
) -> Ending:
    """Records a judgement with which so many of the earlier ones agree, and what the clip's come to."""
    ended = ending(
        review.decision,
        review.reason,
        wanted=clip.reviews_wanted,
        agreeing=agreeing,
        differing=len(earlier) - agreeing,
    )
    queries.add_review(session, review, settles=ended is not Ending.OPEN)
    if ended is Ending.DISPUTED:
        queries.dispute(session, clip.clip_id, review.at)
    return ended


def _transcript(key: AccountKey, of: SealedJudgement) -> str | None:
    return key.open(of.transcript, place("reviews.transcript", of.review_id)).decode() if of.transcript else None


def _checked(session: Session, key: AccountKey, clip_id: ClipId) -> str | None:
    """The transcript that was aligned with the audio, and of which the clip's confidence speaks."""
    sealed = queries.aligned_words(session, clip_id)
    if sealed is None:
        return None
    return " ".join(word for word, *_ in json.loads(key.open(sealed, place("alignments.words", clip_id))))


def _hypothesis(house: Collaborators, clip: ReviewClip) -> Heard | None:
    """None too where the clip was judged before. Raises `KeyDestroyed`."""
    with house.database.reading() as session:
        is_first = not queries.judgements(session, clip.clip_id)
        sealed = queries.best_hypothesis(session, clip.clip_id) if is_first else None
    if sealed is None:
        return None
    text = _voice_key(house, clip).open(sealed.text, place("hypotheses.text", f"{clip.clip_id}/{sealed.recogniser}"))
    return Heard(sealed.recogniser, text.decode(), sealed.confidence)


def _lease(
    house: Collaborators, curator_id: AccountId, candidate: ReviewClip, hypothesis: Heard | None
) -> Offer | None:
    """None where the candidate was taken, by another curator or by its owner, since it was found."""
    with house.database.writing() as session:
        share_accounts(session, [candidate.owner_id])
        queries.lock_clip(session, candidate.clip_id)
        now = house.clock()
        clip = queries.reviewable_clip(session, curator_id, candidate.clip_id, now)
        if clip is None or clip.leased_to_another(curator_id, now):
            return None
        if queries.is_judged(session, clip.clip_id, curator_id):
            return None
        is_second = bool(queries.judgements(session, clip.clip_id))
        queries.lease(session, clip.clip_id, curator_id, now + LEASE)
    with house.database.reading() as session:
        waiting = queries.count_waiting(session, curator_id, now)
    return Offer(
        clip_id=clip.clip_id,
        duration_s=clip.samples / RATE_HZ,
        locale=clip.locale,
        hypothesis=None if is_second else hypothesis,  # somebody may have judged it since the guess was read
        second_opinion=is_second,
        lease_until=now + LEASE,
        waiting=waiting,
    )


def clip_leased_to(session: Session, house: Collaborators, curator_id: AccountId, clip_id: ClipId) -> ReviewClip:
    """Raises `UnknownClip`."""
    now = house.clock()
    clip = queries.reviewable_clip(session, curator_id, clip_id, now)
    if clip is None or not clip.leased_to(curator_id, now) or queries.is_judged(session, clip_id, curator_id):
        raise UnknownClip
    return clip


def clip_to_judge(house: Collaborators, curator_id: AccountId, clip_id: ClipId) -> ReviewClip:
    """Raises `UnknownClip`."""
    with house.database.reading() as session:
        clip = queries.reviewable_clip(session, curator_id, clip_id, house.clock())
    if clip is None:
        raise UnknownClip
    return clip


def gate(session: Session, house: Collaborators, curator_id: AccountId, clip: ReviewClip) -> datetime:
    """The time at which the clip may be judged: now. Raises `UnknownClip` or `AlreadyReviewed`.

    A lease that ran out does not matter while nobody else holds one: a curator who took long may still decide.
    """
    share_accounts(session, [clip.owner_id])
    queries.lock_clip(session, clip.clip_id)
    now = house.clock()
    current = queries.reviewable_clip(session, curator_id, clip.clip_id, now)
    if current is None or current.voice_key_id != clip.voice_key_id:
        raise UnknownClip
    if current.leased_to_another(curator_id, now) or queries.is_judged(session, clip.clip_id, curator_id):
        raise AlreadyReviewed
    return now


def _voice_key(house: Collaborators, clip: ReviewClip) -> AccountKey:
    """Raises `KeyDestroyed`."""
    return house.keyring.unwrap(clip.owner_id, clip.voice_key_id, KeyKind.VOICE)


def key_of_known(house: Collaborators, clip: ReviewClip) -> AccountKey:
    """Raises `UnknownClip` where the owner's withdrawal destroyed the key a moment ago."""
    try:
        return _voice_key(house, clip)
    except KeyDestroyed as error:
        raise UnknownClip from error
