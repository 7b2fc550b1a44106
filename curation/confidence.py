"""How sure we are that a transcript is what its clip says, and how many curators shall hear it for that. Pure.

Two checks speak: how well the words lie on the audio, and what another recogniser heard. Together they say more than
each: where the other heard something else, its words are laid on the audio too, and the better ones are believed. What
each finds adds weighted evidence to log odds, which the logistic function turns into a probability; where one is
missing the other speaks alone, and where both are nobody can tell.

The weights are fitted by logistic regression on the tuning half of the recorded speech of docs/curation.md: the right
transcripts against as many wrong ones, a quarter each of another clip's words, a word swapped, one left out and one too
many. So 0.5 means: as likely among the one as among the other. How often transcripts are wrong is the operator's to
know, and no part of it.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from curation.alignment import Alignment

SURE = 0.5
"""From here on one curator is enough. docs/curation.md says what that finds and what it costs."""

IMPOSSIBLE = 0.01
"""The words could not be laid on the clip at all."""


WORST_AT_LEAST = -6.0
OVER_OTHERS_MOST = 40.0
"""Further out evidence counts no more: one loud noise, or one long clip, shall not decide alone."""


@dataclass(frozen=True, slots=True)
class Weights:
    """Log odds, and what each adds for every unit of evidence."""

    at_rest: float
    worst: float = 0.0
    outside: float = 0.0
    partial: float = 0.0
    """Where words at the end found no place any more."""
    differing: float = 0.0
    agrees: float = 0.0
    """Where another recogniser heard the very same."""
    over_others: float = 0.0


BY_ALIGNMENT = Weights(at_rest=3.15, worst=0.90, outside=-1.10, partial=-0.88)
BY_HEARING = Weights(at_rest=0.27, differing=-1.35, agrees=2.95)
BY_BOTH = Weights(
    at_rest=2.72, worst=0.68, outside=-0.49, partial=-0.70, differing=-0.63, agrees=2.24, over_others=0.027
)


@dataclass(frozen=True, slots=True)
class Evidence:
    """What was found out about one transcript."""

    alignment: Alignment | None = None
    was_aligned: bool = False
    """Whether an aligner looked: without an `alignment` it found that the words cannot have been said."""
    differing: float | None = None
    """What `differing` says of it and what others heard; None where nobody else listened."""
    over_others: float = 0.0
    """Nats by which it lies better on the audio than what others heard instead; 0 where they heard the same."""


def confidence(evidence: Evidence) -> float | None:
    """A probability, or None where nothing was checked."""
    found, differs = evidence.alignment, evidence.differing
    if evidence.was_aligned and found is None:
        return IMPOSSIBLE
    if found is None and differs is None:
        return None
    weights = BY_HEARING if found is None else BY_ALIGNMENT if differs is None else BY_BOTH
    log_odds = weights.at_rest
    if found is not None:
        log_odds += weights.worst * max(found.worst, WORST_AT_LEAST) + weights.outside * found.outside
        log_odds += weights.partial * (not found.is_whole)
        log_odds += weights.over_others * min(max(evidence.over_others, -OVER_OTHERS_MOST), OVER_OTHERS_MOST)
    if differs is not None:
        log_odds += weights.differing * min(differs, 1.0) + weights.agrees * (differs == 0)
    return 1 / (1 + math.exp(-log_odds))


def over_others(found: Alignment | None, others: Sequence[Alignment | None]) -> float:
    """Nats by which the alignment beats the best of the others'; 0 where there is none to compare."""
    totals = [other.total for other in others if other is not None]
    return found.total - max(totals) if found is not None and totals else 0.0


def differing(label: str, heard: Sequence[str]) -> float:
    """Words to change, leave out or add for each word of the label, until it is what the nearest other one heard."""
    words = label.split()
    return min(_edits(words, other.split()) for other in heard) / len(words)


def reviews_wanted(confidence: float | None, doubtful: int, *, is_sampled: bool) -> int:
    """How many curators have to agree. Where nothing was checked nothing is in doubt, and one is enough, as ever."""
    if confidence is None:
        return 1
    return doubtful if confidence < SURE or is_sampled else 1


def _edits(words: Sequence[str], other: Sequence[str]) -> int:
    """The Levenshtein distance."""
    row = list(range(len(other) + 1))
    for place, word in enumerate(words, 1):
        before, row[0] = row[0], place
        for column, heard in enumerate(other, 1):
            before, row[column] = row[column], min(row[column] + 1, row[column - 1] + 1, before + (word != heard))
    return row[-1]
