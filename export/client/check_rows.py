"""Compares the CSVs and `clips.jsonl`, row by row: the same clips, saying the same, each speaker in one split."""

from collections.abc import Collection, Iterator, Mapping
from hashlib import sha256
from pathlib import Path

from corpus.errors import BadRelease
from export.client import contents as layout
from export.client.archive import LONGEST_CLIP_S
from export.client.check_consents import Consent
from export.client.contents import ClipLine, Contents
from export.client.files import open_regular
from export.client.findings import Findings
from export.client.rows import (
    CsvRow,
    csv_rows,
    fits_its_recording,
    is_written_our_way,
    label_faults,
)
from export.client.wav_header import BYTES_PER_SAMPLE, HEADER_BYTES, SAMPLE_RATE_HZ

LONGEST_LINE_BYTES = 65_536

Row = tuple[str, int, int]
"""Split, size in bytes, and Python's keyed hash of the transcript: what a CSV says of a clip, in few bytes."""

Rows = dict[str, Row | None]
"""By wav_filename. None once its line in `clips.jsonl` was found."""


def read_csvs(directory: Path, tombstoned: Collection[str], findings: Findings) -> Rows:
    """What the CSVs say of each clip. Once pruned they have no digest any more, and must be of the one form."""
    rows: Rows = {}
    pruned = bool(tombstoned)
    for split in layout.SPLITS:
        path = f"{split}.csv"
        file = open_regular(directory / path)
        if file is None:
            continue  # reported with the files
        try:
            with file:
                read = list(csv_rows(file)) if pruned else csv_rows(file)
                for row in read:
                    if isinstance(row, CsvRow) and row.wav_filename in tombstoned:
                        row = f"line {row.line} names {row.wav_filename}, which was withdrawn: run `loanword prune`"
                    _keep_row(rows, split, row, findings)
            if pruned and not is_written_our_way(directory / path, read):
                findings.add(path, "is not written as a release's CSV is")
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
    directory: Path,
    rows: Rows,
    consents: dict[str, Consent],
    alphabet: frozenset[str],
    contents: Contents,
    findings: Findings,
) -> Iterator[ClipLine]:
    """The lines that can be read, each compared with its CSV row, its proof of consent, and its speaker's other clips.

    Takes out of `consents` those that it has met.
    """
    split_of: dict[str, str] = {}
    for number, raw in enumerate(_lines(directory / layout.CLIPS), start=1):
        if not raw.endswith(b"\n"):
            findings.add(layout.CLIPS, f"line {number} has no end")
        try:
            line = layout.parse_clip_line(raw)
        except BadRelease as error:
            findings.add(layout.CLIPS, f"line {number} {error}")
            continue
        findings.add(line.wav_filename, *_line_faults(line, rows, alphabet))
        findings.add(layout.CLIPS, *_consent_faults(number, line, raw, consents.pop(line.wav_filename, None)))
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


def _consent_faults(number: int, line: ClipLine, raw: bytes, consent: Consent | None) -> list[str]:
    if consent is None:
        return [f"line {number} names {line.wav_filename}, of which {layout.CONSENTS} has no sound proof of consent"]
    faults = []
    if sha256(raw.removesuffix(b"\n")).digest() != consent.line_sha256:
        faults.append(f"line {number} is not the one that the proof of consent to {line.wav_filename} is about")
    if bytes.fromhex(line.sha256) != consent.wav_sha256:
        faults.append(f"line {number} gives {line.wav_filename} another digest than its proof of consent")
    return faults


def _lines(path: Path) -> Iterator[bytes]:
    file = open_regular(path)
    if file is not None:
        with file:
            while line := file.readline(LONGEST_LINE_BYTES):
                yield line
