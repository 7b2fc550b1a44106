"""Unpacks an archive of a release into loose clips, each checked against `clips.jsonl` before it gets its name."""

import os
from collections.abc import Container, Mapping
from hashlib import sha256
from pathlib import Path

from corpus.errors import BadRelease
from export.client import contents as layout
from export.client.archive import LARGEST_TEXT_BYTES, LARGEST_WAV_BYTES, members
from export.client.check_clips import text_beside
from export.client.files import open_regular, read_regular

Digests = Mapping[str, tuple[bytes, int]]
"""By wav_filename: SHA-256 of the recording, and Python's keyed hash of the transcript's bytes."""

_FLAGS = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_CLOEXEC", 0)


def read_digests(directory: Path) -> dict[str, dict[str, tuple[bytes, int]]]:
    """By archive, what each clip in it must be: some 300 bytes of memory a clip. Raises `BadRelease`."""
    by_archive: dict[str, dict[str, tuple[bytes, int]]] = {}
    file = open_regular(directory / layout.CLIPS)
    if file is None:
        raise BadRelease(f"{layout.CLIPS} is not there.")
    with file:
        for number, raw in enumerate(file, start=1):
            try:
                line = layout.parse_clip_line(raw)
            except BadRelease as error:
                raise BadRelease(f"{layout.CLIPS} line {number} {error}") from error
            expected = bytes.fromhex(line.sha256), hash(line.transcript.encode())
            by_archive.setdefault(line.shard, {})[line.wav_filename] = expected
    return by_archive


def lie_loose(directory: Path, digests: Digests) -> bool:
    """Whether all these clips and their transcripts are in the folder already, whole."""
    for wav_filename, (digest, text_hash) in digests.items():
        text = read_regular(directory / text_beside(wav_filename), LARGEST_TEXT_BYTES)
        if text is None or hash(text) != text_hash:
            return False
        content = read_regular(directory / wav_filename, LARGEST_WAV_BYTES)
        if content is None or sha256(content).digest() != digest:
            return False
    return True


def unpack(archive: Path, directory: Path, digests: Digests, *, left_packed: Container[str] = ()) -> None:
    """Writes every clip of an archive as a loose file, but for those that are named. Done again, it writes what is
    missing or changed.

    Raises `BadRelease` for a member that is not one of these clips, or a clip that is missing.
    """
    file = open_regular(archive)
    if file is None:
        raise BadRelease(f"{archive.name} is not a file.")
    missing = {name for wav_filename in digests for name in (wav_filename, text_beside(wav_filename))}
    with file:
        for name, content in members(file):
            if name in left_packed or f"{name.removesuffix('txt')}wav" in left_packed:
                continue
            if name not in missing:
                raise BadRelease(f"{archive.name} has a member that {layout.CLIPS} does not know: {name}")
            _check(name, content, digests)
            _write(directory, name, content)
            missing.remove(name)
    if missing:
        raise BadRelease(f"{archive.name} lacks {len(missing)} files, {min(missing)} among them.")


def _check(name: str, content: bytes, digests: Digests) -> None:
    if name.endswith(".wav"):
        sound = sha256(content).digest() == digests[name][0]
    else:
        sound = hash(content) == digests[name.removesuffix("txt") + "wav"][1]
    if not sound:
        raise BadRelease(f"{name} is not what {layout.CLIPS} says of it.")


def _write(directory: Path, name: str, content: bytes) -> None:
    path = directory / name
    if read_regular(path, len(content)) == content:
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.parent.is_symlink() or path.parent.parent.is_symlink():
        raise BadRelease(f"{path.parent} is a link, and nothing is written through links: remove it.")
    part = path.with_name(f"{path.name}.part")
    with os.fdopen(os.open(part, _FLAGS, 0o644), "wb") as file:
        file.write(content)
    part.replace(path)
