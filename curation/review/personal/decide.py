"""What a curator decides of flagged words: each is personal data, or is none; and they may mark more.

What is confirmed is taken out of sound and text at once, in two use cases: the redacted sound is stored and one commit
puts it in the clip's place; then the objects that hold what was taken out are erased. Where no word is left, the clip
is dropped, and nothing put in its place. Killed between the two, they are
objects that no row names, and the sweep's. Where nobody knows when the words are said nothing is guessed: the clip can
only be rejected.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np
import structlog
from sqlalchemy.orm import Session

from corpus import object_keys
from corpus.collaborators import Collaborators
from corpus.errors import (
    BadRequest,
    LoanwordError,
    NoWordTimes,
    PersonalDataUndecided,
    StoreError,
    Transient,
)
from corpus.keys import AccountKey
from corpus.queries import share_accounts
from corpus.sealed import place
from corpus.tables import PersonalSpan, Verdict
from corpus.words import AccountId, ClipId, Outcome, PersonalKind, SpanState, new_id
from curation.personal_data.find import VERSION
from curation.personal_data.found import Rule
from curation.personal_data.heard import heard_words
from curation.personal_spans import base
from curation.redact import Cover, redact, stretches
from curation.review import queries as reviews
from curation.review import review
from curation.review.personal import queries
from curation.review.personal.queries import Redacted
from curation.review.queries import ReviewClip
from curation.verdict import DropReason

STAGE = "personal_data"
"""Of the verdict on a clip of which something was taken out."""

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Span:
    """Words `first` to before `stop` of a clip's heard words."""

    span_id: str
    first: int
    stop: int
    kind: PersonalKind
    state: SpanState


@dataclass(frozen=True, slots=True)
class Flagged:
    """What a clip was heard to say, word by word, and which of it may be personal data; decided spans are left out."""

    words: tuple[str, ...]
    spans: tuple[Span, ...]
    removable: bool
    """Whether it is known when each word is said."""


@dataclass(frozen=True, slots=True)
class Ended:
    """What the decision came to."""

    redacted: bool
    dropped: bool
    transcript: str | None
    """What is left of the heard words, where some were taken out."""


@dataclass(frozen=True, slots=True)
class _Heard:
    recogniser: str
    words: tuple[str, ...]
    times: tuple[tuple[str, float, float, float | None], ...] | None
    proposed: tuple[Span, ...]


def flagged(house: Collaborators, curator_id: AccountId, clip_id: ClipId) -> Flagged:
    """For the curator who holds the clip's lease. Raises `UnknownClip`.

    A second opinion is blind: where nothing is flagged it is told nothing of what was heard.
    """
    with house.database.reading() as session:
        clip = review.clip_leased_to(session, house, curator_id, clip_id)
    key = review.key_of_known(house, clip)
    with house.database.reading() as session:
        share_accounts(session, [clip.owner_id])
        review.clip_leased_to(session, house, curator_id, clip_id)
        heard = _heard(session, clip, key)
        is_second = bool(reviews.judgements(session, clip_id))
    if is_second and not heard.proposed:
        return Flagged((), (), removable=False)
    return Flagged(heard.words, heard.proposed, heard.times is not None)


def decide(
    house: Collaborators,
    curator_id: AccountId,
    clip_id: ClipId,
    decided: Mapping[str, SpanState],
    marked: Sequence[tuple[int, int]] = (),
) -> Ended:
    """Records what was decided of every flagged span, and takes out what was confirmed or marked.

    Raises `UnknownClip`, `AlreadyReviewed`, `NoWordTimes`, or `BadRequest` where a span is left out or none of the
    clip's; then nothing has changed.
    """
    clip = review.clip_to_judge(house, curator_id, clip_id)
    key = review.key_of_known(house, clip)
    with house.database.reading() as session:
        heard = _heard(session, clip, key)
    taken = _taken_out(heard, decided, marked)
    left = [place_ for place_ in range(len(heard.words)) if place_ not in taken]
    redacted = _redact(house, clip, key, heard, taken, left) if taken and left else None
    may_be_there = False
    try:
        with house.database.writing() as session:
            now = review.gate(session, house, curator_id, clip)
            if {span.span_id for span in _heard(session, clip, key).proposed} != set(decided):
                raise PersonalDataUndecided
            _settle(session, clip_id, decided, marked, curator_id, now)
            gone: list[str] = []
            if redacted:
                gone = queries.replace_clip(session, clip_id, redacted, _verdict(clip_id, None, now))
            elif taken:
                gone = queries.drop(session, clip_id, _verdict(clip_id, DropReason.PERSONAL_DATA, now))
            may_be_there = True
    except LoanwordError:
        if redacted and not may_be_there:  # or else nobody knows what the commit came to: the sweep will see
            _erase(house, [redacted.object_key])
        raise
    _erase(house, gone)
    text = " ".join(heard.words[place_] for place_ in left) if redacted else None
    return Ended(redacted is not None, bool(taken) and not left, text)


def _heard(session: Session, clip: ReviewClip, key: AccountKey) -> _Heard:
    """The words that spans are counted in; their times, where the words that were aligned are the same."""
    heard = {}
    for recogniser, sealed_text in queries.hypotheses(session, clip.clip_id):
        text = key.open(sealed_text, place("hypotheses.text", f"{clip.clip_id}/{recogniser}")).decode()
        heard[recogniser] = heard_words(text, clip.locale)
    sealed = queries.word_times(session, clip.clip_id)
    aligned = json.loads(key.open(sealed, place("alignments.words", clip.clip_id))) if sealed else []
    words = base([*heard.values()] or [()], tuple(word for word, *_ in aligned))
    is_timed = bool(aligned) and words == tuple(word for word, *_ in aligned)
    times = tuple((word, start_s, end_s, sureness) for word, start_s, end_s, sureness in aligned) if is_timed else None
    recogniser = next((recogniser for recogniser, of in heard.items() if of == words), "")
    spans = tuple(
        Span(row.id, row.first_word, row.stop_word, row.kind, row.state)
        for row in queries.spans(session, clip.clip_id)
        if row.state is SpanState.PROPOSED
    )
    return _Heard(recogniser, words, times, spans)


def _taken_out(heard: _Heard, decided: Mapping[str, SpanState], marked: Sequence[tuple[int, int]]) -> set[int]:
    """The places of the words that go. Raises `BadRequest`."""
    if set(decided) != {span.span_id for span in heard.proposed} or SpanState.PROPOSED in decided.values():
        raise BadRequest("Decide on each span that is flagged, and on no other.")
    if any(not 0 <= first < stop <= len(heard.words) for first, stop in marked):
        raise BadRequest("A mark begins at a word of the clip and ends after one.")
    confirmed = [(each.first, each.stop) for each in heard.proposed if decided[each.span_id] is SpanState.CONFIRMED]
    return {place_ for first, stop in [*confirmed, *marked] for place_ in range(first, stop)}


def _redact(
    house: Collaborators, clip: ReviewClip, key: AccountKey, heard: _Heard, taken: set[int], left: Sequence[int]
) -> Redacted:
    """The clip without these words, stored. Raises `NoWordTimes` or `RedactionFailed`."""
    if heard.times is None:
        raise NoWordTimes
    samples = np.frombuffer(house.vault.get(key, clip.object_key), dtype="<i2")
    spans_s = [heard.times[place_][1:3] for place_ in sorted(taken)]
    cover = Cover(house.settings.redaction)
    pcm = redact(samples, stretches(spans_s, len(samples)), cover).tobytes()
    object_key = object_keys.new_clip_key(key.account_id, key.key_id, clip.clip_id)
    house.vault.put(key, object_key, pcm)
    text = " ".join(heard.words[place_] for place_ in left)
    words = json.dumps([heard.times[place_] for place_ in left])
    return Redacted(
        instead_of=clip.object_key,
        object_key=object_key,
        pcm_digest=house.master.digest("pcm", pcm),
        recogniser=heard.recogniser,
        text=key.seal(text.encode(), place("hypotheses.text", f"{clip.clip_id}/{heard.recogniser}")),
        words=key.seal(words.encode(), place("alignments.words", clip.clip_id)),
    )


def _settle(
    session: Session,
    clip_id: ClipId,
    decided: Mapping[str, SpanState],
    marked: Iterable[tuple[int, int]],
    curator_id: AccountId,
    now: datetime,
) -> None:
    for state in (SpanState.CONFIRMED, SpanState.DISMISSED):
        queries.settle(session, [each for each, so in decided.items() if so is state], state, curator_id, now)
    session.add_all(
        PersonalSpan(
            id=new_id(),
            clip_id=clip_id,
            kind=PersonalKind.OTHER,
            state=SpanState.CONFIRMED,
            first_word=first,
            stop_word=stop,
            words=None,
            found_by=Rule.CURATOR.value,
            at=now,
            decided_by=curator_id,
            decided_at=now,
        )
        for first, stop in marked
    )


def _verdict(clip_id: ClipId, reason: DropReason | None, now: datetime) -> Verdict:
    outcome = Outcome.DROPPED if reason else Outcome.KEPT
    return Verdict(clip_id=clip_id, stage=STAGE, stage_version=VERSION, outcome=outcome, reason=reason, at=now)


def _erase(house: Collaborators, object_keys_: Iterable[str]) -> None:
    """Of objects that no row names any more. What the store will not erase now is the sweep's."""
    for object_key in object_keys_:
        try:
            house.vault.erase(object_key)
        except (Transient, StoreError) as error:
            name = object_key.rpartition("/")[2]  # not whose it is
            log.warning("taken_out_left_to_the_sweep", object=name, error=type(error).__name__)
