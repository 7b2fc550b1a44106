"""Checks the transcript of each clip that passed, and so decides how many curators shall hear it.

The device's transcript is checked where there is one, or else the most confident recogniser's.
"""

import json
from collections.abc import Sequence
from dataclasses import replace

from corpus.alphabet import alphabet_for, language_of
from corpus.collaborators import Collaborators
from corpus.errors import EmptyTranscript, OutsideAlphabet
from corpus.sealed import place
from corpus.speech.hearing import Opinion
from curation.alignment import Aligner, Alignment
from curation.confidence import Evidence, confidence, differing, over_others, reviews_wanted
from curation.examine import DEVICE, Checked, Examined

LOT = "second-review"
"""The label under which a clip's id is hashed: who is heard twice is chance, and the same whenever it is asked."""

ALIGNED_LANGUAGE = "en"


def check(house: Collaborators, aligner: Aligner | None, each: Examined) -> Examined:
    """How sure the transcript of a clip that passed is, and the alignment if there is one."""
    judged = each.passed
    if judged is None:
        return each
    ours = aligner if language_of(each.utterance.locale) == ALIGNED_LANGUAGE else None
    label, others = _labels(judged.believed, each.utterance.locale)
    instead = [other for other in dict.fromkeys(others) if other and label not in others]
    found, *rivals = ours.align(judged.samples, [label, *instead]) if ours and label else [None]
    evidence = Evidence(
        found,
        was_aligned=ours is not None,
        differing=differing(label, others) if others else None,
        over_others=over_others(found, rivals),
    )
    sure, settings = confidence(evidence), house.settings
    lot = int(house.master.digest(LOT, each.clip_id.encode())[:8], 16) / 0x1_0000_0000
    wanted = reviews_wanted(sure, settings.doubtful_reviews, is_sampled=lot < settings.second_review_share)
    words = judged.key.seal(_json(found), place("alignments.words", each.clip_id)) if found else None
    return replace(each, judged=replace(judged, checked=Checked(sure, wanted, found, words)))


def _labels(opinions: Sequence[Opinion], locale: str) -> tuple[str, list[str]]:
    """The transcript to check, and what others heard, as labels; empty where it can be none."""
    ranked = sorted(opinions, key=lambda each: (each.recogniser != DEVICE, -(each.heard.confidence or 0.0)))
    labels = [_label(each.heard.text, locale) for each in ranked]
    return (labels[0], labels[1:]) if labels and labels[0] else ("", [])


def _label(text: str, locale: str) -> str:
    alphabet = alphabet_for(locale)
    if alphabet is None:
        return ""
    try:
        return alphabet.normalise(text)
    except (EmptyTranscript, OutsideAlphabet):
        return ""


def _json(found: Alignment) -> bytes:
    return json.dumps([[word.text, word.start_s, word.end_s, round(word.score, 3)] for word in found.words]).encode()
