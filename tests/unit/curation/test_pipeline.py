"""The fold over the stages."""

from dataclasses import dataclass

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from curation import pipeline
from curation.measurements import Measurements
from curation.verdict import Drop, DropReason, Keep, StageVerdict, Verdict
from tests.unit.curation.sounds import measured, silence, tone


@dataclass(frozen=True)
class Says:
    """A stage that says the same of every clip."""

    verdict: Verdict
    name: str = "says"
    version: int = 7

    def look_at(self, _clip: Measurements) -> Verdict:
        return self.verdict


SILENT = Drop(DropReason.SILENT)
verdicts = st.one_of(st.just(Keep()), st.sampled_from(DropReason).map(Drop))


def test_the_first_drop_ends_the_run_and_is_recorded_with_what_came_before() -> None:
    stages = [Says(Keep(), "first"), Says(SILENT, "second"), Says(Keep(), "third")]

    ran = pipeline.run(stages, measured(tone()))

    assert ran == [StageVerdict("first", 7, Keep()), StageVerdict("second", 7, SILENT)]
    assert pipeline.drop_reason(ran) is DropReason.SILENT


@given(st.lists(verdicts, max_size=6))
def test_a_clip_passes_exactly_where_every_stage_keeps_it(said: list[Verdict]) -> None:
    ran = pipeline.run([Says(verdict, f"stage {index}") for index, verdict in enumerate(said)], measured(tone(0.1)))

    drops = [verdict.reason for verdict in said if isinstance(verdict, Drop)]
    assert pipeline.drop_reason(ran) == (drops[0] if drops else None)
    assert len(ran) == (said.index(Drop(drops[0])) + 1 if drops else len(said))


def test_a_good_clip_is_looked_at_by_every_stage_in_order() -> None:
    ran = pipeline.run(pipeline.STAGES, measured(tone(1.0)))

    assert [each.stage for each in ran] == ["duration", "silence", "level", "clipping", "noise", "speech"]
    assert pipeline.drop_reason(ran) is None


def test_a_silent_clip_is_called_silent_and_not_quiet() -> None:
    assert pipeline.drop_reason(pipeline.run(pipeline.STAGES, measured(silence(1.5)))) is DropReason.SILENT


@given(st.binary(max_size=40_000))
def test_whatever_the_samples_the_stages_answer_and_change_nothing(noise: bytes) -> None:
    samples = np.frombuffer(noise[: len(noise) // 2 * 2], "<i2").copy()
    before = samples.tobytes()

    first, second = (pipeline.run(pipeline.STAGES, measured(samples)) for _ in range(2))

    assert first == second
    assert samples.tobytes() == before
