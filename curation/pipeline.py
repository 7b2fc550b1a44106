"""The order of the stages, and the fold that runs them over one clip. Pure."""

import hashlib
import json
from collections.abc import Sequence
from typing import Protocol

from curation.measurements import Measurements
from curation.stages.clipping import Clipping
from curation.stages.duration import Duration
from curation.stages.level import Level
from curation.stages.noise import Noise
from curation.stages.silence import Silence
from curation.stages.speech import Speech
from curation.verdict import Drop, DropReason, StageVerdict, Verdict


class Stage(Protocol):
    """Thresholds with a name, a version and one rule."""

    @property
    def name(self) -> str: ...

    @property
    def version(self) -> int:
        """Grows whenever the rule or a threshold changes."""

    def look_at(self, clip: Measurements) -> Verdict:
        """Reads nothing else, writes nothing, draws no randomness."""


STAGES: tuple[Stage, ...] = (Duration(), Silence(), Level(), Clipping(), Noise(), Speech())
"""The plainest reason first: silence before level, so that a clip without sound is called silent and not quiet. Speech
comes last, for the detector listens only to what passes the others.

Measured and judged by none: loudness (a gain mends it), a constant offset and hum (a filter does), bandwidth (telephone
audio is as good as its speaker), and the level at the edges (a recording may begin with a word and be whole).
"""


def run(stages: Sequence[Stage], clip: Measurements) -> list[StageVerdict]:
    """Each stage's verdict, up to and with the first drop: what is unfit once needs no second reason."""
    verdicts: list[StageVerdict] = []
    for stage in stages:
        verdicts.append(StageVerdict(stage.name, stage.version, stage.look_at(clip)))
        if isinstance(verdicts[-1].verdict, Drop):
            break
    return verdicts


def rules(stages: Sequence[Stage]) -> str:
    """A digest of the stages, their order and versions: clips judged under another are judged again."""
    said = json.dumps([(stage.name, stage.version) for stage in stages])
    return hashlib.sha256(said.encode()).hexdigest()[:16]


def drop_reason(verdicts: Sequence[StageVerdict]) -> DropReason | None:
    """Why the clip was dropped, or None where every stage keeps it."""
    return next((each.verdict.reason for each in verdicts if isinstance(each.verdict, Drop)), None)
