"""The recordings that a disguise is tried on, as voices: what each says when enrolled, and what when tried. Pure."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from corpus.audio import RATE_HZ

SHORTEST_SAMPLES = RATE_HZ
LONGEST_SAMPLES = 20 * RATE_HZ
"""As long as a clip may be."""

HALVED_FROM_SAMPLES = 6 * RATE_HZ
"""A speaker's only recording is cut in two where it is as long as this."""

COMPARED_SAMPLES = 6 * RATE_HZ
"""Of each piece: as long as most commands; more would tell more."""

PIECES_A_VOICE = 4

Samples = NDArray[np.int16]


@dataclass(frozen=True, slots=True)
class Said:
    """One recording. `group` is where it was made: only voices of one group are compared, since rooms and microphones
    tell recordings apart as well.
    """

    speaker: str
    group: str
    samples: Samples
    transcript: str = ""


@dataclass(frozen=True, slots=True)
class Voice:
    """One speaker's pieces, at least two: the first half is what an attacker has of them, the rest is released."""

    speaker: str
    group: str
    pieces: Sequence[Samples]

    @property
    def enrolled(self) -> int:
        return len(self.pieces) // 2


def voices(recordings: Iterable[Said]) -> list[Voice]:
    """Of the speakers that have enough, sorted by name."""
    pieces: defaultdict[tuple[str, str], list[Samples]] = defaultdict(list)
    for each in recordings:
        if len(each.samples) >= SHORTEST_SAMPLES and len(pieces[each.group, each.speaker]) < PIECES_A_VOICE:
            pieces[each.group, each.speaker].append(each.samples)
    found = (Voice(speaker, group, _two_at_least(of)) for (group, speaker), of in sorted(pieces.items()))
    return [voice for voice in found if len(voice.pieces) > 1]


def _two_at_least(pieces: Sequence[Samples]) -> Sequence[Samples]:
    if len(pieces) == 1 and len(pieces[0]) >= HALVED_FROM_SAMPLES:
        middle = len(pieces[0]) // 2
        pieces = [pieces[0][:middle], pieces[0][middle:]]
    return [piece[:COMPARED_SAMPLES] for piece in pieces]
