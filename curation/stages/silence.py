"""Drops recordings in which nothing sounds."""

from dataclasses import dataclass

import numpy as np

from corpus.audio import RATE_HZ
from curation.clip import FRAME_SAMPLES, MeasuredClip
from curation.verdict import Drop, DropReason, Keep, Verdict


@dataclass(frozen=True, slots=True)
class Silence:
    """Keeps what sounds above `gate_dbfs` for `sounding_s` in all.

    Of 1,033 recordings it drops the 5 that lie at -70 dBFS, a few bits above digital silence; every other has 0.2 s or
    more above -50 dBFS. Of 78 noises it drops the 10 faintest or briefest (impulse responses, a distant tap, clicks).
    It is a gate on energy: it cannot tell speech from a kettle.
    """

    gate_dbfs: float = -50.0
    sounding_s: float = 0.1
    name: str = "silence"
    version: int = 1

    def look_at(self, clip: MeasuredClip) -> Verdict:
        # The frames above the gate last, together, less than the shortest syllable: silent.
        sounding_s = np.count_nonzero(clip.frames_dbfs > self.gate_dbfs) * FRAME_SAMPLES / RATE_HZ
        return Drop(DropReason.SILENT) if sounding_s < self.sounding_s else Keep()
