"""The recorded speech and noise that figures are measured on. It is no part of Loanword: licences differ by recording.

A folder with `dev/manifest.csv` and `noise/manifest.csv`, each beside the files that it names. It is looked for in
`--data`, then in SPEECH_DATA, then in `../shared/data` beside the checkout.
"""

import csv
import os
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.curation.halves import Half, halves
from corpus.speech.decoder import Decoder

ROOT = Path(__file__).parents[2]
VARIABLE = "SPEECH_DATA"
LONGEST = timedelta(minutes=10)


class NoMaterial(Exception):
    """There is no recorded speech to measure on."""


@dataclass(frozen=True, slots=True)
class Recording:
    """A row of a manifest. Text fields are empty where the source says nothing."""

    path: Path
    transcript: str
    transcript_kind: str
    language: str
    source: str
    speaker: str
    speaker_kind: str
    gender: str
    accent: str
    channel: str
    container: str
    codec: str
    duration_s: float
    tags: frozenset[str]
    dup_group: str

    @property
    def headerless(self) -> bool:
        """Nothing in the file says what it is, and our decoder refuses it, rightly."""
        return self.container == "raw"


@dataclass(frozen=True, slots=True)
class Material:
    """What a section is given: the speech of one half, all of the noise, and a decoder."""

    half: Half
    speech: Sequence[Recording]
    noise: Sequence[Recording]
    seed: int
    """Another one for each half."""
    decoder: Decoder

    def samples(self, of: Recording) -> NDArray[np.int16]:
        """16 kHz mono, shape (samples,), through the decoder of the product. Raises `Undecodable`."""
        return np.frombuffer(self.decoder.decode(of.path.read_bytes(), LONGEST).pcm, dtype="<i2")


def folder(option: Path | None = None) -> Path:
    """Where the recordings are. Raises `NoMaterial`."""
    named = option or Path(os.environ.get(VARIABLE) or ROOT.parent / "shared" / "data")
    if not (named / "dev" / "manifest.csv").is_file():
        raise NoMaterial(
            f"There is no recorded speech in {named}: its dev/manifest.csv is missing. Name the folder with --data or "
            f"in {VARIABLE}. Any speech will do that has such a manifest; figures then are of that speech."
        )
    return named


def load(root: Path, half: Half, seed: int, decoder: Decoder) -> Material:
    speech = recordings(root / "dev")
    of = halves((each.source, each.speaker) for each in speech)
    return Material(
        half=half,
        speech=[each for each in speech if of[each.speaker] is half],
        noise=recordings(root / "noise"),
        seed=2 * seed + (half is Half.REPORTED),
        decoder=decoder,
    )


def recordings(root: Path) -> list[Recording]:
    """Of a manifest, in its order."""
    with (root / "manifest.csv").open(encoding="utf-8", newline="") as file:
        return [_recording(root, row) for row in csv.DictReader(file)]


def _recording(root: Path, row: dict[str, str]) -> Recording:
    as_they_stand = (
        *("transcript", "transcript_kind", "language", "source", "speaker", "speaker_kind"),
        *("gender", "accent", "channel", "container", "codec", "dup_group"),
    )
    return Recording(
        path=root / row["file"],
        duration_s=float(row["duration_s"] or 0),
        tags=frozenset(row["tags"].split()),
        **{name: row[name] for name in as_they_stand},
    )
