"""Releases made by hand, from the words of the contract, with the standard library and none of the exporter's code."""

import base64
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
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

ENGLISH = " abcdefghijklmnopqrstuvwxyz'"
KEY = Ed25519PrivateKey.from_private_bytes(b"k" * 32)
SALT = b"s" * 32
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
    lines = {clip.wav_filename: json.dumps(jsonl_line(clip)) for clip in clips}
    files["clips.jsonl"] = "".join(lines[name] + "\n" for name in sorted(lines)).encode()
    files |= {"README.md": b"# voices\n", "datasheet.html": b"<!doctype html>\n", "LICENSE": b"CC0-1.0\n"}
    for split, path in SHARD.items():
        if of_split := [clip for clip in clips if clip.split == split]:
            files[path] = tar_file(clip_members(of_split))
    files |= {path.replace("__", "."): content for path, content in overrides.items()}
    return sealed(files, name=name, version=version)


def sealed(files: Mapping[str, bytes], *, name: str = "voices", version: str = "1.0") -> dict[str, bytes]:
    """Those files with a `release.json` and a `SHA256SUMS` that agree with them."""
    clips = {split: max(0, files[f"{split}.csv"].count(b"\n") - 1) for split in SHARD}
    ours = ("release.json", "release.json.sig", "SHA256SUMS")
    inner = {path: content for path, content in files.items() if path not in ours}
    proofs, root, leaves = consent_file(inner.get("clips.jsonl", b""))
    inner.setdefault("consent.jsonl", proofs)
    manifest = {
        "schema_version": 2,
        "name": name,
        "version": version,
        "revision": 1,
        "consent_root": root,
        "consent_leaves": leaves,
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
    inner["release.json.sig"] = signature(inner["release.json"])
    return {**inner, "SHA256SUMS": sums.encode()}


def one_way(content: object) -> bytes:
    """Canonical JSON."""
    return json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def consent_file(clips: bytes) -> tuple[bytes, str, int]:
    """consent.jsonl for these lines of clips.jsonl, with its root and number of leaves."""
    names, hashes, contents = [], [], []
    for line in clips.splitlines():
        try:
            told = json.loads(line)
            wav_filename, digest = told["wav_filename"], told["sha256"]
        except (ValueError, KeyError, TypeError):
            continue
        names.append(wav_filename)
        contents.append(
            {
                "wav_sha256": digest,
                "clip_line_sha256": hashlib.sha256(line).hexdigest(),
                "notice_version": "1",
                "notice_wording_sha256": "a" * 64,
                "purposes": ["collect", "publish", "review"],
            }
        )
        hashes.append(hashlib.sha256(b"\0" + SALT + one_way(contents[-1])).digest())
    lines = [
        one_way(
            {
                "wav_filename": wav_filename,
                "content": content,
                "salt": SALT.hex(),
                "index": index,
                "path": [each.hex() for each in audit_path(hashes, index)],
            }
        )
        for index, (wav_filename, content) in enumerate(zip(names, contents, strict=True))
    ]
    return b"".join(line + b"\n" for line in lines), tree_root(hashes).hex(), len(hashes)


def tree_root(leaves: Sequence[bytes]) -> bytes:
    """RFC 9162, 2.1.1, over leaf hashes."""
    if len(leaves) < 2:
        return leaves[0] if leaves else hashlib.sha256().digest()
    middle = largest_power_below(len(leaves))
    return hashlib.sha256(b"\1" + tree_root(leaves[:middle]) + tree_root(leaves[middle:])).digest()


def audit_path(leaves: Sequence[bytes], index: int) -> list[bytes]:
    """RFC 9162, 2.1.3.1."""
    if len(leaves) < 2:
        return []
    middle = largest_power_below(len(leaves))
    if index < middle:
        return [*audit_path(leaves[:middle], index), tree_root(leaves[middle:])]
    return [*audit_path(leaves[middle:], index - middle), tree_root(leaves[:middle])]


def largest_power_below(size: int) -> int:
    power = 1
    while power * 2 < size:
        power *= 2
    return power


def signed(kind: str, content: Mapping[str, object], key: Ed25519PrivateKey = KEY) -> dict[str, object]:
    """A signed document of this type."""
    told = {**content, "type": kind}
    key_id = hashlib.sha256(key.public_key().public_bytes_raw()).hexdigest()[:16]
    value = base64.b64encode(key.sign(one_way(told))).decode()
    return {**told, "signature": {"algorithm": "Ed25519", "key_id": key_id, "value": value}}


def signature(manifest: bytes, key: Ed25519PrivateKey = KEY) -> bytes:
    """release.json.sig: its entry is the second of a ledger of three."""
    told = json.loads(manifest)
    of = {name: told.get(name) for name in ("name", "version", "revision")}
    digest = hashlib.sha256(manifest).hexdigest()
    entry = {**of, "kind": "release", "consent_root": told.get("consent_root"), "manifest_sha256": digest}
    leaves = [b"1" * 32, hashlib.sha256(b"\0" + SALT + one_way(entry)).digest(), b"3" * 32]
    head = signed(
        "loanword/tree-head/1", {"size": 3, "root": tree_root(leaves).hex(), "at": "2026-03-01T12:00:00"}, key
    )
    ledger = {
        "entry": entry,
        "salt": SALT.hex(),
        "index": 1,
        "path": [each.hex() for each in audit_path(leaves, 1)],
        "head": head,
    }
    public_key = key.public_key().public_bytes_raw().hex()
    content = {**of, "manifest_sha256": digest, "public_key": public_key, "ledger": ledger}
    return one_way(signed("loanword/release/1", content, key))


TOMBSTONES_HEADER = "version,revision,wav_filename,wav_sha256,date,reason\n"


def tombstones_file(*clips: Spoken, version: str = "1.0", revision: int = 1) -> bytes:
    """tombstones.csv over these clips."""
    rows = [
        f"{version},{revision},{clip.wav_filename},{hashlib.sha256(clip.wav).hexdigest()},2026-03-01,withdrawn\n"
        for clip in sorted(clips, key=lambda clip: clip.wav_filename)
    ]
    return "".join([TOMBSTONES_HEADER, *rows]).encode()


def state_file(
    manifest: bytes,
    tombstones: bytes = TOMBSTONES_HEADER.encode(),
    *,
    serial: int = 1,
    state: str = "current",
    expires_at: str = "2126-03-01T00:00:00Z",
    awaits_recut: bool = False,
    key: Ed25519PrivateKey = KEY,
    keys: Sequence[Mapping[str, object]] | None = None,
) -> bytes:
    """state.json of a name with one version."""
    told = json.loads(manifest)
    public_key = key.public_key().public_bytes_raw()
    own = {"key_id": hashlib.sha256(public_key).hexdigest()[:16], "public_key": public_key.hex(), "endorsement": None}
    version = {
        "version": told["version"],
        "state": state,
        "revision": told.get("revision", 1),
        "manifest_sha256": hashlib.sha256(manifest).hexdigest(),
        "awaits_recut": awaits_recut,
    }
    content = {
        "name": "voices",
        "serial": serial,
        "expires_at": expires_at,
        "versions": [version],
        "keys": list(keys or [own]),
        "tombstones": {
            "count": tombstones.count(b"\n") - 1,
            "size_bytes": len(tombstones),
            "sha256": hashlib.sha256(tombstones).hexdigest(),
        },
    }
    return one_way(signed("loanword/release-state/1", content, key))


def endorsement(new: Ed25519PrivateKey, by: Ed25519PrivateKey = KEY) -> dict[str, object]:
    """A key as state.json lists it, endorsed by an older one."""
    public_key = new.public_key().public_bytes_raw()
    key_id = hashlib.sha256(public_key).hexdigest()[:16]
    said = one_way(signed("loanword/key-endorsement/1", {"key_id": key_id, "public_key": public_key.hex()}, by))
    return {"key_id": key_id, "public_key": public_key.hex(), "endorsement": said.decode()}


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
