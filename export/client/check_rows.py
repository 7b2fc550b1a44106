"""Compares the CSVs and `clips.jsonl`, row by row: the same clips, saying the same, each speaker in one split."""

from collections.abc import Iterator, Mapping
from pathlib import Path

from corpus.errors import BadRelease
from export.client import contents as layout
from export.client.archive import LONGEST_CLIP_S
from export.client.contents import ClipLine, Contents
from export.client.files import open_regular
from export.client.findings import Findings
from export.client.rows import CsvRow, csv_rows, fits_its_recording, label_faults
from export.client.wav_header import BYTES_PER_SAMPLE, HEADER_BYTES, SAMPLE_RATE_HZ

LONGEST_LINE_BYTES = 65_536

Row = tuple[str, int, int]
"""Split, size in bytes, and Python's keyed hash of the transcript: what a CSV says of a clip, in few bytes."""

Rows = dict[str, Row | None]
"""By wav_filename. None once its line in `clips.jsonl` was found."""


def read_csvs(directory: Path, findings: Findings) -> Rows:
    """What the CSVs say of each clip."""
    rows: Rows = {}
    for split in layout.SPLITS:
        path = f"{split}.csv"
        file = open_regular(directory / path)
        if file is None:
            continue  # reported with the files
        try:
            with file:
                for row in csv_rows(file):
                    _keep_row(rows, split, row, findings)
        except BadRelease as error:
            findings.add(path, str(error))
    return rows


def _keep_row(rows: Rows, split: str, row: CsvRow | str, findings: Findings) -> None:
    if isinstance(row, str):
        findings.add(f"{split}.csv", row)
    elif row.wav_filename in rows:
        findings.add(f"{split}.csv", f"line {row.line} names {row.wav_filename} again, which is in a CSV already")
    else:
        rows[row.wav_filename] = (split, row.size_bytes, hash(row.transcript))


def agreeing_lines(
    directory: Path, rows: Rows, alphabet: frozenset[str], contents: Contents, findings: Findings
) -> Iterator[ClipLine]:
    """The lines that can be read, each compared with its CSV row, and its speaker's other clips."""
    split_of: dict[str, str] = {}
    for number, raw in enumerate(_lines(directory / layout.CLIPS), start=1):
        try:
            line = layout.parse_clip_line(raw)
        except BadRelease as error:
            findings.add(layout.CLIPS, f"line {number} {error}")
            continue
        findings.add(line.wav_filename, *_line_faults(line, rows, alphabet))
        if line.shard not in contents.files:
            findings.add(line.wav_filename, f"is said to be in {line.shard!r}, which is no file of this release")
        if split_of.setdefault(line.speaker, line.split) != line.split:
            findings.add(
                line.wav_filename, f"has a speaker who is both in {split_of[line.speaker]} and in {line.split}"
            )
        if line.wav_filename in rows:
            rows[line.wav_filename] = None
        yield line


def _line_faults(line: ClipLine, rows: Mapping[str, Row | None], alphabet: frozenset[str]) -> list[str]:
    faults = label_faults(line.transcript, alphabet)
    if not fits_its_recording(line.transcript, line.samples):
        faults.append(f"is too short, at {line.samples} samples, for {len(line.transcript)} characters (the CTC rule)")
    if line.samples > LONGEST_CLIP_S * SAMPLE_RATE_HZ:
        faults.append(f"is longer than {LONGEST_CLIP_S} s")
    if not abs(line.duration_s - line.samples / SAMPLE_RATE_HZ) <= 0.001:  # as written, NaN fails too
        faults.append(f"has {line.samples} samples and a duration of {line.duration_s} s")
    if line.wav_filename not in rows:
        return [*faults, f"is in {layout.CLIPS} and in no CSV"]
    row = rows[line.wav_filename]
    if row is None:
        return [*faults, f"is in {layout.CLIPS} twice"]
    split, size_bytes, transcript_hash = row
    if split != line.split:
        faults.append(f"is in {split}.csv, and of split {line.split} in {layout.CLIPS}")
    if size_bytes != HEADER_BYTES + BYTES_PER_SAMPLE * line.samples:
        faults.append(f"is {size_bytes} bytes in {split}.csv, and {line.samples} samples in {layout.CLIPS}")
    if transcript_hash != hash(line.transcript):
        faults.append(f"has one transcript in {split}.csv and another in {layout.CLIPS}")
    return faults


def _lines(path: Path) -> Iterator[bytes]:
    file = open_regular(path)
    if file is not None:
        with file:
            while line := file.readline(LONGEST_LINE_BYTES):
                yield line
