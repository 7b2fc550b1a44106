"""What the curation report tells, as records: the page and the JSON are made of these.

Counts of clips are told as they are, to those who may hear the clips. What is told of people keeps to the small-cell
rule: cells of at least eleven, people in round numbers, hours in two digits.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from corpus.audio import RATE_HZ
from corpus.demographics import Field
from corpus.small_cells import at_least
from curation.report.measures import Measure

SAMPLES_AN_HOUR = RATE_HZ * 3600


@dataclass(frozen=True, slots=True)
class Bin:
    """Clips with a measure from `begins` on and below `ends`; null is without end."""

    begins: float | None
    ends: float | None
    kept: int
    not_kept: int


@dataclass(frozen=True, slots=True)
class Histogram:
    """How a measure lies over all clips that have it."""

    measure: Measure
    bins: Sequence[Bin]
    unmeasured: int


@dataclass(frozen=True, slots=True)
class Because:
    """How many clips ended for a reason, or with an error."""

    reason: str
    clips: int


@dataclass(frozen=True, slots=True)
class Outcomes:
    """How the clips that may be used now ended. `undecided` wait for the decision over clips of the same audio."""

    clips: int
    kept: int
    dropped: int
    failed: int
    undecided: int
    kept_hours: float
    dropped_because: Sequence[Because]
    failed_with: Sequence[Because]


@dataclass(frozen=True, slots=True)
class Waits:
    """What is to be done, and since when the oldest clip waits to be reviewed."""

    to_be_measured: int
    to_be_judged_again: int
    to_be_decided: int
    to_be_reviewed: int
    to_be_reviewed_by_several: int
    oldest_for_review: datetime | None


@dataclass(frozen=True, slots=True)
class Day:
    """What came and was done on one day, in UTC, of what may still be used. `measured` are kept, dropped, failed."""

    day: date
    received: int
    kept: int
    dropped: int
    failed: int
    undecided: int
    reviewed: int


@dataclass(frozen=True, slots=True)
class SetSize:
    """Sets of clips of the same audio: how many clips, how many sets, and how many of those are of several accounts."""

    clips: int
    and_more: bool
    sets: int
    across_accounts: int


@dataclass(frozen=True, slots=True)
class Reviews:
    """What curators decided, judgement by judgement: a doubtful clip has several."""

    accepted: int
    rejected: int
    rejected_because: Sequence[Because]


@dataclass(frozen=True, slots=True)
class Stage:
    """A stage as it judges now."""

    name: str
    version: int
    thresholds: Mapping[str, float | int | str]


@dataclass(frozen=True, slots=True)
class Answer:
    """Kept sound of people who gave an answer; null stands for all who told nothing that may be told apart.

    Both numbers are round: one person who comes or goes must not show.
    """

    answer: str | None
    hours: float
    speakers_at_least: int


@dataclass(frozen=True, slots=True)
class Told:
    """What was told in one field. Each field is told on its own, and no two of them together."""

    field: Field
    answers: Sequence[Answer]


@dataclass(frozen=True, slots=True)
class Speakers:
    """Who speaks. Every answer is of at least `suppressed_below` people, and so is what is left of everybody."""

    at: datetime
    suppressed_below: int
    fields: Sequence[Told]


@dataclass(frozen=True, slots=True)
class Clips:
    """All that is told of clips."""

    at: datetime
    outcomes: Outcomes
    waits: Waits
    days: Sequence[Day]
    histograms: Sequence[Histogram]
    sets: Sequence[SetSize]
    reviews: Reviews
    stages: Sequence[Stage]


@dataclass(frozen=True, slots=True)
class Report:
    """All that is told."""

    clips: Clips
    speakers: Speakers


@dataclass(frozen=True, slots=True)
class Group:
    """How many people they are, and how much of theirs is kept."""

    people: int
    samples: int


def tell_field(field: Field, groups: Mapping[str | None, Group], others: Group) -> Told:
    """`groups` by answer, after they were made coarse; `others` agreed to tell nothing, and go with None.

    Raises `ValueError` for people of whom nothing may be told.
    """
    silent = groups.get(None, Group(0, 0))
    rest = Group(silent.people + others.people, silent.samples + others.samples)
    told = {answer: group for answer, group in groups.items() if answer is not None}
    largest_first = sorted(told.items(), key=lambda each: (-each[1].samples, each[0]))
    shown: list[tuple[str | None, Group]] = [*largest_first, *([(None, rest)] if told and rest.people else [])]
    return Told(field, [Answer(answer, rounded_hours(of.samples), at_least(of.people)) for answer, of in shown])


def hours(samples: int) -> float:
    return round(samples / SAMPLES_AN_HOUR, 2)


def rounded_hours(samples: int) -> float:
    """Two significant digits, and nothing finer than a tenth of an hour."""
    told = samples / SAMPLES_AN_HOUR
    if told < 1:
        return round(told, 1)
    return round(told, 1 - math.floor(math.log10(told)))
