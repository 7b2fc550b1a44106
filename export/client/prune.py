"""Takes withdrawn clips out of a local copy: out of its CSVs, its loose clips and its archives.

In an order that can be broken off anywhere and begun again: the tombstones are kept first; what a trainer reads goes
next; the lists that say what an archive held go last. Nothing counts as done before a look has found none of the names.
"""

from collections.abc import Collection, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from corpus.errors import BadRelease
from export.client import contents as layout
from export.client.archive import members
from export.client.check_clips import text_beside
from export.client.contents import Contents
from export.client.files import open_regular, read_regular
from export.client.rows import CsvRow, csv_rows, write_csv
from export.client.state import Tombstone
from export.client.unpack import read_digests, unpack


@dataclass(frozen=True, slots=True)
class Pruned:
    """What was removed from a copy: clips by name, and archives, whose other clips lie loose now."""

    clips: tuple[str, ...]
    archives: tuple[str, ...]


def contents_of(directory: Path) -> Contents | None:
    """What a folder holds, or began to; None where that is no release. Raises `BadRelease` where it is damaged."""
    for path in (directory / layout.MANIFEST, directory / f"{layout.MANIFEST}.part"):
        raw = read_regular(path, layout.LARGEST_MANIFEST_BYTES)
        if raw is not None:
            return layout.parse_contents(raw)
    return None


def apply_tombstones(directory: Path, version: str, tombstones: Collection[Tombstone]) -> Pruned:
    """Removes every withdrawn clip of this version. Done again it finds nothing.

    Raises `BadRelease` where a list is too damaged to be shortened, or a name is still there at the end.
    """
    names = {each.wav_filename for each in tombstones if each.version == version}
    if not names or not directory.is_dir():
        return Pruned((), ())
    found: set[str] = set()
    for split in layout.SPLITS:
        found |= _shorten_csv(directory / f"{split}.csv", names)
    for name in sorted(names):
        for path in (directory / name, directory / text_beside(name)):
            if _is_there(path):
                path.unlink()
                found.add(name)
            with suppress(FileNotFoundError):
                path.with_name(f"{path.name}.part").unlink()
        with suppress(OSError):  # other clips are in it, or it was never there
            (directory / name).parent.rmdir()
    archives = _open_archives(directory, names, found)
    for listing in (layout.CLIPS, layout.CONSENTS):
        found |= _shorten_lines(directory / listing, names)
    for part in directory.glob("*.part"):
        if part.name.removesuffix(".part") in (layout.CLIPS, layout.CONSENTS, *(f"{s}.csv" for s in layout.SPLITS)):
            part.unlink()
    if left := sorted(names_in(directory, names)):
        raise BadRelease(f"{left[0]} was withdrawn, and is still in {directory}: remove it by hand.")
    return Pruned(tuple(sorted(found)), tuple(archives))


def names_in(directory: Path, names: Collection[str]) -> set[str]:
    """Which of these clips are still there, anywhere: in a CSV, a list, an archive, or loose."""
    there = {name for name in names if _is_there(directory / name) or _is_there(directory / text_beside(name))}
    for path in (*(f"{split}.csv" for split in layout.SPLITS), layout.CLIPS, layout.CONSENTS):
        there |= {name for line in _lines(directory / path) for name in _named_in(line, names)}
    for archive in _archives(directory):
        there |= {name for name, _ in _members(archive) if name in names}
    return there


def _named_in(line: bytes, names: Collection[str]) -> Iterator[str]:
    """Names stand in quotes or at a line's beginning, and are of one length mostly: looked for by their form."""
    for found in layout.clip_names_in(line):
        if found in names:
            yield found


def _shorten_csv(path: Path, names: Collection[str]) -> set[str]:
    file = open_regular(path)
    if file is None:
        return set()
    rows: list[CsvRow] = []
    with file:
        for row in csv_rows(file):
            if isinstance(row, str):
                raise BadRelease(f"{path.name}: {row}")
            rows.append(row)
    gone = {row.wav_filename for row in rows if row.wav_filename in names}
    if gone:
        _replace(path, write_csv(row for row in rows if row.wav_filename not in gone))
    return gone


def _shorten_lines(path: Path, names: Collection[str]) -> set[str]:
    """A line goes whole, and the others stay byte for byte: their proofs are about their bytes."""
    gone: set[str] = set()
    kept: list[bytes] = []
    for line in _lines(path):
        named = set(_named_in(line, names))
        gone |= named
        if not named:
            kept.append(line)
    if gone:
        _replace(path, b"".join(kept))
    return gone


def _open_archives(directory: Path, names: Collection[str], found: set[str]) -> list[str]:
    """Archives that hold a withdrawn clip are unpacked, but for that clip, and removed."""
    removed = []
    digests = None
    for part in (directory / layout.ARCHIVES).glob("*.part"):
        part.unlink()  # it may hold one, and what it was the beginning of is fetched anew
    for archive in _archives(directory):
        path = archive.relative_to(directory).as_posix()
        held = {name for name, _ in _members(archive) if name in names}
        if not held:
            continue
        digests = read_digests(directory) if digests is None else digests
        staying = {name: each for name, each in digests.get(path, {}).items() if name not in names}
        with suppress(BadRelease):  # damaged: what is sound of it is loose now, and the rest is pulled again
            unpack(archive, directory, staying, left_packed=names)
        archive.unlink()
        found |= held
        removed.append(path)
    return removed


def _archives(directory: Path) -> list[Path]:
    return sorted((directory / layout.ARCHIVES).glob("*.tar"))


def _members(archive: Path) -> Iterator[tuple[str, bytes]]:
    file = open_regular(archive)
    if file is not None:
        with file, suppress(BadRelease):
            yield from members(file)


def _lines(path: Path) -> Iterator[bytes]:
    file = open_regular(path)
    if file is not None:
        with file:
            yield from file


def _is_there(path: Path) -> bool:
    return path.is_symlink() or path.exists()


def _replace(path: Path, content: bytes) -> None:
    part: Path = path.with_name(f"{path.name}.part")
    part.write_bytes(content)
    part.replace(path)
