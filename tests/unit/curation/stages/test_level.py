"""The level stage."""

import pytest

from curation.stages.level import Level
from curation.verdict import Drop, DropReason, Keep, Verdict
from tests.unit.curation.sounds import Samples, joined, measured, silence, tone


@pytest.mark.parametrize(
    ("samples", "verdict"),
    [
        pytest.param(silence(1.0), Drop(DropReason.TOO_QUIET), id="no-frame-over-the-gate"),
        pytest.param(tone(rms_dbfs=-46.0), Drop(DropReason.TOO_QUIET), id="faint"),
        pytest.param(tone(rms_dbfs=-44.0), Keep(), id="as-faint-as-the-faintest-real-voice"),
        pytest.param(joined(tone(0.5, rms_dbfs=-40.0), silence(8.0)), Keep(), id="a-long-pause-does-not-count"),
    ],
)
def test_what_sounds_must_be_loud_enough(samples: Samples, verdict: Verdict) -> None:
    assert Level().look_at(measured(samples)) == verdict
