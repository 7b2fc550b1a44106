"""What is taken out of a recording is gone to the bit, and nothing else changes."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from corpus.errors import RedactionFailed
from curation.redact import FADE_MS, Cover, Stretch, covering, prove, redact, stretches

RATE = 16_000
NOISE = np.random.default_rng(3).integers(-20_000, 20_000, 2 * RATE + 77).astype("<i2")


@given(
    st.lists(st.tuples(st.floats(0, 2.2), st.floats(0.01, 0.7)), max_size=4),
    st.sampled_from(Cover),
)
def test_every_sample_under_a_span_is_the_cover_and_the_others_stay(
    spans: list[tuple[float, float]], cover: Cover
) -> None:
    taken_out = stretches([(start, start + size) for start, size in spans], len(NOISE))

    redacted = redact(NOISE, taken_out, cover)

    assert len(redacted) == len(NOISE)
    changed = np.zeros(len(NOISE), dtype=bool)
    for each in taken_out:
        assert np.array_equal(redacted[each.start : each.stop], covering(each, cover))
        changed[max(0, each.start - FADE_MS * 16) : each.stop + FADE_MS * 16] = True
    assert np.array_equal(redacted[~changed], NOISE[~changed])


def test_silence_is_zero_and_a_tone_is_not() -> None:
    assert not covering(Stretch(0, RATE), Cover.SILENCE).any()
    assert 1_000 < np.abs(covering(Stretch(0, RATE), Cover.TONE)).max() < 4_000


def test_spans_are_padded_and_joined_and_stay_within_the_recording() -> None:
    assert stretches([(0.5, 0.6), (0.75, 0.9), (1.85, 9.0)], 2 * RATE) == [
        Stretch(6_400, 16_000),
        Stretch(28_000, 32_000),
    ]


@pytest.mark.parametrize("left", [0, 500, 999])
def test_one_sample_that_is_left_is_found(left: int) -> None:
    span = [Stretch(4_000, 5_000)]
    after = redact(NOISE, span, Cover.SILENCE).copy()
    after[4_000 + left] = 1

    with pytest.raises(RedactionFailed):
        prove(NOISE, after, span, Cover.SILENCE)


def test_a_sample_that_changed_elsewhere_is_found() -> None:
    span = [Stretch(4_000, 5_000)]
    after = redact(NOISE, span, Cover.TONE).copy()
    after[20_000] += 1

    with pytest.raises(RedactionFailed):
        prove(NOISE, after, span, Cover.TONE)
