"""How the report says what it tells."""

from corpus.demographics import Field
from curation.report.facts import Bin, SetSize
from curation.report.measures import Measure

MEASURES = {
    Measure.DURATION_S: ("Duration", "seconds"),
    Measure.RMS_DBFS: ("Level", "RMS, dBFS"),
    Measure.SNR_DB: ("Signal to noise", "dB"),
    Measure.SPEECH_SHARE: ("Speech", "share of what was listened to"),
    Measure.BANDWIDTH_HZ: ("Bandwidth", "Hz"),
    Measure.DNSMOS_OVRL: ("Perceived quality", "DNSMOS OVRL, 1 to 5"),
    Measure.HEARD_CONFIDENCE: ("Recogniser's confidence", "mean token probability"),
    Measure.CONFIDENCE: ("Confidence", "that the transcript is what is said"),
}
"""A title, and the unit."""

FIELDS = {Field.AGE_BAND: "Age", Field.GENDER: "Gender", Field.ACCENT: "Accent"}
NOT_TOLD = "not told, or not told apart"


def in_words(slug: str | None) -> str:
    """A reason or an answer as people read it."""
    return NOT_TOLD if slug is None else slug.replace("_", "–" if slug[:1].isdigit() and slug[-1:].isdigit() else " ")


def number(value: float) -> str:
    return f"{value:,g}".replace("-", "−")


def between(of: Bin) -> str:
    """What a bin holds."""
    if of.begins is None:
        return f"below {number(of.ends or 0)}"
    return f"{number(of.begins)} and more" if of.ends is None else f"{number(of.begins)} to {number(of.ends)}"


def size(of: SetSize) -> str:
    return f"{of.clips} and more" if of.and_more else f"{of.clips}"


def share(part: int, whole: int) -> str:
    """In per cent of the whole; a dash of nothing."""
    return f"{100 * part / whole:.1f} %" if whole else "–"
