"""Reads WAVs of the plainest form, whose samples lie there one after the other: no decoder is needed, and no library
that a recording could take over, so this process may do it itself.

One channel of 16-bit PCM or µ-law, and no chunk that says more. That is how assistants record and telephones speak.
All else, and all that contradicts itself, is for `corpus/speech/decode_child.py`, which makes the same of these. What
there is to do is bounded by the limit on uploads, and by that on what is decoded.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from corpus.audio import RATE_HZ
from corpus.speech.canonical import BLOCK_FRAMES, Block

_CHUNK = struct.Struct("<4sI")
_FORM = struct.Struct("<HHIIHH")
"""The code of the samples, channels, samples a second, bytes a second, bytes a sample, bits a sample."""
_CODECS = {(1, 2, 16): "pcm_16", (7, 1, 8): "ulaw"}
_NO_EXTENSION = bytes(2)
_FACT_BYTES = 4
_LAYOUTS = ([b"fmt ", b"data"], [b"fmt ", b"fact", b"data"])


@dataclass(frozen=True, slots=True, eq=False)
class PlainWav:
    """A `Source`; its samples as they were written."""

    rate_hz: int
    codec: str
    data: memoryview
    channels: int = 1
    container: str = "wav"

    def blocks(self) -> Iterator[Block]:
        is_pcm = self.codec == "pcm_16"
        written = np.frombuffer(self.data, "<i2" if is_pcm else "u1")
        for start in range(0, len(written), BLOCK_FRAMES):
            block = written[start : start + BLOCK_FRAMES, np.newaxis]
            linear: NDArray[np.int16] = block.astype(np.int16, copy=False) if is_pcm else _mu_law()[block]
            yield linear if is_pcm and self.rate_hz == RATE_HZ else linear.astype(np.float32) * np.float32(1 / 32_768)


def read(recording: bytes) -> PlainWav | None:
    """None, where it is anything but a plain WAV whose sizes are all true."""
    if recording[:4] != b"RIFF" or recording[8:12] != b"WAVE":
        return None
    chunks = _chunks(recording)
    if [name for name, _ in chunks] not in _LAYOUTS:
        return None
    form, data = chunks[0][1], chunks[-1][1]
    if len(chunks) == len(_LAYOUTS[-1]) and len(chunks[1][1]) != _FACT_BYTES:
        return None
    if len(form) < _FORM.size or form[_FORM.size :] not in (b"", _NO_EXTENSION):
        return None
    code, channels, rate_hz, bytes_a_second, sample_bytes, bits = _FORM.unpack_from(form)
    codec = _CODECS.get((code, sample_bytes, bits))
    if codec is None or channels != 1 or bytes_a_second != rate_hz * sample_bytes or len(data) % sample_bytes:
        return None
    return PlainWav(rate_hz, codec, data)


def _chunks(recording: bytes) -> list[tuple[bytes, memoryview]]:
    """Names and contents; none, where they do not end with the recording or are too many to be plain."""
    whole, found, at = memoryview(recording), list[tuple[bytes, memoryview]](), _CHUNK.size + 4
    if _CHUNK.unpack_from(recording)[1] != len(recording) - _CHUNK.size:
        return []
    while at + _CHUNK.size <= len(recording) and len(found) < len(_LAYOUTS[-1]):
        name, size_bytes = _CHUNK.unpack_from(recording, at)
        start = at + _CHUNK.size
        at = start + size_bytes + size_bytes % 2
        found.append((name, whole[start : start + size_bytes]))
    return found if at == len(recording) else []


@cache
def _mu_law() -> NDArray[np.int16]:
    """What each byte stands for (ITU-T G.711, table 2a, on 16 bits): sign, exponent and four bits, all inverted."""
    byte = ~np.arange(256, dtype=np.uint8)
    exponent, mantissa = (byte >> 4) & 7, byte & 15
    level = (((mantissa.astype(np.int32) << 3) + 132) << exponent) - 132
    return np.where(byte & 128, -level, level).astype(np.int16)
