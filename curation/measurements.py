"""What is measured of a clip: one row of plain numbers, on which the stages decide. Pure.

All of it is of the clip as it is kept, after its leading and trailing silence was trimmed. Levels are dBFS of a 16-bit
sample: 0 is full scale (32,768), and digital silence counts as `FLOOR_DBFS`. None is what could not be measured.
"""

from dataclasses import dataclass

from corpus.audio import RATE_HZ

VERSION = 2
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
    snr_db: float | None
    """What stands out above what is always there (the frames' tenth percentile). None where nothing stands out.

    Right where the noise is steady and the voice pauses, as a command does: with white noise added to 60 clean
    recordings it is within 1.5 dB of the truth from 5 dB up, and 3 dB too high at 0. WADA-SNR, which needs no pauses,
    is as sure at 10 dB and too flat above 20. Noise that comes and goes between the words is seen by neither.
    """
    bandwidth_hz: float | None
    """Up to where there is sound: about 3,600 of telephone audio, whatever its rate is now. None in silence."""
    hum_dbfs: float | None
    """The level of mains hum, 50 or 60 Hz with harmonics, in the pauses; None where none stands out."""
    starts_db: float | None
    """The first 40 ms beside what sounds: near 0 where a word is cut off. None where nothing sounds."""
    ends_db: float | None
    """The last 40 ms, likewise."""
    heard_s: float | None = None
    """How long the detector listened: half a second, a second and a half, or all. None where there is none, or an
    earlier drop."""
    speech_s: float | None = None
    """How much of that is speech."""
    dnsmos_sig: float | None = None
    """How good the speech would sound to people, 1 to 5 (`curation.dnsmos`). None where nobody asked."""
    dnsmos_bak: float | None = None
    """The background, likewise."""
    dnsmos_ovrl: float | None = None
    """And the whole."""

    @property
    def duration_s(self) -> float:
        return self.samples / RATE_HZ

    @property
    def speech_share(self) -> float | None:
        """The part of what the detector listened to that is speech, 0 to 1."""
        return None if self.speech_s is None or not self.heard_s else self.speech_s / self.heard_s
