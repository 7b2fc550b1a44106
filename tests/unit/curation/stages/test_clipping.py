"""The clipping stage."""

import numpy as np
import pytest

from curation.stages.clipping import Clipping
from curation.verdict import Drop, DropReason, Keep, Verdict
from tests.unit.curation.sounds import Samples, measured, tone


def with_flat_tops(samples: Samples, share: float) -> Samples:
    changed = samples.copy()
    changed[: round(share * len(samples))] = 32_767
    return changed


@pytest.mark.parametrize(
    ("samples", "verdict"),
    [
        pytest.param(tone(rms_dbfs=-3.2), Keep(), id="loud-and-whole"),
        pytest.param(with_flat_tops(tone(), 0.01), Keep(), id="one-in-a-hundred"),
        pytest.param(with_flat_tops(tone(), 0.02), Drop(DropReason.CLIPPED), id="two-in-a-hundred"),
        pytest.param(tone(rms_dbfs=3.0), Drop(DropReason.CLIPPED), id="a-voice-far-too-loud"),
        pytest.param(np.zeros(0, np.int16), Keep(), id="nothing-at-all"),
    ],
)
def test_little_of_a_clip_may_be_cut_flat(samples: Samples, verdict: Verdict) -> None:
    assert Clipping().look_at(measured(samples)) == verdict
