"""Windows of a signal that overlap."""

from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

Number = TypeVar("Number", bound=np.generic)


def overlapping(signal: NDArray[Number], size: int, hop: int) -> NDArray[Number]:
    """All whole windows of `size` samples, each `hop` after the one before: a view, shape (windows, size).

    `signal` has shape (samples,) and lies in one piece; one that is shorter than a window has none. The view cannot be
    written to. `numpy.lib.stride_tricks.sliding_window_view` takes as long as the spectra of a short clip.
    """
    windows = max((len(signal) - size) // hop + 1, 0)
    strides = (hop * signal.itemsize, signal.itemsize)
    view = np.ndarray((windows, size), signal.dtype, signal, strides=strides)
    view.flags.writeable = False
    return view
