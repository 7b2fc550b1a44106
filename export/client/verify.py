"""Says whether a release on this disk is whole and fit to train on, needing no network.

Every file has the digest that the release gives it; every row of the CSVs is a recording that is there, in the one form
of audio, under a label that its trainer can read; each clip is in one split, and each speaker too. Nothing is held but
an index of some 250 bytes a clip: audio is read a clip at a time, by a few threads (hashing lets others run).
"""

import os
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from corpus.errors import BadRelease
from export.client import contents as layout
from export.client import proofs
from export.client.check_clips import check_loose, check_packed
from export.client.check_consents import read_consents
from export.client.check_rows import agreeing_lines, read_csvs
from export.client.check_signatures import check_signatures
from export.client.contents import ClipLine, Contents
from export.client.files import read_regular, sha256_of
from export.client.findings import Findings, Problem

PROBLEMS_NAMED = 20
TELL_OF_CLIPS = frozenset({layout.CLIPS, layout.CONSENTS, *(f"{split}.csv" for split in layout.SPLITS)})
WORKERS = min(4, os.cpu_count() or 1)


@dataclass(frozen=True, slots=True)
class VerifyReport:
    """What was found. `problems` names the first ones; `problem_count` counts them all.

    `withdrawn` clips of the signed set are gone, as their tombstones say. `key` is the one that all of it was checked
    against, and `trusted` whether somebody vouched for it: a key that was given, or pinned at the first pull.
    """

    directory: Path
    name: str | None
    version: str | None
    revision: int | None
    clips: Mapping[str, int]
    files: int
    withdrawn: int
    key: str | None
    trusted: bool
    problems: tuple[Problem, ...]
    problem_count: int

    @property
    def sound(self) -> bool:
        return self.problem_count == 0


def verify(
    directory: Path,
    *,
    trust: bytes | None = None,
    pins_file: Path | None = None,
    problems_named: int = PROBLEMS_NAMED,
) -> VerifyReport:
    """Looks at every byte of the release in `directory`. A bad one raises nothing: the report says what is wrong.

    `trust` is the operator's raw public key; without it, the one that was pinned by the pull. An archive may be absent
    where its clips lie loose, as `pull` leaves them; and clips that have tombstones must be.
    """
    findings = Findings(problems_named)
    clips: Counter[str] = Counter()
    contents = _read_contents(directory, findings)
    signed = check_signatures(directory, contents, trust, pins_file, findings)
    if contents is not None:
        _check_sums(directory, contents, findings)
        archives = _check_files(directory, contents, signed.tombstones, findings)
        clips = _check_clips(directory, contents, archives, signed.tombstones, findings)
    return VerifyReport(
        directory,
        contents.name if contents else None,
        contents.version if contents else None,
        contents.revision if contents else None,
        {split: clips[split] for split in layout.SPLITS},
        len(contents.files) + 3 if contents else 0,
        len(signed.tombstones),
        proofs.key_id(signed.key) if signed.key else None,
        signed.trusted,
        tuple(findings.named),
        findings.count,
    )


def _check_clips(
    directory: Path, contents: Contents, archives: list[str], tombstones: Mapping[str, str], findings: Findings
) -> Counter[str]:
    """Returns how many clips each split has."""
    clips: Counter[str] = Counter()
    rows = read_csvs(directory, tombstones, findings)
    alphabet = _read_alphabet(directory, findings)
    consents = read_consents(directory, contents, tombstones, findings)
    lines = _counted(agreeing_lines(directory, rows, consents, alphabet, contents, findings), clips)
    packed = check_loose(directory, lines, findings, WORKERS)
    if packed:
        check_packed(directory, archives, packed, rows, findings)
    for wav_filename in consents:
        findings.add(layout.CONSENTS, f"has a proof of consent to {wav_filename}, which is not in {layout.CLIPS}")
    for wav_filename, (split, _, _) in ((name, row) for name, row in rows.items() if row is not None):
        findings.add(f"{split}.csv", f"names {wav_filename}, which is not in {layout.CLIPS}")
    if clips.total() + len(tombstones) != sum(contents.clips.values()) or any(
        clips[split] > contents.clips[split] for split in layout.SPLITS
    ):
        counted = ", ".join(f"{contents.clips[split]} clips in {split}" for split in layout.SPLITS)
        there = ", ".join(f"{clips[split]} in {split}" for split in layout.SPLITS)
        findings.add(layout.MANIFEST, f"counts {counted}, and there are {there}, and {len(tombstones)} withdrawn")
    for path in _strays(directory, {*contents.files}, rows):
        withdrawn = path in tombstones or _wav_beside(path) in tombstones
        findings.add(path, "was withdrawn: run `loanword prune`" if withdrawn else "is no part of this release")
    return clips


def _read_contents(directory: Path, findings: Findings) -> Contents | None:
    raw = read_regular(directory / layout.MANIFEST, layout.LARGEST_MANIFEST_BYTES)
    if raw is None:
        findings.add(layout.MANIFEST, "is not there: this is no release, or one that was not pulled to its end")
        return None
    try:
        return layout.parse_contents(raw)
    except BadRelease as error:
        findings.add(layout.MANIFEST, str(error))
        return None


def _check_sums(directory: Path, contents: Contents, findings: Findings) -> None:
    raw = read_regular(directory / layout.SUMS, layout.LARGEST_MANIFEST_BYTES)
    if raw is None:
        findings.add(layout.SUMS, "is not there")
        return
    try:
        sums = layout.parse_sums(raw)
    except BadRelease as error:
        findings.add(layout.SUMS, str(error))
        return
    manifest = sha256_of(directory / layout.MANIFEST)
    expected = {path: entry.sha256 for path, entry in contents.files.items()}
    expected[layout.MANIFEST] = manifest[1] if manifest else ""
    for path in sorted(sums.keys() ^ expected.keys()):
        findings.add(layout.SUMS, f"{'names' if path in sums else 'lacks'} {path}, unlike {layout.MANIFEST}")
    for path in sorted(sums.keys() & expected.keys()):
        if sums[path] != expected[path]:
            findings.add(path, f"has another digest in {layout.SUMS}")


def _check_files(directory: Path, contents: Contents, tombstones: Mapping[str, str], findings: Findings) -> list[str]:
    """Checks each file's digest; returns the archives that are there and sound.

    Once clips are withdrawn, the files that tell of clips are shorter: what is left of them is proven line by line.
    """
    archives = []
    with ThreadPoolExecutor(WORKERS) as pool:
        entries = [*contents.beside_archives(), *contents.archives()]
        for entry, found in zip(entries, pool.map(lambda e: sha256_of(directory / e.path), entries), strict=True):
            is_archive = entry.path.startswith(layout.ARCHIVES)
            if found is None:
                if not is_archive or os.path.lexists(directory / entry.path):
                    findings.add(entry.path, "is not there, or is no plain file")
            elif tombstones and entry.path in TELL_OF_CLIPS:
                continue
            elif found[0] != entry.size_bytes:
                findings.add(entry.path, f"is {found[0]} bytes, not {entry.size_bytes}")
            elif found[1] != entry.sha256:
                findings.add(entry.path, "has been changed: its SHA-256 is another")
            elif is_archive:
                archives.append(entry.path)
    return archives


def _read_alphabet(directory: Path, findings: Findings) -> frozenset[str]:
    try:
        return layout.parse_alphabet(read_regular(directory / layout.ALPHABET, layout.LARGEST_ALPHABET_BYTES) or b"")
    except BadRelease as error:
        findings.add(layout.ALPHABET, str(error))
        return frozenset()


def _counted(lines: Iterable[ClipLine], clips: Counter[str]) -> Iterator[ClipLine]:
    for line in lines:
        clips[line.split] += 1
        yield line


def _strays(directory: Path, files: set[str], rows: Mapping[str, object]) -> Iterator[str]:
    """What lies in the release's folders and is not of it; links are never followed, and never of it."""
    for folder in ("clips", layout.ARCHIVES.rstrip("/")):
        ahead = [folder] if os.path.lexists(directory / folder) else []
        while ahead:
            current = ahead.pop()
            if (directory / current).is_symlink() or not (directory / current).is_dir():
                yield current
                continue
            with os.scandir(directory / current) as entries:
                for entry in entries:
                    path = f"{current}/{entry.name}"
                    if entry.is_dir(follow_symlinks=False):
                        ahead.append(path)
                    elif entry.is_symlink() or not (path in files or path in rows or _wav_beside(path) in rows):
                        yield path


def _wav_beside(path: str) -> str:
    return path.removesuffix("txt") + "wav" if path.endswith(".txt") else path
