"""What an acceptance waits for: every flag decided, and a look at what the transcript itself may give away."""

import json
from collections.abc import Sequence
from datetime import datetime

from sqlalchemy.orm import Session

from corpus.collaborators import Collaborators
from corpus.errors import PersonalDataInTranscript, PersonalDataUndecided
from corpus.keys import AccountKey
from corpus.sealed import place
from corpus.tables import PersonalSpan
from corpus.words import AccountId, ClipId, SpanState
from curation.personal_data.find import find
from curation.personal_data.found import Found
from curation.personal_data.heard import heard_words
from curation.personal_spans import base, proposed
from curation.review.personal import queries
from curation.review.queries import ReviewClip


def found_in(house: Collaborators, clip: ReviewClip, key: AccountKey, label: str, *, looked: bool) -> list[Found]:
    """What rules take for personal data in a label, and nobody has dismissed before.

    Words that were heard so are known: the worker looked through them, with a model of names where there is one.

    Raises `PersonalDataInTranscript` where there is some and nobody `looked`.
    """
    with house.database.reading() as session:
        rows = [row for row in queries.spans(session, clip.clip_id) if row.state is SpanState.DISMISSED]
        known = [" ".join(_looked_through(session, clip, key))]
    known += [key.open(row.words, place("personal_spans.words", row.id)).decode() for row in rows if row.words]
    words = label.split()
    found = [
        each
        for each in find(label, clip.locale)
        if not any(f" {' '.join(words[each.first : each.stop])} " in f" {text} " for text in known)
    ]
    if found and not looked:
        raise PersonalDataInTranscript
    return found


def _looked_through(session: Session, clip: ReviewClip, key: AccountKey) -> tuple[str, ...]:
    """The words that the worker looked through."""
    heard = [
        heard_words(key.open(text, place("hypotheses.text", f"{clip.clip_id}/{recogniser}")).decode(), clip.locale)
        for recogniser, text in queries.hypotheses(session, clip.clip_id)
    ]
    sealed = queries.word_times(session, clip.clip_id)
    aligned = json.loads(key.open(sealed, place("alignments.words", clip.clip_id))) if sealed else []
    return base(heard, tuple(word for word, *_ in aligned)) if heard else ()


def dismissed(
    key: AccountKey, clip_id: ClipId, label: str, found: Sequence[Found], curator_id: AccountId, now: datetime
) -> list[PersonalSpan]:
    """Rows that say that a curator looked at these words, and that they are none."""
    spans = [proposed(key, clip_id, label.split(), each, now) for each in found]
    for span in spans:
        span.state, span.decided_by, span.decided_at = SpanState.DISMISSED, curator_id, now
    return spans


def refuse_undecided(session: Session, clip_id: ClipId) -> None:
    """Raises `PersonalDataUndecided`."""
    if queries.is_undecided(session, clip_id):
        raise PersonalDataUndecided
