"""Windows of a signal, beside those that numpy cuts."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from corpus.windows import overlapping


@given(samples=st.integers(0, 50), size=st.integers(1, 20), hop=st.integers(1, 20))
def test_windows_are_those_of_numpy(samples: int, size: int, hop: int) -> None:
    signal = np.arange(samples, dtype=np.int16)

    windows = overlapping(signal, size, hop)

    of_numpy = [signal[start : start + size].tolist() for start in range(0, samples - size + 1, hop)]
    assert windows.tolist() == of_numpy


def test_nobody_writes_through_a_window() -> None:
    with pytest.raises(ValueError, match="read-only"):
        overlapping(np.zeros(10), 4, 2)[0, 0] = 1.0
