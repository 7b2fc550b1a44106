"""Says whether a file's bytes are the one kind of WAV that a release holds: RIFF, PCM, 16 kHz, mono, 16 bit.

Such a file is a `fmt ` chunk and a `data` chunk, whose stated lengths are their lengths, and nothing else: any other
chunk could carry metadata.
"""

import struct

SAMPLE_RATE_HZ = 16_000
BYTES_PER_SAMPLE = 2
_FORMAT = struct.pack("<HHIIHH", 1, 1, SAMPLE_RATE_HZ, SAMPLE_RATE_HZ * BYTES_PER_SAMPLE, BYTES_PER_SAMPLE, 16)
_HEADER = struct.Struct("<4sI4s4sI16s4sI")
HEADER_BYTES = _HEADER.size


def wav_faults(content: bytes) -> list[str]:
    """What is wrong with a WAV file; empty when it is as it should be."""
    if len(content) < HEADER_BYTES:
        return [f"is {len(content)} bytes, too short for a WAV file"]
    riff, riff_bytes, wave, fmt, fmt_bytes, format_, data, data_bytes = _HEADER.unpack_from(content)
    if (riff, wave, fmt, fmt_bytes, data) != (b"RIFF", b"WAVE", b"fmt ", 16, b"data"):
        return ["is not a WAV file of exactly one `fmt ` and one `data` chunk"]
    faults = []
    if format_ != _FORMAT:
        tag, channels, rate_hz, _, _, bits = struct.unpack("<HHIIHH", format_)
        faults.append(
            f"is format {tag}, {rate_hz} Hz, {channels} channel(s), {bits} bit; not PCM, 16000 Hz, mono, 16 bit"
        )
    if data_bytes != len(content) - HEADER_BYTES or riff_bytes != len(content) - 8:
        faults.append(f"says it holds {data_bytes} bytes of sound, and holds {len(content) - HEADER_BYTES}")
    if data_bytes % BYTES_PER_SAMPLE:
        faults.append("ends in the middle of a sample")
    return faults


def samples_in(content: bytes) -> int:
    """How many samples a sound WAV file holds."""
    return (len(content) - HEADER_BYTES) // BYTES_PER_SAMPLE
