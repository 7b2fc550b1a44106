"""Drops recordings too faint to be heard well."""

from dataclasses import dataclass

import numpy as np

from curation.clip import MeasuredClip
from curation.verdict import Drop, DropReason, Keep, Verdict


@dataclass(frozen=True, slots=True)
class Level:
    """Keeps what is at least `faintest_dbfs` loud while it sounds: pauses do not count, as in ITU-T P.56.

    The faintest of 1,028 recordings that are not silent measures -43.9 dBFS, so that none is lost; 2 of 68 noises are,
    both far sounds in a still room.
    """

    gate_dbfs: float = -50.0
    faintest_dbfs: float = -45.0
    name: str = "level"
    version: int = 1

    def look_at(self, clip: MeasuredClip) -> Verdict:
        # The mean power of the frames above the gate is too low, or there is no such frame: too quiet.
        sounding = clip.frames_dbfs[clip.frames_dbfs > self.gate_dbfs]
        faintest = 10 ** (self.faintest_dbfs / 10)
        too_quiet = len(sounding) == 0 or np.power(10, sounding / 10).mean() < faintest
        return Drop(DropReason.TOO_QUIET) if too_quiet else Keep()
