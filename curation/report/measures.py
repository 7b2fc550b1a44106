"""What the report draws histograms of, and where their bins begin. Pure."""

from collections.abc import Mapping, Sequence
from enum import StrEnum

LARGEST_SET = 10
"""Sets of the same audio of this size and of more are told together."""


class Measure(StrEnum):
    """What is known of a clip in numbers, with its unit."""

    DURATION_S = "duration_s"
    RMS_DBFS = "rms_dbfs"
    SNR_DB = "snr_db"
    SPEECH_SHARE = "speech_share"
    BANDWIDTH_HZ = "bandwidth_hz"
    DNSMOS_OVRL = "dnsmos_ovrl"
    HEARD_CONFIDENCE = "heard_confidence"
    CONFIDENCE = "confidence"


EDGES: Mapping[Measure, Sequence[float]] = {
    Measure.DURATION_S: (0.3, 0.5, 1, 1.5, 2, 2.5, 3, 4, 5, 6, 8, 10, 15, 20),
    Measure.RMS_DBFS: (-70, -60, -50, -45, -40, -35, -30, -25, -20, -15, -10, -5),
    Measure.SNR_DB: (0, 5, 10, 15, 20, 25, 30, 35, 40, 50, 60),
    Measure.SPEECH_SHARE: (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9),
    Measure.BANDWIDTH_HZ: (1000, 2000, 3000, 3400, 3800, 4500, 5500, 6500, 7500),
    Measure.DNSMOS_OVRL: (1.25, 1.5, 1.75, 2, 2.25, 2.5, 2.75, 3, 3.25, 3.5, 3.75, 4),
    Measure.HEARD_CONFIDENCE: (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9),
    Measure.CONFIDENCE: (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9),
}
"""A bin holds its lower edge. What lies beyond the first or the last edge has a bin of its own."""
