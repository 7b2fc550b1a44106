"""The contract of the CSVs, and of the labels in them, as a trainer will read them.

A row is what DeepSpeech and Coqui STT load: a path relative to the CSV, a size that they sort by, and a label.
Both abort the training at a label outside the alphabet, an empty one, or one too long for its recording.
"""

import csv
import io
import re
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import BinaryIO

from corpus.errors import BadRelease
from export.client.contents import is_clip_name
from export.client.files import read_regular

HEADER = ["wav_filename", "wav_filesize", "transcript"]
WINDOW_SAMPLES = 512
STEP_SAMPLES = 320
"""The feature frames of both trainers at 16 kHz: 32 ms each 20 ms."""

_SIZE = re.compile(r"[1-9][0-9]{0,9}")


@dataclass(frozen=True, slots=True)
class CsvRow:
    """One row of a CSV. `line` counts from 1, the header's."""

    line: int
    wav_filename: str
    size_bytes: int
    transcript: str


def csv_rows(file: BinaryIO) -> Iterator[CsvRow | str]:
    """Each row, or what is wrong with it; closes the file. Raises `BadRelease` where no more rows can be read."""
    with io.TextIOWrapper(file, encoding="utf-8", errors="strict", newline="") as text:
        reader = csv.reader(text, strict=True)
        try:
            if (header := next(reader, [])) != HEADER:
                raise BadRelease(f"begins with {','.join(header)!r}, not with {','.join(HEADER)!r}")
            yield from _ordered(_row(reader.line_num, cells) for cells in reader)
        except UnicodeDecodeError as error:
            raise BadRelease(f"is not UTF-8 after line {reader.line_num}: {error.reason}") from error
        except csv.Error as error:
            raise BadRelease(f"cannot be read as CSV at line {reader.line_num}: {error}") from error


def _ordered(rows: Iterable[CsvRow | str]) -> Iterator[CsvRow | str]:
    smallest_bytes = 0
    for row in rows:
        yield row
        if isinstance(row, CsvRow):
            if row.size_bytes < smallest_bytes:
                yield f"line {row.line} is not in the order of wav_filesize"
            smallest_bytes = row.size_bytes


def _row(line: int, cells: list[str]) -> CsvRow | str:
    if len(cells) != len(HEADER):
        return f"line {line} has {len(cells)} columns, not {len(HEADER)}"
    wav_filename, size, transcript = cells
    if not is_clip_name(wav_filename):
        return f"line {line} names a file that cannot be a clip of this release: {wav_filename!r}"
    if not _SIZE.fullmatch(size):
        return f"line {line} has a wav_filesize that is no size: {size!r}"
    return CsvRow(line, wav_filename, int(size), transcript)


def write_csv(rows: Iterable[CsvRow]) -> bytes:
    """The one form of a manifest: shortest clip first, and quotes only where they are needed."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(HEADER)
    for row in sorted(rows, key=lambda row: (row.size_bytes, row.wav_filename)):
        writer.writerow((row.wav_filename, row.size_bytes, row.transcript))
    return text.getvalue().encode()


def is_written_our_way(path: Path, rows: Iterable[CsvRow | str]) -> bool:
    """Whether a CSV has these rows, and not one byte more or other than they need."""
    return read_regular(path, 1 << 40) == write_csv(row for row in rows if isinstance(row, CsvRow))


def label_faults(label: str, alphabet: frozenset[str]) -> list[str]:
    """What is wrong with a label; empty when a trainer can learn from it."""
    if not label.strip():
        return ["has an empty transcript"]
    faults = []
    if outside := sorted(set(label) - alphabet):
        faults.append(f"has a transcript outside the alphabet: {''.join(outside)!r}")
    if unicodedata.normalize("NFKC", label) != label:
        faults.append("has a transcript that is not in normal form NFKC")
    if " ".join(label.split()) != label:
        faults.append("has a transcript with spaces at an end, or several together")
    return faults


def fits_its_recording(label: str, samples: int) -> bool:
    """Whether CTC can spell the label: a frame a character, and one more between two that are the same.

    Graves et al. 2006, "Connectionist Temporal Classification", section 3: a path needs a blank between equal labels.
    """
    if samples < WINDOW_SAMPLES:
        return False
    frames = (samples - WINDOW_SAMPLES) // STEP_SAMPLES + 1
    return frames >= len(label) + sum(one == next_ for one, next_ in pairwise(label))
