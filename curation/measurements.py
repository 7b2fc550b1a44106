"""What is measured of a clip: one row of plain numbers, on which the stages decide. Pure.

All of it is of the clip as it is kept, after its leading and trailing silence was trimmed. Levels are dBFS of a 16-bit
sample: 0 is full scale (32,768), and digital silence counts as `FLOOR_DBFS`. None is what could not be measured.
"""

from dataclasses import dataclass

from corpus.audio import RATE_HZ

VERSION = 1
"""Grows whenever a measure is taken otherwise: clips are then measured again from the audio that is kept of them."""

FLOOR_DBFS = -120.0
"""Far below the -96 dBFS of one least significant bit, and a number that JSON can carry."""

GATE_DBFS = -50.0
"""A frame of 20 ms above this sounds. The faintest voices of the tuning recordings lie at -44 dBFS."""


@dataclass(frozen=True, slots=True)
class Measurements:
    """Mono 16 kHz audio in numbers."""

    samples: int
    is_cut: bool
    """Whether the recording went on past the decoder's limit, so that this is only its beginning."""
    peak_dbfs: float
    rms_dbfs: float
    lufs: float | None
    """Integrated loudness (ITU-R BS.1770-5, one channel); None under 0.4 s, and where nothing passes its gate."""
    clipped_share: float
    """The share of samples, 0 to 1, that stand in a flat top at full scale."""
    dc_offset: float
    """The mean of the samples, full scale at ±1."""
    sounding_s: float
    """How long the frames above `GATE_DBFS` last together; a constant offset is no sound."""
    sounding_dbfs: float | None
    """The mean power of those frames: pauses do not count, as in ITU-T P.56. None where nothing sounds."""
    speech_s: float | None
    """How long the detector hears speech. None where there is no detector."""
    speech_share: float | None
    """The part of what sounds that the detector takes for speech, 0 to 1."""
    snr_db: float | None
    """What sounds above what is always there (the tenth percentile of the frames). None where nothing sounds."""
    bandwidth_hz: float | None
    """Up to where there is sound: about 3,600 of telephone audio, whatever its rate is now. None in silence."""
    hum_dbfs: float | None
    """The level of mains hum, 50 or 60 Hz with harmonics, in the pauses; None where none stands out."""
    starts_db: float | None
    """The first 40 ms beside what sounds: near 0 where a word is cut off. None where nothing sounds."""
    ends_db: float | None
    """The last 40 ms, likewise."""

    @property
    def duration_s(self) -> float:
        return self.samples / RATE_HZ
