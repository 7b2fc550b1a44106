"""Canonical audio: mono, 16 kHz, signed 16-bit little-endian PCM. What is kept, reviewed and released is this.

`export/client` declares it anew, for it is installed without us.
"""

import io
import wave

RATE_HZ = 16_000
SAMPLE_BYTES = 2


def wav(pcm: bytes) -> bytes:
    """Canonical PCM in a RIFF header."""
    buffer = io.BytesIO()
    with wave.open(buffer, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(SAMPLE_BYTES)
        file.setframerate(RATE_HZ)
        file.writeframes(pcm)
    return buffer.getvalue()
