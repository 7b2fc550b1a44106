"""A release holds what its policy takes of the voices that may be published, and the same bytes each time."""

import csv
import hashlib
import io
import json
import os
import subprocess
import sys
import tarfile
import wave
from collections.abc import Callable
from dataclasses import replace

import pytest

from corpus.collaborators import Collaborators
from corpus.errors import BadPolicy, BadRequest, NothingToRelease, ReleaseExists, ReleaseWithdrawn, StoreUnavailable
from corpus.object_store import ObjectStore
from corpus.words import Outcome, Purpose, Split
from export import publish
from export.build import build_release
from export.counts import WarningName
from export.policy import Policy
from tests.factories import make_clip, make_lender, tone, voice_key, withdraw_consent
from tests.integration.export.releases import (
    NAME,
    PREFIX,
    SMALL_SHARDS,
    VERSION,
    Rival,
    clock_that,
    content,
    interfering,
    lend,
    on_store,
    stored,
)

EVERY_SPLIT = Policy(min_speakers=dict.fromkeys(Split, 1))
PAPERS = {
    "README.md",
    "datasheet.html",
    "LICENSE",
    "alphabet.txt",
    "clips.jsonl",
    "consent.jsonl",
    "release.json",
    "SHA256SUMS",
}
CSVS = {"train.csv", "dev.csv", "test.csv"}

BUILD_ELSEWHERE = """
import json, sys
from datetime import datetime
from pathlib import Path
from corpus.collaborators import collaborators
from corpus.settings import Settings
from export.build import build_release
from export.policy import from_json
home, database, policy, now = sys.argv[1:]
house = collaborators(Settings(home=Path(home), database_url=database), lambda: datetime.fromisoformat(now))
build_release(house, "commands", "1.0", from_json(policy))
"""


def read_as_a_stranger(house: Collaborators) -> list[tuple[str, str, bytes]]:
    """Split, transcript and PCM of every row, read with Python's own csv, tarfile and wave, every promise checked."""
    told = json.loads(content(house, PREFIX + "release.json"))
    members: dict[str, bytes] = {}
    for path in told["files"]:
        if path.startswith("archives/"):
            with tarfile.open(fileobj=io.BytesIO(content(house, PREFIX + path))) as archive:
                for info in archive:
                    assert (info.mtime, info.uid, info.gid, info.mode) == (0, 0, 0, 0o644)
                    file = archive.extractfile(info)
                    assert file is not None
                    members[info.name] = file.read()
    lines = {
        each["wav_filename"]: each for each in map(json.loads, content(house, PREFIX + "clips.jsonl").splitlines())
    }
    found = []
    for split in ("train", "dev", "test"):
        text = content(house, f"{PREFIX}{split}.csv").decode("utf-8")
        rows = list(csv.DictReader(io.StringIO(text, newline="")))
        assert text.startswith("wav_filename,wav_filesize,transcript\n")
        assert [int(row["wav_filesize"]) for row in rows] == sorted(int(row["wav_filesize"]) for row in rows)
        for row in rows:
            name, sound = row["wav_filename"], members.pop(row["wav_filename"])
            assert members.pop(name.replace(".wav", ".txt")).decode() == row["transcript"]
            assert len(sound) == int(row["wav_filesize"])
            with wave.open(io.BytesIO(sound)) as file:
                assert (file.getnchannels(), file.getsampwidth(), file.getframerate()) == (1, 2, 16_000)
                pcm = file.readframes(file.getnframes())
            assert len(sound) == 44 + len(pcm)
            line = lines.pop(name)
            assert (line["split"], line["transcript"], line["samples"]) == (split, row["transcript"], len(pcm) // 2)
            assert line["sha256"] == hashlib.sha256(sound).hexdigest()
            found.append((split, row["transcript"], pcm))
    assert (members, lines) == ({}, {})
    return found


def test_a_release_is_what_a_stranger_reads_with_python_alone(house: Collaborators) -> None:
    lender = make_lender(house)
    sounds = [tone(duration_s=2, frequency_hz=300), tone(duration_s=1, frequency_hz=400)]
    for pcm in sounds:
        make_clip(house, lender, pcm=pcm, label="Turn on, the lights")

    summary = build_release(house, NAME, VERSION, EVERY_SPLIT)

    assert read_as_a_stranger(house) == [
        ("dev", "turn on the lights", sounds[1]),
        ("dev", "turn on the lights", sounds[0]),
    ]
    assert summary.counts[Split.DEV].clips == 2
    assert {warning.name for warning in summary.warnings} == {
        WarningName.EMPTY_SPLIT,
        WarningName.UNMET_MINIMUM,
        WarningName.NO_LICENCE,
    }


def test_every_file_stands_in_the_layout_with_its_digest(house: Collaborators) -> None:
    lend(house, speakers=3)

    summary = build_release(house, NAME, VERSION, EVERY_SPLIT)

    found = stored(house)
    told = json.loads(content(house, PREFIX + "release.json"))
    lines = content(house, PREFIX + "SHA256SUMS").decode().splitlines()
    sums = {path: digest for digest, path in (line.split("  ") for line in lines)}
    assert set(found) == PAPERS | CSVS | {f"archives/{split}-00000.tar" for split in Split}
    assert sums == {path: digest for path, digest in found.items() if path != "SHA256SUMS"}
    assert {path: facts["sha256"] for path, facts in told["files"].items()} == {
        path: digest for path, digest in sums.items() if path != "release.json"
    }
    assert summary.manifest_sha256 == found["release.json"]
    assert (told["counts"]["clips"], told["counts"]["speakers"]) == (6, 3)


@pytest.mark.parametrize("readers", [1, 3])
def test_the_same_snapshot_gives_the_same_bytes(house: Collaborators, readers: int) -> None:
    lend(house, speakers=4, duration_s=9.5)
    build_release(house, NAME, VERSION, SMALL_SHARDS)
    first = stored(house)
    for path in first:
        house.store.erase(PREFIX + path)

    later = replace(house, clock=lambda: house.clock().replace(hour=20))
    build_release(later, NAME, VERSION, SMALL_SHARDS, readers=readers)

    assert stored(house) == first
    assert len(first) == len(PAPERS | CSVS) + 4


@pytest.mark.parametrize(("zone", "seed"), [("Pacific/Kiritimati", "1"), ("America/St_Johns", "77")])
def test_another_process_in_another_zone_gives_the_same_bytes(house: Collaborators, zone: str, seed: str) -> None:
    lend(house, speakers=4)
    build_release(house, NAME, VERSION, EVERY_SPLIT)
    first = stored(house)
    for path in first:
        house.store.erase(PREFIX + path)
    arguments = [str(house.settings.home), house.database.url, EVERY_SPLIT.as_json(), house.clock().isoformat()]

    subprocess.run(
        [sys.executable, "-c", BUILD_ELSEWHERE, *arguments],
        env={**os.environ, "TZ": zone, "PYTHONHASHSEED": seed},
        check=True,
    )

    assert stored(house) == first


def test_a_release_builds_on_every_store(house: Collaborators, make_store: Callable[[], ObjectStore]) -> None:
    elsewhere = on_store(house, make_store())
    lend(elsewhere, speakers=4, duration_s=9.5)

    build_release(elsewhere, NAME, VERSION, SMALL_SHARDS)
    publish.publish_release(elsewhere, NAME, VERSION)

    assert len(read_as_a_stranger(elsewhere)) == 8


def test_an_interrupted_build_is_finished_by_building_again(house: Collaborators) -> None:
    lend(house, speakers=4, duration_s=9.5)

    def lose_power() -> None:
        raise StoreUnavailable("archives/train-00001.tar")

    with pytest.raises(StoreUnavailable):
        build_release(interfering(house, "-00001.tar", lose_power), NAME, VERSION, SMALL_SHARDS)
    half_built = stored(house)
    lend(house, speakers=1)

    build_release(house, NAME, VERSION, SMALL_SHARDS)

    built = stored(house)
    assert half_built.items() < built.items()
    for path in built:
        house.store.erase(PREFIX + path)
    build_release(house, NAME, VERSION, SMALL_SHARDS)
    assert stored(house) == built


def test_a_damaged_file_of_a_draft_is_made_again(house: Collaborators) -> None:
    lend(house)
    build_release(house, NAME, VERSION, EVERY_SPLIT)
    whole = stored(house)
    house.store.erase(PREFIX + "train.csv")
    house.store.put(PREFIX + "train.csv", b"wav_filename\n")

    build_release(house, NAME, VERSION, EVERY_SPLIT)

    assert stored(house) == whole


def test_a_withdrawn_clip_is_absent_from_the_next_release(house: Collaborators) -> None:
    leaver, stayer = lend(house, speakers=2)
    withdraw_consent(house, leaver.account_id)

    build_release(house, NAME, VERSION, Policy())

    told = json.loads(content(house, PREFIX + "release.json"))
    assert (told["counts"]["clips"], told["counts"]["speakers"]) == (2, 1)
    assert stayer.account_id not in str(told)


@pytest.mark.parametrize("purpose", [Purpose.COLLECT, Purpose.REVIEW, Purpose.PUBLISH])
def test_nothing_is_released_without_every_purpose_that_publishing_needs(
    house: Collaborators, purpose: Purpose
) -> None:
    (lender,) = lend(house, speakers=1)
    withdraw_consent(house, lender.account_id, purpose)

    with pytest.raises(NothingToRelease):
        build_release(house, NAME, VERSION, Policy())

    assert publish.list_releases(house) == []


def test_clips_without_a_label_or_not_kept_are_no_part_of_it(house: Collaborators) -> None:
    lender = make_lender(house)
    make_clip(house, lender, label=None)
    make_clip(house, lender, label="no", outcome=Outcome.DROPPED, reason="duplicate")
    make_clip(house, lender, label="no", outcome=None)

    with pytest.raises(NothingToRelease):
        build_release(house, NAME, VERSION, Policy())


def test_what_fails_the_policy_is_left_out_and_counted(house: Collaborators) -> None:
    lender = make_lender(house)
    make_clip(house, lender, label="turn on the lights")
    make_clip(house, lender, label="no", pcm=tone(duration_s=0.2))
    make_clip(house, lender, label="no", pcm=tone(duration_s=11))
    make_clip(house, lender, label="one much too long transcript for so short a clip as this", pcm=tone(duration_s=1))

    summary = build_release(house, NAME, VERSION, Policy())

    expected = {"too_short": 1, "too_long": 1, "transcript_longer_than_audio": 1}
    assert summary.left_out == expected
    assert json.loads(content(house, PREFIX + "release.json"))["counts"]["left_out"] == expected
    assert b"longer than the policy allows" in content(house, PREFIX + "datasheet.html")


def test_a_dry_run_says_what_would_be_and_writes_nothing(house: Collaborators) -> None:
    lend(house)

    planned = build_release(house, NAME, VERSION, EVERY_SPLIT, dry_run=True)

    assert (planned.manifest_sha256, planned.shards) == (None, 3)
    assert publish.list_releases(house) == []
    assert stored(house) == {}
    assert build_release(house, NAME, VERSION, EVERY_SPLIT).counts == planned.counts


def test_a_speaker_keeps_their_split_and_changes_their_name(house: Collaborators) -> None:
    lend(house, speakers=4)
    build_release(house, NAME, VERSION, EVERY_SPLIT)
    lend(house, speakers=4, from_hz=900)

    build_release(house, NAME, "2.0", Policy(shares={Split.TRAIN: 0.0, Split.DEV: 0.0, Split.TEST: 1.0}))

    first, second = (lines_by_sound(house, version) for version in (VERSION, "2.0"))
    assert all(second[sound]["split"] == line["split"] for sound, line in first.items())
    assert all(line["split"] == "test" for sound, line in second.items() if sound not in first)
    for name in ("speaker", "wav_filename"):
        assert {line[name] for line in first.values()}.isdisjoint(line[name] for line in second.values())


def lines_by_sound(house: Collaborators, version: str) -> dict[str, dict[str, str]]:
    lines = content(house, f"releases/{NAME}/{version}/clips.jsonl").splitlines()
    return {line["sha256"]: line for line in map(json.loads, lines)}


def test_progress_is_told_up_to_the_last_clip(house: Collaborators) -> None:
    lend(house)
    told: list[tuple[int, int]] = []

    build_release(house, NAME, VERSION, EVERY_SPLIT, on_progress=lambda done, of: told.append((done, of)))

    assert told == [(2, 6), (4, 6), (6, 6)]


def test_a_draft_of_another_policy_is_not_built_over(house: Collaborators) -> None:
    lend(house)
    build_release(house, NAME, VERSION, Policy())

    with pytest.raises(ReleaseExists, match="another policy"):
        build_release(house, NAME, VERSION, Policy(seed="another"))


def test_a_published_version_is_not_built_over(house: Collaborators) -> None:
    lend(house)
    build_release(house, NAME, VERSION, Policy())
    publish.publish_release(house, NAME, VERSION)

    with pytest.raises(ReleaseExists):
        build_release(house, NAME, VERSION, Policy())


@pytest.mark.parametrize(("name", "version"), [("Commands", "1"), ("commands", "../1"), ("", "1"), ("commands", "")])
def test_a_name_that_no_folder_may_have_is_refused(house: Collaborators, name: str, version: str) -> None:
    with pytest.raises(BadRequest):
        build_release(house, name, version, Policy())


def test_a_language_without_an_alphabet_is_refused(house: Collaborators) -> None:
    with pytest.raises(BadPolicy, match="locale"):
        build_release(house, NAME, VERSION, Policy(locale="cy-GB"))


# The gates


@pytest.mark.parametrize(
    "just_before",
    [
        pytest.param("-00000.tar", id="the-first-shard"),
        pytest.param("-00002.tar", id="a-later-shard"),
        pytest.param("train.csv", id="the-manifests"),
        pytest.param("SHA256SUMS", id="the-last-file"),
    ],
)
def test_a_withdrawal_during_the_build_leaves_nothing_of_it(house: Collaborators, just_before: str) -> None:
    leaver, *_ = lend(house, speakers=4, duration_s=9.5)
    meddled = interfering(house, just_before, lambda: withdraw_consent(house, leaver.account_id))

    with pytest.raises(ReleaseWithdrawn, match="Build again"):
        build_release(meddled, NAME, VERSION, SMALL_SHARDS)

    assert stored(house) == {}
    assert publish.list_releases(house) == []
    assert build_release(house, NAME, VERSION, SMALL_SHARDS).counts[Split.TRAIN].speakers <= 3


def test_a_key_destroyed_under_a_build_is_a_withdrawal(house: Collaborators) -> None:
    leaver, *_ = lend(house, speakers=4, duration_s=9.5)
    key = voice_key(house, leaver.account_id)

    def withdraw() -> None:
        withdraw_consent(house, leaver.account_id)
        house.keyring.destroy(leaver.account_id, key.key_id)

    with pytest.raises(ReleaseWithdrawn):
        build_release(interfering(house, "-00000.tar", withdraw), NAME, VERSION, SMALL_SHARDS)

    assert stored(house) == {}


def test_a_withdrawal_between_the_reading_and_the_snapshot_is_seen(house: Collaborators) -> None:
    leaver, _ = lend(house, speakers=2)
    # The clock is asked for each page of labels, the empty last one too, and then in the transaction.
    clock = clock_that(house.clock, 2, lambda: withdraw_consent(house, leaver.account_id))

    summary = build_release(replace(house, clock=clock), NAME, VERSION, Policy())

    assert sum(counted.speakers for counted in summary.counts.values()) == 1


def test_a_withdrawal_waits_while_the_snapshot_is_taken_and_ends_the_build(house: Collaborators) -> None:
    leaver, _ = lend(house, speakers=2)
    rival = Rival(lambda: withdraw_consent(house, leaver.account_id))

    def look() -> None:
        rival.start_and_look()

    # Wait for the rival at the first shard: from there on the build has to see what it did.
    meddled = interfering(replace(house, clock=clock_that(house.clock, 3, look)), "-00000.tar", rival.join)
    with pytest.raises(ReleaseWithdrawn):
        build_release(meddled, NAME, VERSION, Policy())

    assert rival.got_through is False
    assert stored(house) == {}


def test_a_consent_that_runs_out_ends_a_draft_by_the_clock(house: Collaborators) -> None:
    lenders = lend(house, speakers=2)
    build_release(house, NAME, VERSION, Policy())
    withdraw_consent(house, lenders[0].account_id, Purpose.PUBLISH)

    summary = build_release(house, NAME, VERSION, Policy())

    assert sum(counted.speakers for counted in summary.counts.values()) == 1
    assert len(read_as_a_stranger(house)) == 2
