"""Decides which clips DeepSpeech can train on, and writes the manifests that say so: the CSVs and clips.jsonl.

A bad row does not cost a clip there but the whole training run, so the rule is exact. A clip that fails it is left out
with a reason. The limits are DeepSpeech 0.9.3's and Coqui STT 1.4.0's, found by running them.
"""

import csv
import io
import json
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from corpus.alphabet import Alphabet
from corpus.audio import RATE_HZ
from corpus.errors import BadManifest, EmptyTranscript, OutsideAlphabet
from corpus.words import Split
from export import wav
from export.policy import Policy

CSV_COLUMNS = ("wav_filename", "wav_filesize", "transcript")
WINDOW_SAMPLES = 512
STEP_SAMPLES = 320
"""DeepSpeech's features: windows of 32 ms, one every 20 ms, at 16 kHz."""


class LeftOut(StrEnum):
    """Why a reviewed clip is in no manifest."""

    ANOTHER_LOCALE = "another_locale"
    EMPTY_TRANSCRIPT = "empty_transcript"
    OUTSIDE_ALPHABET = "outside_alphabet"
    TOO_SHORT = "too_short"
    TOO_LONG = "too_long"
    TOO_FAST = "transcript_longer_than_audio"


@dataclass(frozen=True, slots=True, kw_only=True)
class ReleasedClip:
    """One clip as a release tells of it. `sha256` is of the whole WAV file."""

    wav_filename: str
    sha256: str
    split: Split
    speaker: str
    locale: str
    samples: int
    shard: str
    transcript: str
    label_source: str
    up_votes: int
    down_votes: int
    confidence: float | None = None
    snr_db: float | None = None
    tags: tuple[str, ...] = ()

    @property
    def wav_filesize(self) -> int:
        return wav.size_bytes(self.samples)

    @property
    def duration_s(self) -> float:
        return self.samples / RATE_HZ

    @property
    def reviews(self) -> int:
        return self.up_votes + self.down_votes


@dataclass(frozen=True, slots=True)
class Row:
    """One row of a CSV."""

    wav_filename: str
    wav_filesize: int
    transcript: str


def judge(text: str, samples: int, locale: str, policy: Policy, alphabet: Alphabet) -> str | LeftOut:
    """The transcript to release, or why the clip is left out."""
    if not is_locale_within(locale, policy.locale):
        return LeftOut.ANOTHER_LOCALE
    try:
        transcript = alphabet.normalise(text)
    except EmptyTranscript:
        return LeftOut.EMPTY_TRANSCRIPT
    except OutsideAlphabet:
        return LeftOut.OUTSIDE_ALPHABET
    duration_s = samples / RATE_HZ
    if duration_s < policy.min_duration_s or samples < WINDOW_SAMPLES:
        return LeftOut.TOO_SHORT
    if duration_s > policy.max_duration_s:
        return LeftOut.TOO_LONG
    if feature_frames(samples) < frames_needed(transcript):
        return LeftOut.TOO_FAST
    return transcript


def is_locale_within(locale: str, wanted: str) -> bool:
    """`en-us` is within `en` and `en-US`, and not within `en-GB`."""
    have, want = (text.replace("_", "-").lower().split("-") for text in (locale, wanted))
    return have[: len(want)] == want


def feature_frames(samples: int) -> int:
    """How many steps the acoustic model hears."""
    return (samples - WINDOW_SAMPLES) // STEP_SAMPLES + 1 if samples >= WINDOW_SAMPLES else 0


def frames_needed(transcript: str) -> int:
    """The fewest steps that CTC can spell it in: one a character, and a blank between two that are alike."""
    return len(transcript) + sum(map(str.__eq__, transcript, transcript[1:]))


def format_csv(rows: Iterable[Row]) -> str:
    """A manifest: exactly the three columns, shortest clip first, as DeepSpeech would sort it."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(CSV_COLUMNS)
    for row in sorted(rows, key=lambda row: (row.wav_filesize, row.wav_filename)):
        writer.writerow((row.wav_filename, row.wav_filesize, row.transcript))
    return text.getvalue()


def parse_csv(text: str) -> list[Row]:
    """Raises `BadManifest` for anything but the three columns."""
    header, *lines = list(csv.reader(io.StringIO(text, newline=""), strict=True)) or [[]]
    if tuple(header) != CSV_COLUMNS:
        raise BadManifest(f"The columns are {', '.join(header)}, and must be {', '.join(CSV_COLUMNS)}.")
    try:
        return [Row(name, int(size), transcript) for name, size, transcript in lines]
    except ValueError as error:
        raise BadManifest(f"A row cannot be understood: {error}.") from error


def csv_rows(clips: Iterable[ReleasedClip]) -> list[Row]:
    return [Row(clip.wav_filename, clip.wav_filesize, clip.transcript) for clip in clips]


CLIPS = "clips.jsonl"

_ENCODER = json.JSONEncoder(ensure_ascii=False)


def format_clip(clip: ReleasedClip) -> str:
    """One line of clips.jsonl, with its line end. Null is for what nobody has measured."""
    fields = {
        "wav_filename": clip.wav_filename,
        "sha256": clip.sha256,
        "split": clip.split.value,
        "speaker": clip.speaker,
        "locale": clip.locale,
        "duration_s": clip.duration_s,
        "samples": clip.samples,
        "shard": clip.shard,
        "transcript": clip.transcript,
        "label_source": clip.label_source,
        "confidence": clip.confidence,
        "reviews": clip.reviews,
        "up_votes": clip.up_votes,
        "down_votes": clip.down_votes,
        "snr_db": clip.snr_db,
        "tags": list(clip.tags),
    }
    return _ENCODER.encode(fields) + "\n"


def parse_clip(line: str) -> ReleasedClip:
    """Raises `BadManifest`."""
    try:
        fields = json.loads(line)
        derived = {name: fields.pop(name) for name in ("duration_s", "reviews")}
        clip = ReleasedClip(**{**fields, "split": Split(fields["split"]), "tags": tuple(fields["tags"])})
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise BadManifest(f"A line of clips.jsonl cannot be understood: {error}.") from error
    if derived != {"duration_s": clip.duration_s, "reviews": clip.reviews}:
        raise BadManifest(f"A line of clips.jsonl contradicts itself: {clip.wav_filename}.")
    return clip
