"""Drops recordings too short to hold a word, or too long to be a command."""

from dataclasses import dataclass

from curation.measurements import Measurements
from curation.verdict import Drop, DropReason, Keep, Verdict


@dataclass(frozen=True, slots=True)
class Duration:
    """Keeps what lasts from `shortest_s` to `longest_s`, the silence around it trimmed.

    DeepSpeech's importers stop at 10 s, and its features need some time for each letter: of 1,033 recordings 15 are
    under 0.3 s (single digits and letters) and 65, nearly all read sentences, are over 10 s.
    """

    shortest_s: float = 0.3
    longest_s: float = 10.0
    name: str = "duration"
    version: int = 2

    def look_at(self, clip: Measurements) -> Verdict:
        # Longer than the decoder's limit or than ours: too long.
        if clip.is_cut or clip.duration_s > self.longest_s:
            return Drop(DropReason.TOO_LONG)
        # Shorter than a word: too short.
        if clip.duration_s < self.shortest_s:
            return Drop(DropReason.TOO_SHORT)
        return Keep()
