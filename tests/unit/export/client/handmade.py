"""Releases made by hand, from the words of the contract, with the standard library and none of the exporter's code."""

import csv
import hashlib
import io
import json
import tarfile
import wave
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

ENGLISH = " abcdefghijklmnopqrstuvwxyz'"
SHARD = {split: f"archives/{split}-00000.tar" for split in ("train", "dev", "test")}


@dataclass
class Spoken:
    """One clip to be released. `line` overrides fields of its line in clips.jsonl, `cells` of its CSV row."""

    split: str = "train"
    speaker: str = "anna"
    transcript: str = "turn on the lights"
    samples: int = 16_000
    seed: int = 0
    content: bytes | None = None
    line: Mapping[str, object] = field(default_factory=dict)
    cells: Mapping[str, object] = field(default_factory=dict)

    @property
    def wav(self) -> bytes:
        return wav_file(self.samples, self.seed) if self.content is None else self.content

    @property
    def wav_filename(self) -> str:
        digest = hashlib.sha256(f"{self.seed} {self.speaker}".encode()).hexdigest()[:32]
        return f"clips/{digest[:2]}/{digest}.wav"


def four_clips() -> list[Spoken]:
    return [
        Spoken(seed=1, samples=17_000, transcript="what time is it"),
        Spoken(seed=2, samples=16_000, transcript="don't stop"),
        Spoken(seed=3, split="dev", speaker="bert"),
        Spoken(seed=4, split="test", speaker="cleo", transcript="play some jazz"),
    ]


def wav_file(samples: int = 16_000, seed: int = 0, *, rate_hz: int = 16_000, channels: int = 1) -> bytes:
    """Noise, another for each seed."""
    noise = np.random.default_rng(seed).integers(-8000, 8000, samples * channels, dtype=np.int16)
    buffer = io.BytesIO()
    with wave.open(buffer, "wb") as file:
        file.setnchannels(channels)
        file.setsampwidth(2)
        file.setframerate(rate_hz)
        file.writeframes(noise.astype("<i2").tobytes())
    return buffer.getvalue()


def release_files(
    clips: Sequence[Spoken], *, name: str = "voices", version: str = "1.0", **overrides: bytes
) -> dict[str, bytes]:
    """Path → content of a whole release, digests included. `overrides` are files by name, a dot written as `__`."""
    files = {f"{split}.csv": csv_file([clip for clip in clips if clip.split == split]) for split in SHARD}
    files["alphabet.txt"] = "".join(f"{letter}\n" for letter in ENGLISH).encode()
    files["clips.jsonl"] = "".join(json.dumps(jsonl_line(clip)) + "\n" for clip in clips).encode()
    files |= {"README.md": b"# voices\n", "datasheet.html": b"<!doctype html>\n", "LICENSE": b"CC0-1.0\n"}
    for split, path in SHARD.items():
        if of_split := [clip for clip in clips if clip.split == split]:
            files[path] = tar_file(clip_members(of_split))
    files |= {path.replace("__", "."): content for path, content in overrides.items()}
    return sealed(files, name=name, version=version)


def sealed(files: Mapping[str, bytes], *, name: str = "voices", version: str = "1.0") -> dict[str, bytes]:
    """Those files with a `release.json` and a `SHA256SUMS` that agree with them."""
    clips = {split: max(0, files[f"{split}.csv"].count(b"\n") - 1) for split in SHARD}
    inner = {path: content for path, content in files.items() if path not in ("release.json", "SHA256SUMS")}
    manifest = {
        "schema_version": 1,
        "name": name,
        "version": version,
        "snapshot_at": "2026-03-01T12:00:00Z",
        "policy": {},
        "counts": {"splits": {split: {"clips": count} for split, count in clips.items()}},
        "files": {
            path: {"size_bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}
            for path, content in sorted(inner.items())
        },
    }
    inner["release.json"] = json.dumps(manifest, indent=1).encode()
    sums = "".join(f"{hashlib.sha256(inner[path]).hexdigest()}  {path}\n" for path in sorted(inner))
    return {**inner, "SHA256SUMS": sums.encode()}


def csv_file(clips: Sequence[Spoken]) -> bytes:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["wav_filename", "wav_filesize", "transcript"])
    for clip in sorted(clips, key=lambda clip: len(clip.wav)):
        cells = {"name": clip.wav_filename, "size": len(clip.wav), "transcript": clip.transcript, **clip.cells}
        writer.writerow(cells.values())
    return text.getvalue().encode()


def jsonl_line(clip: Spoken) -> dict[str, object]:
    return {
        "wav_filename": clip.wav_filename,
        "sha256": hashlib.sha256(clip.wav).hexdigest(),
        "split": clip.split,
        "speaker": clip.speaker,
        "locale": "en-US",
        "duration_s": clip.samples / 16_000,
        "samples": clip.samples,
        "shard": SHARD[clip.split],
        "transcript": clip.transcript,
        **clip.line,
    }


def clip_members(clips: Sequence[Spoken]) -> dict[str, bytes]:
    members = {}
    for clip in clips:
        members[clip.wav_filename] = clip.wav
        members[clip.wav_filename.removesuffix("wav") + "txt"] = clip.transcript.encode()
    return members


def tar_file(members: Mapping[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        for name, content in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return buffer.getvalue()


def write(files: Mapping[str, bytes], directory: Path) -> Path:
    for path, content in files.items():
        (directory / path).parent.mkdir(parents=True, exist_ok=True)
        (directory / path).write_bytes(content)
    return directory


def write_unpacked(clips: Sequence[Spoken], directory: Path, **overrides: bytes) -> Path:
    """As `pull` leaves it: the clips loose, the archives gone."""
    files = release_files(clips, name="voices", version="1.0", **overrides)
    loose = {path: content for path, content in files.items() if not path.startswith("archives/")}
    return write(loose | clip_members(clips), directory)
