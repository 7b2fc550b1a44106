"""The silence stage."""

import pytest

from curation.stages.silence import Silence
from curation.verdict import Drop, DropReason, Keep, Verdict
from tests.unit.curation.sounds import Samples, joined, measured, silence, tone


@pytest.mark.parametrize(
    ("samples", "verdict"),
    [
        pytest.param(silence(2.0), Drop(DropReason.SILENT), id="digital-silence"),
        pytest.param(tone(2.0, rms_dbfs=-70.0), Drop(DropReason.SILENT), id="a-wake-word-lost-at-70-below"),
        pytest.param(tone(2.0, rms_dbfs=-51.0), Drop(DropReason.SILENT), id="under-the-gate"),
        pytest.param(tone(2.0, rms_dbfs=-49.0), Keep(), id="over-the-gate"),
        pytest.param(joined(silence(2.0), tone(0.08)), Drop(DropReason.SILENT), id="a-click"),
        pytest.param(joined(silence(2.0), tone(0.1)), Keep(), id="a-syllable-after-a-long-pause"),
    ],
)
def test_something_must_sound_for_a_syllable(samples: Samples, verdict: Verdict) -> None:
    assert Silence().look_at(measured(samples)) == verdict
