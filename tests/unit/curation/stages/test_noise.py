"""The noise stage."""

from dataclasses import replace

import pytest

from curation.stages.noise import Noise
from curation.verdict import Drop, DropReason, Keep, Verdict
from tests.unit.curation.sounds import measured, tone


@pytest.mark.parametrize(
    ("snr_db", "verdict"),
    [
        pytest.param(4.9, Drop(DropReason.TOO_NOISY), id="under-the-noisiest-real-voice"),
        pytest.param(5.0, Keep(), id="as-noisy-as-it"),
        pytest.param(None, Keep(), id="no-pause-to-know-the-noise-by"),
    ],
)
def test_a_voice_must_stand_above_its_noise(snr_db: float | None, verdict: Verdict) -> None:
    assert Noise().look_at(replace(measured(tone()), snr_db=snr_db)) == verdict
