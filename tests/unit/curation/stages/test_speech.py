"""The speech stage."""

from dataclasses import replace

import pytest

from curation.stages.speech import Speech
from curation.verdict import Drop, DropReason, Keep, Verdict
from tests.unit.curation.sounds import measured, tone


@pytest.mark.parametrize(
    ("speech_s", "verdict"),
    [
        pytest.param(0.0, Drop(DropReason.NO_SPEECH), id="none"),
        pytest.param(0.096, Drop(DropReason.NO_SPEECH), id="less-than-a-syllable"),
        pytest.param(0.128, Keep(), id="a-syllable"),
        pytest.param(None, Keep(), id="nobody-listened"),
    ],
)
def test_somebody_must_speak(speech_s: float | None, verdict: Verdict) -> None:
    assert Speech().look_at(replace(measured(tone()), heard_s=1.0, speech_s=speech_s)) == verdict
