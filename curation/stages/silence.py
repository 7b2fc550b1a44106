"""Drops recordings in which nothing sounds."""

from dataclasses import dataclass

from curation.measurements import Measurements
from curation.verdict import Drop, DropReason, Keep, Verdict


@dataclass(frozen=True, slots=True)
class Silence:
    """Keeps what sounds (above -50 dBFS) for `sounding_s` in all.

    Of 1,033 recordings it drops the 5 that lie at -70 dBFS, a few bits above digital silence; every other has 0.2 s or
    more above -50 dBFS. Of 78 noises it drops the 10 faintest or briefest (impulse responses, a distant tap, clicks).
    It is a gate on energy: it cannot tell speech from a kettle.
    """

    sounding_s: float = 0.1
    name: str = "silence"
    version: int = 1

    def look_at(self, clip: Measurements) -> Verdict:
        # The frames that sound last, together, less than the shortest syllable: silent.
        return Drop(DropReason.SILENT) if clip.sounding_s < self.sounding_s else Keep()
