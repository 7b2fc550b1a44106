"""The duration stage."""

import pytest

from curation.stages.duration import Duration
from curation.verdict import Drop, DropReason, Keep, Verdict
from tests.unit.curation.sounds import measured, tone


@pytest.mark.parametrize(
    ("duration_s", "verdict"),
    [
        pytest.param(0.0, Drop(DropReason.TOO_SHORT), id="nothing-at-all"),
        pytest.param(0.29, Drop(DropReason.TOO_SHORT), id="under-the-shortest"),
        pytest.param(0.3, Keep(), id="the-shortest"),
        pytest.param(10.0, Keep(), id="the-longest"),
        pytest.param(10.01, Drop(DropReason.TOO_LONG), id="over-the-longest"),
    ],
)
def test_a_clip_lasts_from_a_word_to_a_sentence(duration_s: float, verdict: Verdict) -> None:
    assert Duration().look_at(measured(tone(duration_s))) == verdict


def test_what_the_decoder_cut_off_is_too_long_however_little_is_left() -> None:
    assert Duration().look_at(measured(tone(5.0), is_cut=True)) == Drop(DropReason.TOO_LONG)
