"""The canonical WAV file: a 44-byte RIFF header, then 16-bit mono PCM at 16 kHz, and not a byte of metadata.

`fmt ` has format tag 1 and 16 bytes, as DeepSpeech reads it (Multimedia Programming Interface 1.0, "WAVE").
"""

import struct

from corpus.audio import RATE_HZ, SAMPLE_BYTES

HEADER_BYTES = 44

_HEADER = struct.Struct("<4sI4s4sIHHIIHH4sI")
_PCM_TAG = 1
_CHANNELS = 1


def header(samples: int) -> bytes:
    """The 44 bytes that stand before this many samples."""
    data_bytes = samples * SAMPLE_BYTES
    return _HEADER.pack(
        b"RIFF",
        HEADER_BYTES - 8 + data_bytes,
        b"WAVE",
        b"fmt ",
        16,
        _PCM_TAG,
        _CHANNELS,
        RATE_HZ,
        RATE_HZ * SAMPLE_BYTES * _CHANNELS,
        SAMPLE_BYTES * _CHANNELS,
        8 * SAMPLE_BYTES,
        b"data",
        data_bytes,
    )


def size_bytes(samples: int) -> int:
    """Of the whole file: the `wav_filesize` of a manifest."""
    return HEADER_BYTES + samples * SAMPLE_BYTES
