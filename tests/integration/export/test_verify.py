"""`verify` on releases made by hand: a sound one passes, and each way to be unsound is found and named."""

import json
import os
import random
import shutil
from pathlib import Path
from typing import Any

import pytest

from export.client.findings import Problem
from export.client.verify import VerifyReport, verify
from tests.unit.export.client.handmade import (
    SHARD,
    Spoken,
    clip_members,
    four_clips,
    release_files,
    sealed,
    tar_file,
    wav_file,
    write,
    write_unpacked,
)

MUTATIONS = 400


def faults(report: VerifyReport) -> str:
    return "\n".join(map(str, report.problems))


@pytest.mark.parametrize("unpacked", [True, False], ids=["unpacked", "packed"])
def test_a_sound_release_has_no_problems(tmp_path: Path, unpacked: bool) -> None:
    clips = four_clips()
    directory = write_unpacked(clips, tmp_path) if unpacked else write(release_files(clips), tmp_path)

    report = verify(directory)

    assert report.problems == ()
    assert report.sound
    assert (report.name, report.version, report.clips) == ("voices", "1.0", {"train": 2, "dev": 1, "test": 1})


@pytest.mark.parametrize("unpacked", [True, False], ids=["unpacked", "packed"])
def test_any_changed_byte_of_any_file_is_found(tmp_path: Path, unpacked: bool) -> None:
    clips = four_clips()
    directory = write_unpacked(clips, tmp_path) if unpacked else write(release_files(clips), tmp_path)
    paths = sorted(path for path in directory.rglob("*") if path.is_file())
    chance = random.Random(20261122)
    unseen = []

    for turn in range(MUTATIONS):
        path = paths[turn % len(paths)]
        sound = path.read_bytes()
        at, change = chance.randrange(len(sound)), chance.randrange(1, 256)
        path.write_bytes(sound[:at] + bytes([sound[at] ^ change]) + sound[at + 1 :])
        if verify(directory).sound:
            unseen.append((path.name, at, change))
        path.write_bytes(sound)

    assert unseen == []
    assert verify(directory).sound


@pytest.mark.parametrize("change", ["shortened", "lengthened", "removed", "replaced by a link"])
def test_a_file_that_is_cut_or_grown_or_gone_is_named(tmp_path: Path, change: str) -> None:
    directory = write_unpacked(four_clips(), tmp_path / "release")
    unnamed = []

    for path in sorted(path for path in directory.rglob("*") if path.is_file()):
        sound = path.read_bytes()
        match change:
            case "shortened":
                path.write_bytes(sound[:-1])
            case "lengthened":
                path.write_bytes(sound + b"\n")
            case "removed":
                path.unlink()
            case _:
                shutil.move(path, tmp_path / "elsewhere")
                path.symlink_to(tmp_path / "elsewhere")
        name = path.relative_to(directory).as_posix()
        if not any(problem.path == name for problem in verify(directory).problems):
            unnamed.append(name)
        path.unlink(missing_ok=True)
        path.write_bytes(sound)

    assert set(unnamed) <= {"SHA256SUMS", "release.json"} if change in ("shortened", "lengthened") else unnamed == []


@pytest.mark.parametrize(
    ("clip", "said"),
    [
        pytest.param(Spoken(transcript="ABC"), "outside the alphabet: 'ABC'", id="upper-case"),
        pytest.param(Spoken(transcript="call 911"), "outside the alphabet: '19'", id="digits"),
        pytest.param(Spoken(transcript="café"), "outside the alphabet: 'é'", id="accent"),
        pytest.param(Spoken(transcript="ﬁne"), "not in normal form NFKC", id="ligature"),
        pytest.param(Spoken(transcript=""), "an empty transcript", id="empty"),
        pytest.param(Spoken(transcript=" "), "an empty transcript", id="only-a-space"),
        pytest.param(Spoken(transcript="turn  on"), "spaces", id="two-spaces"),
        pytest.param(Spoken(transcript="turn on "), "spaces", id="space-at-the-end"),
        pytest.param(Spoken(transcript="ab" * 25, samples=512 + 320 * 48), "the CTC rule", id="one-frame-too-few"),
        pytest.param(Spoken(transcript="a" * 3, samples=512 + 320 * 3), "the CTC rule", id="no-frame-for-the-blanks"),
        pytest.param(Spoken(transcript="a", samples=511), "the CTC rule", id="shorter-than-a-window"),
        pytest.param(Spoken(samples=320_001), "longer than 20 s", id="too-long"),
        pytest.param(Spoken(content=wav_file(rate_hz=44_100)), "44100 Hz", id="44-kHz"),
        pytest.param(Spoken(content=wav_file(channels=2)), "2 channel(s)", id="stereo"),
        pytest.param(Spoken(content=wav_file()[:-2]), "says it holds 32000 bytes of sound, and holds 31998", id="cut"),
        pytest.param(Spoken(content=b"fLaC" + bytes(3000)), "is not a WAV file", id="flac"),
        pytest.param(Spoken(content=wav_file() + b"LIST\x00\x00\x00\x00"), "holds 32008", id="chunk-behind"),
        pytest.param(Spoken(samples=15_000, content=wav_file(16_000)), "16000 samples, not 15000", id="samples"),
        pytest.param(Spoken(line={"sha256": "0" * 64}), "SHA-256 is not the one in clips.jsonl", id="digest"),
        pytest.param(Spoken(line={"duration_s": 2.0}), "a duration of 2.0 s", id="duration"),
        pytest.param(Spoken(line={"duration_s": float("nan")}), "a duration of nan s", id="no-duration"),
        pytest.param(Spoken(line={"split": "dev"}), "is in train.csv, and of split dev", id="split"),
        pytest.param(Spoken(line={"transcript": "turn off"}), "one transcript in train.csv and another", id="text"),
        pytest.param(Spoken(line={"transcript": "\ud800"}), "value of the wrong kind", id="half-a-character"),
        pytest.param(Spoken(line={"shard": "archives/train-00009.tar"}), "no file of this release", id="shard"),
        pytest.param(Spoken(line={"wav_filename": "clips/../../x.wav"}), "cannot be part of a release", id="up"),
        pytest.param(Spoken(cells={"name": "/etc/passwd"}), "cannot be a clip of this release", id="absolute"),
        pytest.param(Spoken(cells={"name": "clips/aa/bb.wav"}), "cannot be a clip of this release", id="folder"),
        pytest.param(Spoken(cells={"size": "32044.0"}), "no size: '32044.0'", id="a-float-for-a-size"),
        pytest.param(Spoken(cells={"size": 32_045}), "is 32045 bytes in train.csv, and 16000 samples", id="size"),
        pytest.param(Spoken(cells={"more": "x"}), "has 4 columns, not 3", id="four-columns"),
    ],
)
@pytest.mark.parametrize("unpacked", [True, False], ids=["unpacked", "packed"])
def test_a_clip_that_breaks_the_contract_is_named(tmp_path: Path, clip: Spoken, said: str, unpacked: bool) -> None:
    clips = [*four_clips(), clip]
    directory = write_unpacked(clips, tmp_path) if unpacked else write(release_files(clips), tmp_path)

    report = verify(directory)

    assert said in faults(report)


@pytest.mark.parametrize(
    ("override", "said"),
    [
        pytest.param({"dev__csv": b"\xef\xbb\xbfwav_filename,wav_filesize,transcript\n"}, "dev.csv: begins", id="bom"),
        pytest.param({"dev__csv": b"wav_filename,transcript,wav_filesize\n"}, "dev.csv: begins", id="header"),
        pytest.param({"dev__csv": b""}, "dev.csv: begins", id="empty"),
        pytest.param({"dev__csv": b"wav_filename,wav_filesize,transcript\n\xff"}, "dev.csv: is not UTF-8", id="bytes"),
        pytest.param({"dev__csv": b'wav_filename,wav_filesize,transcript\n"'}, "dev.csv: cannot be read", id="quote"),
        pytest.param({"dev__csv": b"wav_filename,wav_filesize,transcript\n"}, "and in no CSV", id="clip-in-no-csv"),
        pytest.param({"clips__jsonl": b""}, "which is not in clips.jsonl", id="no-clips"),
        pytest.param({"clips__jsonl": b"[]\n{\n"}, "clips.jsonl: line 2 cannot be understood", id="json"),
        pytest.param({"alphabet__txt": b"a\nb"}, "alphabet.txt: does not end with a newline", id="no-newline"),
        pytest.param({"alphabet__txt": b"a\na\n"}, "the same label twice", id="same-label"),
    ],
)
def test_a_list_that_breaks_the_contract_is_named(tmp_path: Path, override: dict[str, bytes], said: str) -> None:
    directory = write_unpacked(four_clips(), tmp_path, **override)

    report = verify(directory)

    assert said in faults(report)


def test_rows_out_of_order_are_named(tmp_path: Path) -> None:
    files = release_files(four_clips())
    header, first, second = files["train.csv"].splitlines(keepends=True)
    directory = write_unpacked(four_clips(), tmp_path, train__csv=header + second + first)

    report = verify(directory)

    assert report.problems == (Problem("train.csv", "line 3 is not in the order of wav_filesize"),)


def test_a_speaker_in_two_splits_is_named(tmp_path: Path) -> None:
    clips = [*four_clips(), Spoken(seed=9, split="test", speaker="anna")]

    report = verify(write_unpacked(clips, tmp_path))

    assert {problem.path for problem in report.problems} <= {clip.wav_filename for clip in clips}
    assert {problem.fault for problem in report.problems} <= {
        "has a speaker who is both in train and in test",
        "has a speaker who is both in test and in train",
    }
    assert not report.sound


def test_a_clip_in_two_csvs_is_named(tmp_path: Path) -> None:
    train_csv = release_files(four_clips())["train.csv"]

    report = verify(write_unpacked(four_clips(), tmp_path, dev__csv=train_csv))

    assert "dev.csv: line 2 names" in faults(report)
    assert "again, which is in a CSV already" in faults(report)


def test_what_lies_in_the_clips_folder_and_is_no_clip_is_named(tmp_path: Path) -> None:
    directory = write_unpacked(four_clips(), tmp_path)
    stranger = directory / "clips" / "aa" / f"{'a' * 32}.wav"
    stranger.parent.mkdir(exist_ok=True)
    stranger.write_bytes(wav_file())

    report = verify(directory)

    assert report.problems == (Problem(f"clips/aa/{'a' * 32}.wav", "is no part of this release"),)


def test_a_folder_of_clips_behind_a_link_is_not_of_the_release(tmp_path: Path) -> None:
    directory = write_unpacked(four_clips(), tmp_path / "release")
    shutil.move(directory / "clips", tmp_path / "clips")
    (directory / "clips").symlink_to(tmp_path / "clips")

    report = verify(directory)

    assert Problem("clips", "is no part of this release") in report.problems


def test_a_member_of_an_archive_that_the_lists_do_not_know_is_named(tmp_path: Path) -> None:
    clips = four_clips()
    members = clip_members([clip for clip in clips if clip.split == "dev"])
    stranger = f"clips/aa/{'a' * 32}.wav"
    files = sealed({**release_files(clips), SHARD["dev"]: tar_file({**members, stranger: wav_file()})})

    report = verify(write(files, tmp_path))

    assert report.problems == (Problem(stranger, "is in an archive and in no CSV"),)


def test_only_the_first_problems_are_named_and_all_are_counted(tmp_path: Path) -> None:
    clips = [Spoken(seed=seed, transcript="Loud") for seed in range(30)]

    report = verify(write_unpacked(clips, tmp_path), problems_named=5)

    assert len(report.problems) == 5
    assert report.problem_count == 30


@pytest.mark.parametrize(
    ("change", "said"),
    [
        pytest.param({"schema_version": 3}, "schema version 3", id="newer-schema"),
        pytest.param({"name": "../voices"}, "cannot be one", id="name"),
        pytest.param({"files": {}}, "lacks alphabet.txt", id="no-files"),
        pytest.param({"files": {"../x.csv": {"size_bytes": 1, "sha256": "0" * 64}}}, "'../x.csv'", id="up"),
        pytest.param({"files": {"/x.csv": {"size_bytes": 1, "sha256": "0" * 64}}}, "'/x.csv'", id="absolute"),
        pytest.param({"files": {".x.csv": {"size_bytes": 1, "sha256": "0" * 64}}}, "'.x.csv'", id="hidden"),
        pytest.param({"files": {"release.json": {"size_bytes": 1, "sha256": "0" * 64}}}, "'release.json'", id="self"),
        pytest.param({"files": {"x.csv": {"size_bytes": -1, "sha256": "0" * 64}}}, "size that cannot be", id="size"),
        pytest.param({"files": {"x.csv": {"size_bytes": 1, "sha256": "0"}}}, "digest that is none", id="digest"),
        pytest.param({"files": [1]}, "cannot be understood", id="a-list"),
    ],
)
def test_a_manifest_that_names_what_cannot_be_is_refused(tmp_path: Path, change: dict[str, Any], said: str) -> None:
    directory = write_unpacked(four_clips(), tmp_path)
    manifest = json.loads((directory / "release.json").read_bytes())
    (directory / "release.json").write_text(json.dumps({**manifest, **change}))

    report = verify(directory)

    assert said in faults(report)


def test_a_pipe_in_the_place_of_a_clip_does_not_hang(tmp_path: Path) -> None:
    directory = write_unpacked(four_clips(), tmp_path)
    clip = directory / four_clips()[0].wav_filename
    clip.unlink()
    os.mkfifo(clip)

    report = verify(directory)

    assert f"{four_clips()[0].wav_filename}: is not there" in faults(report)
