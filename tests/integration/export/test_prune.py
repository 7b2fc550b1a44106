"""A local copy follows what people take back: pruned, proven anew, and brought up to the next revision."""

import json
import random
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from corpus.collaborators import Collaborators
from corpus.errors import (
    BadRelease,
    LoanwordError,
    NotFound,
    OtherReleaseHere,
    ReleaseAwaitsRecut,
    ReleaseWithdrawn,
    UnseenState,
)
from corpus.web.app import build_app
from corpus.words import Role, Scope
from export.build import build_release
from export.catalogue.api import routes
from export.client.pins import pinned_in
from export.client.prune import apply_tombstones, names_in
from export.client.prune_copy import prune_copy
from export.client.pull import OnWithdrawn, PullSummary, pull
from export.client.state import Tombstone
from export.client.verify import verify
from export.publish import publish_release
from export.recipients import acknowledge, mail, note_pull, note_state, recipients
from export.recut import recut_release, revoke_release
from export.state import current_state
from tests.factories import Lender, make_account, make_token
from tests.fixtures.serving import serving
from tests.integration.export.leaving import leave
from tests.integration.export.releases import NAME, SMALL_SHARDS, VERSION, lend

MUTATIONS = 120


@pytest.fixture
def lenders(house: Collaborators) -> list[Lender]:
    lent = lend(house, speakers=3, clips=2, duration_s=1)
    build_release(house, NAME, VERSION, SMALL_SHARDS)
    publish_release(house, NAME, VERSION)
    return lent


@pytest.fixture
def pull_to(house: Collaborators) -> Callable[..., PullSummary]:
    engineer = make_account(house, role=Role.ENGINEER, email="ed@example.org")
    token = make_token(house, engineer, Scope.PULL)

    def run(
        directory: Path, *, keep_archives: bool = False, on_withdrawn: OnWithdrawn = lambda _clips, _reported: None
    ) -> PullSummary:
        with serving(build_app(house, [routes()])) as url:
            return pull(
                NAME,
                directory,
                url,
                token,
                keep_archives=keep_archives,
                on_withdrawn=on_withdrawn,
                clock=house.clock,
            )

    return run


def prune_from(house: Collaborators, directory: Path, token: str) -> tuple[str, ...]:
    with serving(build_app(house, [routes()])) as url:
        return prune_copy(directory, url, token, clock=house.clock).clips


def wavs(directory: Path) -> set[str]:
    return {path.relative_to(directory).as_posix() for path in directory.rglob("*.wav")}


def test_the_next_pull_into_the_same_folder_is_the_next_revision_and_loads_no_recording_again(
    house: Collaborators, lenders: list[Lender], pull_to: Callable[..., PullSummary], tmp_path: Path
) -> None:
    first = pull_to(tmp_path / "it")
    before = wavs(tmp_path / "it")
    leave(house, lenders[0].account_id)
    recut_release(house, NAME, VERSION)

    second = pull_to(tmp_path / "it")

    assert (first.revision, second.revision, second.report.problems) == (1, 2, ())
    assert second.clips == {"train": 4, "dev": 0, "test": 0}
    assert len(second.withdrawn) == 2
    assert wavs(tmp_path / "it") == before - set(second.withdrawn)
    assert second.downloaded_bytes < 60_000
    assert (first.key_is_new, second.key_is_new) == (True, False)
    (told,) = recipients(house, NAME)
    assert (told.email, told.pulled.acknowledged_serial, told.pulled.unacknowledged) == (
        "ed@example.org",
        second.serial,
        0,
    )


def test_archives_that_are_kept_are_replaced_where_they_were_touched(
    house: Collaborators, lenders: list[Lender], pull_to: Callable[..., PullSummary], tmp_path: Path
) -> None:
    pull_to(tmp_path / "it", keep_archives=True)
    leave(house, lenders[0].account_id)
    recut_release(house, NAME, VERSION)

    second = pull_to(tmp_path / "it", keep_archives=True)

    assert second.report.problems == ()
    assert names_in(tmp_path / "it", second.withdrawn) == set()
    assert [path.name for path in (tmp_path / "it" / "archives").iterdir()] == ["train-00000.tar"]


def test_what_was_withdrawn_goes_even_while_the_new_revision_is_not_there_yet(
    house: Collaborators, lenders: list[Lender], pull_to: Callable[..., PullSummary], tmp_path: Path
) -> None:
    pull_to(tmp_path / "it")
    leave(house, lenders[0].account_id)

    with pytest.raises(ReleaseAwaitsRecut):
        pull_to(tmp_path / "it")

    assert len(wavs(tmp_path / "it")) == 4
    report = verify(tmp_path / "it")
    assert (report.problems, report.withdrawn, report.trusted) == ((), 2, True)


def test_a_version_that_was_revoked_is_pulled_no_more(
    house: Collaborators, lenders: list[Lender], pull_to: Callable[..., PullSummary], tmp_path: Path
) -> None:
    pull_to(tmp_path / "it")
    revoke_release(house, NAME, VERSION, "not ours to give")

    with pytest.raises(ReleaseWithdrawn):
        pull_to(tmp_path / "it")


def replace_by_next(house: Collaborators) -> None:
    build_release(house, NAME, "2.0", SMALL_SHARDS)
    publish_release(house, NAME, "2.0")


@pytest.mark.parametrize(
    ("then", "error"),
    [
        pytest.param(lambda house: revoke_release(house, NAME, VERSION, "why"), ReleaseWithdrawn, id="revoked"),
        pytest.param(replace_by_next, OtherReleaseHere, id="replaced"),
        pytest.param(lambda _house: None, ReleaseAwaitsRecut, id="awaits-its-recut"),
    ],
)
def test_what_a_failed_pull_removed_is_told_and_reported(
    house: Collaborators,
    lenders: list[Lender],
    pull_to: Callable[..., PullSummary],
    tmp_path: Path,
    then: Callable[[Collaborators], None],
    error: type[LoanwordError],
) -> None:
    pull_to(tmp_path / "it")
    told: list[tuple[int, bool]] = []
    leave(house, lenders[0].account_id)
    then(house)

    with pytest.raises(error):
        pull_to(tmp_path / "it", on_withdrawn=lambda clips, reported: told.append((len(clips), reported)))

    assert told == [(2, True)]
    (recipient,) = recipients(house, NAME)
    assert (recipient.pulled.version, recipient.pulled.withdrawn) == (VERSION, 2)
    assert recipient.pulled.unacknowledged == 0


def test_a_failed_pull_into_a_new_folder_reports_nothing_removed(
    house: Collaborators, lenders: list[Lender], pull_to: Callable[..., PullSummary], tmp_path: Path
) -> None:
    pull_to(tmp_path / "it")
    leave(house, lenders[0].account_id)

    with pytest.raises(ReleaseAwaitsRecut):
        pull_to(tmp_path / "another")

    (recipient,) = recipients(house, NAME)
    assert recipient.pulled.unacknowledged == 2


def pruned(
    house: Collaborators, lenders: list[Lender], pull_to: Callable[..., PullSummary], directory: Path, *, packed: bool
) -> Path:
    """A copy of the first revision without the one who left."""
    pull_to(directory, keep_archives=packed)
    if packed:
        shutil.rmtree(directory / "clips")
    leave(house, lenders[0].account_id)
    token = make_token(house, make_account(house, role=Role.ENGINEER), Scope.PULL)
    gone = prune_from(house, directory, token)
    assert len(gone) == 2
    return directory


@pytest.mark.parametrize("packed", [False, True], ids=["loose", "packed"])
def test_a_pruned_copy_is_the_signed_set_minus_exactly_what_has_tombstones(
    house: Collaborators, lenders: list[Lender], pull_to: Callable[..., PullSummary], tmp_path: Path, packed: bool
) -> None:
    directory = pruned(house, lenders, pull_to, tmp_path / "it", packed=packed)

    report = verify(directory)

    assert (report.problems, report.withdrawn, report.clips) == ((), 2, {"train": 4, "dev": 0, "test": 0})
    assert len(wavs(directory)) == 4
    assert not list((directory / "archives").glob("*"))


def _with_bits_nobody_reads(end: bytes) -> bytes:
    """Another last character, which decodes to the same bytes."""
    return bytes([end[0] + 1]) + end[1:]


def test_any_changed_byte_of_a_pruned_copy_is_found_and_its_file_named(
    house: Collaborators, lenders: list[Lender], pull_to: Callable[..., PullSummary], tmp_path: Path
) -> None:
    directory = pruned(house, lenders, pull_to, tmp_path / "it", packed=False)
    paths = sorted(path for path in directory.rglob("*") if path.is_file())
    chance = random.Random(20261125)
    unnamed = []

    for turn in range(MUTATIONS):
        path = paths[turn % len(paths)]
        sound = path.read_bytes()
        at, change = chance.randrange(len(sound)), chance.randrange(1, 256)
        path.write_bytes(sound[:at] + bytes([sound[at] ^ change]) + sound[at + 1 :])
        name = path.relative_to(directory).as_posix()
        if not any(name in str(problem) for problem in verify(directory, problems_named=1000).problems):
            unnamed.append((name, at, change))
        path.write_bytes(sound)

    assert unnamed == []
    assert verify(directory).sound


@pytest.mark.parametrize(
    ("path", "written", "anew"),
    [
        pytest.param("consent.jsonl", rb'"path":\["[^"]*[a-f]', bytes.upper, id="capitals-in-a-path"),
        pytest.param("consent.jsonl", rb'"salt":"[^"]*[a-f]', bytes.upper, id="capitals-in-a-salt"),
        pytest.param(
            "release.json.sig", rb'[AQgw]==(?="},"type")', _with_bits_nobody_reads, id="padding-of-a-signature"
        ),
        pytest.param("state.json", rb'[AQgw]==(?="})', _with_bits_nobody_reads, id="padding-of-the-state's-signature"),
    ],
)
def test_what_can_be_written_in_two_ways_is_sound_in_one(
    house: Collaborators,
    lenders: list[Lender],
    pull_to: Callable[..., PullSummary],
    tmp_path: Path,
    path: str,
    written: bytes,
    anew: Callable[[bytes], bytes],
) -> None:
    directory = pruned(house, lenders, pull_to, tmp_path / "it", packed=False)
    sound = (directory / path).read_bytes()
    changed = re.sub(written, lambda found: found[0][:-3] + anew(found[0][-3:]), sound, count=1)
    (directory / path).write_bytes(changed)

    assert changed != sound
    assert any(path in str(problem) for problem in verify(directory, problems_named=1000).problems)


@pytest.mark.parametrize("path", ["train.csv", "clips.jsonl", "consent.jsonl"])
def test_a_clip_that_is_missing_without_a_tombstone_is_found(
    house: Collaborators, lenders: list[Lender], pull_to: Callable[..., PullSummary], tmp_path: Path, path: str
) -> None:
    directory = pruned(house, lenders, pull_to, tmp_path / "it", packed=False)
    lines = (directory / path).read_bytes().splitlines(keepends=True)
    (directory / path).write_bytes(b"".join(lines[:-1]))

    assert not verify(directory).sound


def test_a_clip_taken_out_of_every_list_without_a_tombstone_is_found(
    house: Collaborators, lenders: list[Lender], pull_to: Callable[..., PullSummary], tmp_path: Path
) -> None:
    directory = pruned(house, lenders, pull_to, tmp_path / "it", packed=False)
    apply_tombstones(directory, VERSION, [Tombstone(VERSION, 1, sorted(wavs(directory))[0], "")])

    report = verify(directory)

    assert any(problem.path == "consent.jsonl" for problem in report.problems)


def test_a_copy_that_was_not_pruned_is_not_sound(
    house: Collaborators, lenders: list[Lender], pull_to: Callable[..., PullSummary], tmp_path: Path
) -> None:
    pull_to(tmp_path / "old")
    shutil.copytree(tmp_path / "old", tmp_path / "new")
    leave(house, lenders[0].account_id)
    with pytest.raises(ReleaseAwaitsRecut):
        pull_to(tmp_path / "new")
    for path in ("state.json", "tombstones.csv"):
        shutil.copy(tmp_path / "new" / path, tmp_path / "old" / path)

    before = verify(tmp_path / "old", problems_named=100)
    done = prune_copy(tmp_path / "old")

    assert {"train.csv", "clips.jsonl", "consent.jsonl"} <= {problem.path for problem in before.problems}
    assert sum(problem.path.startswith("clips/") for problem in before.problems) >= 4
    assert (len(done.clips), done.reported, done.state) == (2, False, "current")
    assert verify(tmp_path / "old").sound
    assert prune_copy(tmp_path / "old").clips == ()


@pytest.mark.parametrize("step", ["tombstones", "a-csv", "half-the-clips", "all-but-the-lists", "a-part"])
def test_a_prune_that_was_broken_off_is_taken_up(
    house: Collaborators, lenders: list[Lender], pull_to: Callable[..., PullSummary], tmp_path: Path, step: str
) -> None:
    pull_to(tmp_path / "it", keep_archives=True)
    shutil.copytree(tmp_path / "it", tmp_path / "whole")
    leave(house, lenders[0].account_id)
    with pytest.raises(ReleaseAwaitsRecut):
        pull_to(tmp_path / "it", keep_archives=True)
    done, begun = tmp_path / "it", tmp_path / "whole"
    changed = {
        "tombstones": [],
        "a-csv": ["train.csv"],
        "half-the-clips": ["train.csv"],
        "all-but-the-lists": ["train.csv", "archives"],
        "a-part": ["train.csv"],
    }[step]
    for path in ("state.json", "tombstones.csv", *changed):
        shutil.rmtree(begun / path, ignore_errors=True)
        if (done / path).is_file():
            shutil.copy(done / path, begun / path)
    gone = sorted(wavs(begun) - wavs(done))
    for name in gone[: {"half-the-clips": 1, "all-but-the-lists": 2}.get(step, 0)]:
        (begun / name).unlink()
    if step == "a-part":
        (begun / "clips.jsonl.part").write_bytes(b"".join(name.encode() for name in gone))

    prune_copy(begun)

    assert names_in(begun, gone) == set()
    assert verify(begun).problems == ()


def test_nothing_is_pruned_on_the_word_of_a_stranger(
    house: Collaborators, lenders: list[Lender], pull_to: Callable[..., PullSummary], tmp_path: Path
) -> None:
    pull_to(tmp_path / "it")
    path = tmp_path / "it" / "tombstones.csv"
    name = sorted(wavs(tmp_path / "it"))[0]
    path.write_text(f"{path.read_text()}{VERSION},1,{name},{'0' * 64},2026-03-01,withdrawn\n")

    with pytest.raises(BadRelease):
        prune_copy(tmp_path / "it")

    assert (tmp_path / "it" / name).exists()


# The register


def test_nobody_acknowledges_what_they_were_never_sent(house: Collaborators, lenders: list[Lender]) -> None:
    engineer = make_account(house, role=Role.ENGINEER)
    with pytest.raises(NotFound):
        acknowledge(house, engineer, NAME, 1)
    note_pull(house, engineer, NAME, VERSION, 1)
    note_state(house, engineer, NAME, current_state(house, NAME).serial)
    leave(house, lenders[0].account_id)

    with pytest.raises(UnseenState):
        acknowledge(house, engineer, NAME, current_state(house, NAME).serial)

    assert acknowledge(house, engineer, NAME, 1).withdrawn_since == 2


def test_a_mail_to_who_has_not_reported_says_what_to_do(house: Collaborators, lenders: list[Lender]) -> None:
    engineer = make_account(house, role=Role.ENGINEER, email="ed@example.org")
    note_pull(house, engineer, NAME, VERSION, 1)
    leave(house, lenders[0].account_id)

    (told,) = recipients(house, NAME)

    assert (told.pulled.withdrawn, told.pulled.unacknowledged, told.pulled.acknowledged_serial) == (2, 2, None)
    text = mail(told, NAME)
    assert text.startswith(f"To: ed@example.org\nSubject: Voices were withdrawn from {NAME} {VERSION}\n")
    assert "2 clips" in text
    assert "loanword prune" in text


def test_the_folder_remembers_whose_release_it_is(
    house: Collaborators, lenders: list[Lender], pull_to: Callable[..., PullSummary], tmp_path: Path
) -> None:
    summary = pull_to(tmp_path / "it")

    pin = pinned_in(tmp_path / "it")

    assert pin is not None
    assert (pin.name, pin.public_key, pin.serial) == (NAME, house.signer.public_key, summary.serial)
    assert json.loads((tmp_path / "it" / "state.json").read_bytes())["serial"] == summary.serial
