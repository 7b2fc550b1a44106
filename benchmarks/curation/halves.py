"""Splits recordings into a half to tune on and a half to report, so that no speaker is in both.

A speaker goes by the first byte of the SHA-256 of `source/speaker`: even is tuning. A speaker of several sources goes
whole, by the source that has the most recordings of them, or the first of these by name.
"""

import hashlib
from collections import Counter, defaultdict
from collections.abc import Iterable
from enum import StrEnum


class Half(StrEnum):
    """Of the recordings."""

    TUNING = "tuning"
    REPORTED = "reported"


def half_of(source: str, speaker: str) -> Half:
    first = hashlib.sha256(f"{source}/{speaker}".encode()).digest()[0]
    return Half.REPORTED if first % 2 else Half.TUNING


def halves(rows: Iterable[tuple[str, str]]) -> dict[str, Half]:
    """The half of each speaker, out of one (source, speaker) for each recording."""
    recordings: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for source, speaker in rows:
        recordings[speaker][source] += 1
    return {
        speaker: half_of(min(of, key=lambda source: (-of[source], source)), speaker)
        for speaker, of in recordings.items()
    }
