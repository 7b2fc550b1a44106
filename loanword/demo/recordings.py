"""Which recordings the demo uploads, and whose they are: the built-in samples, or a folder with a `manifest.csv`."""

import csv
from dataclasses import dataclass
from pathlib import Path

from corpus.errors import BadManifest

SAMPLES = Path(__file__).parent.parent / "samples"
NEEDED_COLUMNS = ("file", "transcript", "speaker")


@dataclass(frozen=True, slots=True)
class Recording:
    """One file, the speaker who lends it, what is said in it where that is known, and where it comes from."""

    path: Path
    transcript: str
    speaker: str
    locale: str
    source: str = ""


def read_manifest(folder: Path) -> list[Recording]:
    """The recordings of a folder, in the order of its `manifest.csv`.

    Columns `file` (relative to the folder), `transcript` and `speaker` are needed, `language` and `source` are used.
    A row without a speaker is somebody of its own. Raises `BadManifest`, naming the line.
    """
    manifest = folder / "manifest.csv"
    try:
        with manifest.open(encoding="utf-8", newline="") as lines:
            rows = list(csv.DictReader(lines, strict=True))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise BadManifest(f"{manifest} cannot be read: {error}") from error
    if not rows:
        raise BadManifest(f"{manifest} names no recording.")
    if missing := [column for column in NEEDED_COLUMNS if column not in rows[0]]:
        raise BadManifest(f"{manifest} lacks the column(s) {', '.join(missing)}.")
    return [_recording(folder, number, row) for number, row in enumerate(rows, start=2)]


def _recording(folder: Path, line: int, row: dict[str, str]) -> Recording:
    path = folder / (row["file"] or "")
    if not path.is_file() or not path.resolve().is_relative_to(folder.resolve()):
        raise BadManifest(f"manifest.csv line {line}: there is no file {row['file']!r} in the folder.")
    return Recording(
        path=path,
        transcript=row["transcript"] or "",
        speaker=row["speaker"] or f"unnamed-{line}",
        locale={"": "en-US", "en": "en-US"}.get(row.get("language") or "", row.get("language") or "en-US"),
        source=row.get("source") or "",
    )
