"""The review of clips: a curator is given one, hears it, and accepts it with a transcript or rejects it with a reason.

Keys are unwrapped and recordings read before a transaction; whether the clip may still be heard is asked in the
transaction itself, under the lock that holds off its owner's withdrawal. A curator never meets their own voice.
"""

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
from curation.review.queries import ReviewClip

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
        clip = _clip_leased_to(session, house, curator_id, clip_id)
    try:
        pcm = house.vault.get(_voice_key(house, clip), clip.object_key)
    except (KeyDestroyed, ObjectAbsent):
        with house.database.reading() as session:
            _clip_leased_to(session, house, curator_id, clip_id)  # a withdrawal took it, or else it was lost
        raise
    with house.database.reading() as session:
        share_accounts(session, [clip.owner_id])
        _clip_leased_to(session, house, curator_id, clip_id)
    return wav(pcm)


def accept(house: Collaborators, curator_id: AccountId, clip_id: ClipId, transcript: str) -> str:
    """Records the acceptance and the clip's label, and returns the transcript as it will stand in a release.

    Raises `UnknownClip`, `AlreadyReviewed`, `EmptyTranscript` or `OutsideAlphabet`.
    """
    clip = _clip_to_judge(house, curator_id, clip_id)
    alphabet = alphabet_for(clip.locale)
    if alphabet is None:
        raise BadRequest(f"There is no alphabet for {clip.locale} yet: reject the clip as “other” or leave it.")
    label, key, review_id = alphabet.normalise(transcript), _key_of_known(house, clip), new_id()
    in_review = key.seal(label.encode(), place("reviews.transcript", review_id))
    in_label = key.seal(label.encode(), place("labels.transcript", clip_id))
    with house.database.writing() as session:
        now = _gate(session, house, curator_id, clip)
        queries.add_review(
            session,
            Review(
                id=review_id,
                clip_id=clip_id,
                curator_id=curator_id,
                decision=Decision.ACCEPT,
                transcript=in_review,
                at=now,
            ),
        )
        session.merge(Label(clip_id=clip_id, transcript=in_label, source=LABEL_SOURCE, at=now))
    return label


def reject(house: Collaborators, curator_id: AccountId, clip_id: ClipId, reason: RejectReason) -> None:
    """Records the rejection. Raises `UnknownClip` or `AlreadyReviewed`."""
    clip = _clip_to_judge(house, curator_id, clip_id)
    with house.database.writing() as session:
        now = _gate(session, house, curator_id, clip)
        queries.add_review(
            session,
            Review(
                id=new_id(),
                clip_id=clip_id,
                curator_id=curator_id,
                decision=Decision.REJECT,
                reason=reason,
                at=now,
            ),
        )


def _hypothesis(house: Collaborators, clip: ReviewClip) -> Heard | None:
    """Raises `KeyDestroyed`."""
    with house.database.reading() as session:
        sealed = queries.best_hypothesis(session, clip.clip_id)
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
        if clip is None or clip.leased_to_another(curator_id, now) or queries.is_reviewed(session, clip.clip_id):
            return None
        queries.lease(session, clip.clip_id, curator_id, now + LEASE)
    with house.database.reading() as session:
        waiting = queries.count_waiting(session, curator_id, now)
    return Offer(clip.clip_id, clip.samples / RATE_HZ, clip.locale, hypothesis, now + LEASE, waiting)


def _clip_leased_to(session: Session, house: Collaborators, curator_id: AccountId, clip_id: ClipId) -> ReviewClip:
    """Raises `UnknownClip`."""
    now = house.clock()
    clip = queries.reviewable_clip(session, curator_id, clip_id, now)
    if clip is None or not clip.leased_to(curator_id, now) or queries.is_reviewed(session, clip_id):
        raise UnknownClip
    return clip


def _clip_to_judge(house: Collaborators, curator_id: AccountId, clip_id: ClipId) -> ReviewClip:
    """Raises `UnknownClip`."""
    with house.database.reading() as session:
        clip = queries.reviewable_clip(session, curator_id, clip_id, house.clock())
    if clip is None:
        raise UnknownClip
    return clip


def _gate(session: Session, house: Collaborators, curator_id: AccountId, clip: ReviewClip) -> datetime:
    """The time at which the clip may be judged: now. Raises `UnknownClip` or `AlreadyReviewed`.

    A lease that ran out does not matter while nobody else holds one: a curator who took long may still decide.
    """
    share_accounts(session, [clip.owner_id])
    queries.lock_clip(session, clip.clip_id)
    now = house.clock()
    current = queries.reviewable_clip(session, curator_id, clip.clip_id, now)
    if current is None or current.voice_key_id != clip.voice_key_id:
        raise UnknownClip
    if current.leased_to_another(curator_id, now) or queries.is_reviewed(session, clip.clip_id):
        raise AlreadyReviewed
    return now


def _voice_key(house: Collaborators, clip: ReviewClip) -> AccountKey:
    """Raises `KeyDestroyed`."""
    return house.keyring.unwrap(clip.owner_id, clip.voice_key_id, KeyKind.VOICE)


def _key_of_known(house: Collaborators, clip: ReviewClip) -> AccountKey:
    """Raises `UnknownClip` where the owner's withdrawal destroyed the key a moment ago."""
    try:
        return _voice_key(house, clip)
    except KeyDestroyed as error:
        raise UnknownClip from error
