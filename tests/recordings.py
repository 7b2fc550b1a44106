"""Recordings made on the spot, good and hostile."""

import io
import struct
from typing import Any

import numpy as np
import soundfile
from numpy.typing import NDArray


def encoded(samples: NDArray[Any], rate_hz: int = 16_000, container: str = "WAV", subtype: str | None = None) -> bytes:
    written = io.BytesIO()
    soundfile.write(written, samples, rate_hz, format=container, subtype=subtype)
    return written.getvalue()


def noise(duration_s: float, rate_hz: int = 16_000) -> NDArray[np.int16]:
    return np.random.default_rng(1).integers(-32768, 32768, int(duration_s * rate_hz), dtype=np.int16)


def tone(frequency_hz: float, rate_hz: int, duration_s: float = 1.0) -> NDArray[np.float64]:
    """At half of full scale."""
    return 0.5 * np.sin(2 * np.pi * frequency_hz * np.arange(int(duration_s * rate_hz)) / rate_hz)


def wav_header(*, rate_hz: int = 16_000, channels: int = 1, data_bytes: int) -> bytes:
    """Of 16-bit PCM, with the size that it is told to claim."""
    block = 2 * channels
    form = struct.pack("<4sIHHIIHH", b"fmt ", 16, 1, channels, rate_hz, rate_hz * block, block, 16)
    riff_bytes = min(0xFFFF_FFFF, 36 + data_bytes)
    return struct.pack("<4sI4s", b"RIFF", riff_bytes, b"WAVE") + form + struct.pack("<4sI", b"data", data_bytes)
