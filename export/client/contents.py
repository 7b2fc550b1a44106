"""Reads what a release says of itself: `release.json`, `SHA256SUMS`, `alphabet.txt` and the lines of `clips.jsonl`.

Written from the format alone, and apart from the code that writes releases: two readings of one contract find each
other's mistakes. Nothing read here is trusted: a name that could leave the folder, or stand for two files, is refused.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass

from corpus.errors import BadRelease

MANIFEST = "release.json"
SUMS = "SHA256SUMS"
CLIPS = "clips.jsonl"
CONSENTS = "consent.jsonl"
SIGNATURE = "release.json.sig"
STATE = "state.json"
TOMBSTONES = "tombstones.csv"
PULLED = "pulled.json"
ALPHABET = "alphabet.txt"
SPLITS = ("train", "dev", "test")
NEEDED = frozenset({ALPHABET, CLIPS, CONSENTS, *(f"{split}.csv" for split in SPLITS)})
ARCHIVES = "archives/"
SCHEMA_VERSION = 2
LARGEST_MANIFEST_BYTES = 64_000_000
LARGEST_FILE_BYTES = 1 << 40
LARGEST_ALPHABET_BYTES = 65_536

_WORD = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")
_FILE = re.compile(r"[A-Za-z0-9_-]{1,64}(\.[A-Za-z0-9_-]{1,32}){1,3}|LICENSE|archives/(train|dev|test)-[0-9]{5,9}\.tar")
_NOT_INSIDE = "|".join(map(re.escape, (MANIFEST, SIGNATURE, SUMS, STATE, TOMBSTONES, PULLED)))
_RESERVED = re.compile(rf"{_NOT_INSIDE}|.*\.part", re.IGNORECASE)
_CLIP = re.compile(r"clips/([0-9a-f]{2})/(\1[0-9a-f]{6,62})\.(wav|txt)")
_NAMED = re.compile(rb"clips/[0-9a-f]{2}/[0-9a-f]{8,64}\.wav")
_SHA256 = re.compile(r"[0-9a-f]{64}")
_SUM = re.compile(r"([0-9a-f]{64})  (\S+)")


@dataclass(frozen=True, slots=True)
class FileEntry:
    """One file of a release, as the manifest names it."""

    path: str
    size_bytes: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Contents:
    """What a release says of itself. `files` are all but `release.json`, its signature and `SHA256SUMS`."""

    name: str
    version: str
    revision: int
    files: Mapping[str, FileEntry]
    clips: Mapping[str, int]
    """How many clips each split is said to have."""
    consent_root: str
    consent_leaves: int

    def archives(self) -> list[FileEntry]:
        return sorted((each for path, each in self.files.items() if path.startswith(ARCHIVES)), key=lambda e: e.path)

    def beside_archives(self) -> list[FileEntry]:
        return sorted(
            (each for path, each in self.files.items() if not path.startswith(ARCHIVES)), key=lambda e: e.path
        )


@dataclass(frozen=True, slots=True)
class ClipLine:
    """One line of `clips.jsonl`, as far as a reader must agree with it. `sha256` is that of the whole WAV file."""

    wav_filename: str
    sha256: str
    split: str
    speaker: str
    samples: int
    duration_s: float
    transcript: str
    shard: str


def is_clip_name(path: str, kind: str = "wav") -> bool:
    """Whether this names a clip's file: `clips/3f/3f9a….wav`, its folder being its own beginning."""
    found = _CLIP.fullmatch(path)
    return found is not None and found[3] == kind


def clip_names_in(line: bytes) -> list[str]:
    """The names of recordings that a line of a manifest holds."""
    return [found.decode() for found in _NAMED.findall(line)]


def is_sha256(told: object) -> bool:
    """Whether this is a digest as hexadecimal digits."""
    return isinstance(told, str) and _SHA256.fullmatch(told) is not None


def is_word(told: object) -> bool:
    """Whether a release may have this name or version."""
    return isinstance(told, str) and _WORD.fullmatch(told) is not None


def parse_contents(raw: bytes) -> Contents:
    """`release.json`. Raises `BadRelease`."""
    try:
        told = json.loads(raw)
        if told["schema_version"] != SCHEMA_VERSION:
            raise BadRelease(f"has schema version {told['schema_version']!r}: get a newer `loanword`.")
        files = {path: _file_entry(path, entry) for path, entry in told["files"].items()}
        name, version = told["name"], told["version"]
        revision, root, leaves = told["revision"], told["consent_root"], told["consent_leaves"]
        clips = {split: int(told["counts"]["splits"][split]["clips"]) for split in SPLITS}
        if not (_WORD.fullmatch(name) and _WORD.fullmatch(version)):
            raise BadRelease("has a name or a version that cannot be one.")
        if type(revision) is not int or revision < 1 or type(leaves) is not int or not is_sha256(root):
            raise BadRelease("has a revision, or a tree of consent, that cannot be one.")
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise BadRelease(f"cannot be understood: {type(error).__name__} {error}") from error
    if missing := sorted(NEEDED - files.keys()):
        raise BadRelease(f"lacks {', '.join(missing)}.")
    if len({path.casefold() for path in files}) != len(files):
        raise BadRelease("names two files that are one on some disks.")
    return Contents(name, version, revision, files, clips, root, leaves)


def _file_entry(path: str, told: Mapping[str, object]) -> FileEntry:
    size_bytes, sha256 = told["size_bytes"], told["sha256"]
    if not _FILE.fullmatch(path) or _RESERVED.fullmatch(path):
        raise BadRelease(f"names a file that cannot be part of a release: {path!r}")
    if type(size_bytes) is not int or not 0 <= size_bytes <= LARGEST_FILE_BYTES:
        raise BadRelease(f"gives {path} a size that cannot be: {size_bytes!r}")
    if not isinstance(sha256, str) or not _SHA256.fullmatch(sha256):
        raise BadRelease(f"gives {path} a digest that is none: {sha256!r}")
    return FileEntry(path, size_bytes, sha256)


def parse_sums(raw: bytes) -> dict[str, str]:
    """`SHA256SUMS`: path → hexadecimal digest. Raises `BadRelease`."""
    try:
        text = raw.decode("ascii")
    except UnicodeDecodeError as error:
        raise BadRelease(f"is not plain text: {error}") from error
    sums: dict[str, str] = {}
    *lines, end = text.split("\n")
    for number, line in enumerate(lines, start=1):
        found = _SUM.fullmatch(line)
        if found is None or found[2] in sums:
            raise BadRelease(f"line {number} is not `<digest>  <file>`, or names a file again.")
        sums[found[2]] = found[1]
    if end or not lines:
        raise BadRelease("does not end with a newline.")
    return sums


def parse_alphabet(raw: bytes) -> frozenset[str]:
    """`alphabet.txt`: the characters that labels may use. Raises `BadRelease`. Format: Coqui STT's `Alphabet::init`."""
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError as error:
        raise BadRelease(f"is not UTF-8: {error}") from error
    *lines, end = text.split("\n")
    labels = [line.removeprefix("\\") if line.startswith("\\#") else line for line in lines if line[:1] != "#"]
    if end or not labels:
        raise BadRelease("does not end with a newline.")
    if any(len(label) != 1 for label in labels) or len(set(labels)) != len(labels):
        raise BadRelease("has a label that is not one character, or the same label twice.")
    return frozenset(labels)


def parse_clip_line(raw: bytes) -> ClipLine:
    """One line of `clips.jsonl`. Raises `BadRelease`."""
    try:
        told = json.loads(raw.decode("utf-8"))
        line = ClipLine(**{name: told[name] for name in ClipLine.__slots__})
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise BadRelease(f"cannot be understood: {type(error).__name__} {error}") from error
    texts: tuple[object, ...] = (line.wav_filename, line.sha256, line.split, line.speaker, line.transcript, line.shard)
    if not all(isinstance(each, str) and _is_text(each) for each in texts) or type(line.samples) is not int:
        raise BadRelease("has a value of the wrong kind")
    if isinstance(line.duration_s, bool) or not isinstance(line.duration_s, int | float):
        raise BadRelease("has a duration that is no number")
    if not is_clip_name(line.wav_filename):
        raise BadRelease(f"names a clip that cannot be part of a release: {line.wav_filename!r}")
    if line.split not in SPLITS or not line.speaker or not _SHA256.fullmatch(line.sha256):
        raise BadRelease("has a split, a speaker or a digest that cannot be one")
    return line


def _is_text(text: str) -> bool:
    """JSON can spell halves of characters, which no file can hold."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
