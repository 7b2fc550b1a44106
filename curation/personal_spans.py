"""Flags words of a clip that passed, for a person to decide on."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from corpus.keys import AccountKey
from corpus.sealed import place
from corpus.speech.hearing import Opinion
from corpus.tables import PersonalSpan
from corpus.words import ClipId, SpanState, new_id
from curation.examine import Examined, Flagged, Judged
from curation.personal_data.find import find
from curation.personal_data.found import Found
from curation.personal_data.heard import heard_words
from curation.personal_data.names import NameSpotter


def flag(names: NameSpotter | None, each: Examined) -> Examined:
    """Looks through the guess that was aligned with the audio, whose words can be taken out, or else the likeliest."""
    if each.passed is None or not each.passed.believed:
        return each
    locale = each.utterance.locale
    words = base(_as_heard(each.passed.believed, locale), _aligned(each.passed))
    found = find(" ".join(words), locale, names)
    return replace(each, judged=replace(each.passed, flagged=Flagged(words, found))) if found else each


def base(heard: Sequence[tuple[str, ...]], aligned: tuple[str, ...]) -> tuple[str, ...]:
    """The words that spans are counted in: those whose times are known, or else the first."""
    return aligned if aligned in heard else heard[0]


def _as_heard(opinions: Sequence[Opinion], locale: str) -> list[tuple[str, ...]]:
    """The most confident first, as the review has them; one without a confidence comes last."""
    ranked = sorted(
        opinions, key=lambda each: (each.heard.confidence is None, -(each.heard.confidence or 0.0), each.recogniser)
    )
    return [heard_words(each.heard.text, locale) for each in ranked]


def _aligned(judged: Judged) -> tuple[str, ...]:
    found = judged.checked and judged.checked.alignment
    return tuple(word.text for word in found.words) if found else ()


def proposed(key: AccountKey, clip_id: ClipId, words: Sequence[str], found: Found, now: datetime) -> PersonalSpan:
    """The row that asks a curator."""
    span_id = new_id()
    text = " ".join(words[found.first : found.stop])
    return PersonalSpan(
        id=span_id,
        clip_id=clip_id,
        kind=found.kind,
        state=SpanState.PROPOSED,
        first_word=found.first,
        stop_word=found.stop,
        words=key.seal(text.encode(), place("personal_spans.words", span_id)),
        found_by=found.rule.value,
        at=now,
    )
