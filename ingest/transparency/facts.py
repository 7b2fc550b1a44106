"""What may be told in public of what was counted: nothing that could tell of one person.

A count of fewer than `FEWEST` accounts is not told, and what was measured of so few is rounded up to whole days.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from statistics import median

from corpus.audio import RATE_HZ
from corpus.small_cells import FEWEST
from corpus.words import ReleaseState

DAY_S = 86_400.0
SAMPLES_AN_HOUR = RATE_HZ * 3600


@dataclass(frozen=True, slots=True)
class Sound:
    """How much sound there is, and of how many people."""

    samples: int
    people: int


@dataclass(frozen=True, slots=True)
class Taken:
    """How long something took each time, and for how many people: one may delete a recording every day."""

    each_s: Sequence[float]
    people: int


@dataclass(frozen=True, slots=True)
class Head:
    """The newest signed head of the ledger, and the key to check it with (raw Ed25519, as hexadecimal digits).

    `fingerprint` is the key's, for people to compare.
    """

    size: int
    root: str
    at: datetime
    key_id: str
    public_key: str
    fingerprint: str
    document: str


@dataclass(frozen=True, slots=True)
class Counted:
    """As the tables have it."""

    at: datetime
    opted_in: int
    withdrawn: int
    closed: int
    kept: Sound
    released: Sound
    stops: Taken
    erasures: Taken
    releases: Mapping[ReleaseState, int]
    recuts: int
    tombstones: int
    copies_to_clean: int
    copies_reported: int
    head: Head | None


@dataclass(frozen=True, slots=True)
class People:
    """How many agree now, have taken it back, and have closed their account; null for fewer than `suppressed_below`."""

    opted_in: int | None
    withdrawn: int | None
    closed: int | None


@dataclass(frozen=True, slots=True)
class Hours:
    """Hours of recordings kept now, and of those in current releases; null where fewer people lent them."""

    kept: float | None
    released: float | None


@dataclass(frozen=True, slots=True)
class Durations:
    """How long something took, in seconds; of few people, rounded up to whole days and not counted."""

    count: int | None
    median_s: float | None
    longest_s: float | None
    rounded_to_days: bool


@dataclass(frozen=True, slots=True)
class TakingBack:
    """From the request until nothing is given away any more, and until nothing is left."""

    stop: Durations
    erase: Durations


@dataclass(frozen=True, slots=True)
class Releases:
    """Versions by state; how often one was cut anew; and what was withdrawn out of them, null where few people left.

    A copy to clean is one withdrawn clip in a version that somebody pulled. `copies_reported` is how many of those
    their holders say they have removed: we cannot see it.
    """

    current: int
    superseded: int
    revoked: int
    recuts: int | None
    tombstones: int | None
    copies_to_clean: int | None
    copies_reported: int | None


@dataclass(frozen=True, slots=True)
class Transparency:
    """All that is told. A null stands for a number that would tell of fewer than `suppressed_below` people."""

    at: datetime
    suppressed_below: int
    people: People
    hours: Hours
    taking_back: TakingBack
    releases: Releases
    head: Head | None


def tell(counted: Counted) -> Transparency:
    many_left = counted.withdrawn + counted.closed >= FEWEST
    return Transparency(
        at=counted.at,
        suppressed_below=FEWEST,
        people=People(_enough(counted.opted_in), _enough(counted.withdrawn), _enough(counted.closed)),
        hours=Hours(_hours(counted.kept), _hours(counted.released)),
        taking_back=TakingBack(_durations(counted.stops), _durations(counted.erasures)),
        releases=Releases(
            current=counted.releases.get(ReleaseState.CURRENT, 0),
            superseded=counted.releases.get(ReleaseState.SUPERSEDED, 0),
            revoked=counted.releases.get(ReleaseState.REVOKED, 0),
            recuts=counted.recuts if many_left else None,
            tombstones=counted.tombstones if many_left else None,
            copies_to_clean=counted.copies_to_clean if many_left else None,
            copies_reported=counted.copies_reported if many_left else None,
        ),
        head=counted.head,
    )


def _enough(count: int) -> int | None:
    """None tells no difference between nobody and ten."""
    return count if count >= FEWEST else None


def _hours(sound: Sound) -> float | None:
    return round(sound.samples / SAMPLES_AN_HOUR, 1) if sound.people >= FEWEST else None


def _durations(taken: Taken) -> Durations:
    if not taken.each_s:
        return Durations(None, None, None, rounded_to_days=False)
    middle_s, longest_s = median(taken.each_s), max(taken.each_s)
    if taken.people < FEWEST:
        return Durations(None, _days(middle_s), _days(longest_s), rounded_to_days=True)
    return Durations(len(taken.each_s), round(middle_s, 3), round(longest_s, 3), rounded_to_days=False)


def _days(taken_s: float) -> float:
    return max(1, math.ceil(taken_s / DAY_S)) * DAY_S
