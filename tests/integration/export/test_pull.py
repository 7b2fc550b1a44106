"""`pull` against the real catalogue, and against servers that fail or lie: whole at the end, or nothing believed."""

import json
import socket
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from corpus.collaborators import Collaborators
from corpus.errors import (
    BadRelease,
    Forbidden,
    LoanwordError,
    Misconfigured,
    NotEnoughSpace,
    OtherReleaseHere,
    ReleaseSuperseded,
    ReleaseWithdrawn,
    ServerUnavailable,
    StaleState,
    Unauthenticated,
    UnknownRelease,
    UntrustedKey,
)
from corpus.web.app import build_app
from corpus.words import Role, Scope
from export.build import build_release
from export.catalogue.api import routes
from export.client.pins import pinned_in
from export.client.pull import PullProgress, PullSummary, pull
from export.client.server import Patience
from export.client.verify import verify
from export.publish import publish_release
from export.recipients import recipients
from tests.factories import make_account, make_token, withdraw_consent
from tests.fixtures.serving import serving, serving_by_hand
from tests.integration.export.releases import lend
from tests.integration.export.test_catalogue import THREE_SPLITS, engineer_token, published
from tests.unit.export.client.handmade import (
    KEY,
    SHARD,
    Spoken,
    clip_members,
    endorsement,
    four_clips,
    one_way,
    release_files,
    sealed,
    signature,
    state_file,
    tar_file,
    tombstones_file,
)

HASTY = Patience(attempts=3, first_pause=timedelta(milliseconds=1), longest_pause=timedelta(milliseconds=2))
Answer = tuple[int, Mapping[str, str], bytes]


# The real catalogue


def test_a_release_is_pulled_whole_and_ready_to_train_on(house: Collaborators, tmp_path: Path) -> None:
    published(house)
    token = engineer_token(house)
    seen: list[PullProgress] = []

    with serving(build_app(house, [routes()])) as url:
        first = pull("commands", tmp_path / "1.0", url, token, seen.append, clock=house.clock)
        again = pull("commands@1.0", tmp_path / "1.0", url, token, clock=house.clock)

    assert first.report.problems == ()
    assert (first.name, first.version, first.clips) == ("commands", "1.0", {"train": 2, "dev": 2, "test": 2})
    lists = {"train.csv", "dev.csv", "test.csv", "clips.jsonl", "alphabet.txt", "SHA256SUMS", "release.json"}
    papers = {"README.md", "datasheet.html", "LICENSE"}
    proofs = {"consent.jsonl", "release.json.sig", "state.json", "tombstones.csv", "pulled.json"}
    assert {path.name for path in (tmp_path / "1.0").iterdir()} == {"clips"} | lists | papers | proofs
    assert seen[-1].done_bytes == seen[-1].total_bytes == first.downloaded_bytes
    assert (again.downloaded_bytes, again.report) == (0, first.report)


def test_a_pulled_release_loses_nothing_to_a_changed_byte(house: Collaborators, tmp_path: Path) -> None:
    published(house)
    token = engineer_token(house)

    with serving(build_app(house, [routes()])) as url:
        first = pull("commands", tmp_path / "1.0", url, token, clock=house.clock)
        clip = next((tmp_path / "1.0" / "clips").rglob("*.wav"))
        sound = clip.read_bytes()
        clip.write_bytes(sound[:-1] + b"x")
        again = pull("commands", tmp_path / "1.0", url, token, clock=house.clock)

    assert again.report.sound
    assert clip.read_bytes() == sound
    assert 0 < again.downloaded_bytes < first.downloaded_bytes


def test_archives_can_be_kept(house: Collaborators, tmp_path: Path) -> None:
    published(house)

    with serving(build_app(house, [routes()])) as url:
        summary = pull("commands", tmp_path / "1.0", url, engineer_token(house), keep_archives=True, clock=house.clock)

    assert summary.report.sound
    assert len(list((tmp_path / "1.0" / "archives").iterdir())) == 3


def test_what_may_not_be_pulled_is_explained(house: Collaborators, tmp_path: Path) -> None:
    lenders = published(house)
    build_release(house, "commands", "2.0", THREE_SPLITS)
    publish_release(house, "commands", "2.0")
    token, other = engineer_token(house), make_token(house, make_account(house, role=Role.ENGINEER), Scope.ACCOUNT)
    refusals: dict[str, type[LoanwordError]] = {}

    def refusal(wanted: str, shown: str) -> type[LoanwordError]:
        try:
            pull(wanted, tmp_path / "new", url, shown, patience=HASTY, clock=house.clock)
        except LoanwordError as error:
            return type(error)
        return LoanwordError

    with serving(build_app(house, [routes()])) as url:
        refusals["no token"] = refusal("commands", "lw_x")
        refusals["no scope"] = refusal("commands", other)
        refusals["unknown"] = refusal("nothing", token)
        refusals["unknown version"] = refusal("commands@9", token)
        refusals["no name"] = refusal("../commands", token)
        refusals["superseded"] = refusal("commands@1.0", token)
        withdraw_consent(house, lenders[0].account_id)
        refusals["withdrawn"] = refusal("commands", token)

    assert refusals == {
        "no token": Unauthenticated,
        "no scope": Forbidden,
        "unknown": UnknownRelease,
        "unknown version": UnknownRelease,
        "no name": UnknownRelease,
        "superseded": ReleaseSuperseded,
        "withdrawn": ReleaseWithdrawn,
    }
    assert not (tmp_path / "new").exists()


def test_the_next_version_is_pulled_beside_and_not_over_the_last(house: Collaborators, tmp_path: Path) -> None:
    published(house)
    token = engineer_token(house)
    lend(house, speakers=1)

    with serving(build_app(house, [routes()])) as url:
        pull("commands", tmp_path / "1.0", url, token, clock=house.clock)
        build_release(house, "commands", "2.0", THREE_SPLITS)
        publish_release(house, "commands", "2.0")
        with pytest.raises(OtherReleaseHere) as refused:
            pull("commands", tmp_path / "1.0", url, token, clock=house.clock)
        pulled = [each.pulled.version for each in recipients(house, "commands")]
        second = pull("commands", tmp_path / "2.0", url, token, clock=house.clock)

    assert pulled == ["1.0"]
    assert "1.0 holds commands 1.0, and the current version is 2.0: pull it into another folder." in str(refused.value)
    assert f"`loanword prune {tmp_path / '1.0'} --server {url}`" in str(refused.value)
    assert (second.version, second.report.sound) == ("2.0", True)
    assert verify(tmp_path / "1.0").sound


def test_a_folder_that_holds_a_release_of_another_name_is_left_as_it_is(house: Collaborators, tmp_path: Path) -> None:
    published(house)
    build_release(house, "greetings", "1.0", THREE_SPLITS)
    publish_release(house, "greetings", "1.0")
    token = engineer_token(house)

    with serving(build_app(house, [routes()])) as url:
        pull("commands", tmp_path / "it", url, token, clock=house.clock)
        with pytest.raises(OtherReleaseHere, match=r"holds commands 1\.0"):
            pull("greetings", tmp_path / "it", url, token, clock=house.clock)

    assert verify(tmp_path / "it").problems == ()
    assert recipients(house, "greetings") == []


def test_a_refusal_says_what_an_engineer_can_run(house: Collaborators, tmp_path: Path) -> None:
    published(house)

    with serving(build_app(house, [routes()])) as url:
        with pytest.raises(UnknownRelease, match=f"`GET {url}/v1/releases`"):
            pull("nothing", tmp_path / "it", url, engineer_token(house), clock=house.clock)
        with pytest.raises(Unauthenticated, match="`loanword sign-in --scope pull`"):
            pull("commands", tmp_path / "it", url, "nope", clock=house.clock)


# Servers that fail, or lie


@dataclass
class Shelf:
    """What a server made by hand serves: the first answers that `faults` has for a path, then the file itself."""

    files: dict[str, bytes]
    faults: dict[str, list[Callable[["Handler", bytes], None]]] = field(default_factory=dict)
    asked: list[tuple[str, str | None]] = field(default_factory=list)
    told: dict[str, bytes] = field(default_factory=dict)
    """`state.json` and `tombstones.csv`, where they are not those of a release that nobody has left."""
    acknowledged: list[int] = field(default_factory=list)
    acknowledging_answers: int = 200

    def content(self, path: str) -> bytes | None:
        if path in ("/state.json", "/tombstones.csv"):
            made = {"/state.json": state_file(self.files["release.json"]), "/tombstones.csv": tombstones_file()}
            return self.told.get(path[1:], made[path])
        return self.files.get(path)

    def handler(self) -> type["Handler"]:
        return type("HandlerOfShelf", (Handler,), {"shelf": self})


class Handler(BaseHTTPRequestHandler):
    shelf: Shelf

    def do_GET(self) -> None:
        path = self.path.removeprefix("/v1/releases/voices").removeprefix("/1.0/files/")
        self.shelf.asked.append((path, self.headers.get("Range")))
        content = self.shelf.content(path)
        if content is None:
            return self.answer(404, b"")
        if faults := self.shelf.faults.get(path):
            return faults.pop(0)(self, content)
        start = int((self.headers.get("Range") or "bytes=0-")[6:-1])
        headers = {"Content-Range": f"bytes {start}-{len(content) - 1}/{len(content)}"} if start else {}
        return self.answer(206 if start else 200, content[start:], headers)

    def answer(
        self, status: int, content: bytes, headers: Mapping[str, str] | None = None, length: int | None = None
    ) -> None:
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content) if length is None else length))
        self.end_headers()
        self.wfile.write(content)

    def do_POST(self) -> None:
        told = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.shelf.acknowledged.append(told["serial"])
        self.answer(self.shelf.acknowledging_answers, b"{}")

    def log_message(self, format: str, *args: object) -> None:
        """Silence."""


def cut_after(size_bytes: int) -> Callable[[Handler, bytes], None]:
    def fault(handler: Handler, content: bytes) -> None:
        start = int((handler.headers.get("Range") or "bytes=0-")[6:-1])
        headers = {"Content-Range": f"bytes {start}-{len(content) - 1}/{len(content)}"} if start else {}
        handler.answer(206 if start else 200, content[start : start + size_bytes], headers, length=len(content) - start)
        handler.connection.shutdown(socket.SHUT_RDWR)

    return fault


def answering(status: int, headers: Mapping[str, str] | None = None) -> Callable[[Handler, bytes], None]:
    return lambda handler, _content: handler.answer(status, b"{}", headers)


def sending(content: bytes, headers: Mapping[str, str] | None = None) -> Callable[[Handler, bytes], None]:
    return lambda handler, _content: handler.answer(200, content, headers)


def test_a_broken_download_is_taken_up_where_it_broke(tmp_path: Path) -> None:
    archive = SHARD["train"]
    shelf = Shelf(release_files(four_clips()), faults={archive: [cut_after(10_000), cut_after(5_000)]})

    with serving_by_hand(shelf.handler()) as url:
        summary = pull("voices", tmp_path / "it", url, "token", patience=HASTY)

    assert summary.report.sound
    assert [range_ for path, range_ in shelf.asked if path == archive] == [None, "bytes=10000-", "bytes=15000-"]


def test_a_pull_that_died_is_taken_up_by_the_next(tmp_path: Path) -> None:
    files, archive = release_files(four_clips()), SHARD["train"]
    broken = Shelf(files, faults={archive: [cut_after(10_000)] + [answering(503)] * 9})
    whole = Shelf(files)

    with serving_by_hand(broken.handler()) as url, pytest.raises(ServerUnavailable):
        pull("voices", tmp_path / "it", url, "token", patience=HASTY)
    unfinished = (tmp_path / "it" / "release.json").exists()
    with serving_by_hand(whole.handler()) as url:
        summary = pull("voices", tmp_path / "it", url, "token", patience=HASTY)

    assert not unfinished
    assert summary.report.sound
    assert (archive, "bytes=10000-") in whole.asked
    assert "clips.jsonl" not in {path for path, _ in whole.asked}


def test_a_server_that_is_busy_is_asked_again_when_it_said(tmp_path: Path) -> None:
    shelf = Shelf(
        release_files(four_clips()), faults={"/state.json": [answering(429, {"Retry-After": "1"}), answering(503)]}
    )
    patience = Patience(first_pause=timedelta(milliseconds=1), longest_pause=timedelta(milliseconds=400))

    with serving_by_hand(shelf.handler()) as url:
        summary = pull("voices", tmp_path / "it", url, "token", patience=patience)

    assert summary.report.sound
    assert [path for path, _ in shelf.asked][:4] == ["/state.json"] * 3 + ["/tombstones.csv"]


def test_a_server_that_is_not_there_is_named_as_such(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        address = f"http://127.0.0.1:{free.getsockname()[1]}"

    with pytest.raises(ServerUnavailable, match="cannot be reached"):
        pull("voices", tmp_path / "it", address, "token", patience=HASTY)
    with pytest.raises(Misconfigured, match="is not a server's address"):
        pull("voices", tmp_path / "it", "localhost:8000", "token", patience=HASTY)


def evil_archive(members: Mapping[str, bytes]) -> dict[str, bytes]:
    return sealed({**release_files(four_clips()), SHARD["train"]: tar_file(members)})


TRAIN = clip_members(four_clips()[:2])
NAME = four_clips()[0].wav_filename


@pytest.mark.parametrize(
    ("files", "said"),
    [
        pytest.param(evil_archive({**TRAIN, "../evil.wav": b"x"}), "no clip: '../evil.wav'", id="member-goes-up"),
        pytest.param(evil_archive({**TRAIN, "/tmp/evil.wav": b"x"}), "no clip: '/tmp/evil.wav'", id="member-absolute"),
        pytest.param(evil_archive({**TRAIN, NAME: bytes(700_000)}), "larger than a clip may be", id="member-huge"),
        pytest.param(evil_archive({**TRAIN, NAME: b"RIFF"}), "not what clips.jsonl says", id="member-changed"),
        pytest.param(evil_archive({NAME: TRAIN[NAME]}), "lacks 3 files", id="member-missing"),
        pytest.param(evil_archive({**TRAIN, f"clips/aa/{'a' * 32}.wav": b""}), "does not know", id="member-unknown"),
        pytest.param(sealed({**release_files(four_clips()), "a/b.csv": b""}), "'a/b.csv'", id="file-in-a-folder"),
        pytest.param(sealed({**release_files(four_clips()), "../b.csv": b""}), "'../b.csv'", id="file-goes-up"),
        pytest.param(release_files(four_clips()) | {"SHA256SUMS": b""}, "SHA256SUMS", id="no-sums"),
        pytest.param(release_files(four_clips(), name="other"), "that of other 1.0", id="another-release"),
        pytest.param(release_files([Spoken(line={"wav_filename": "clips/../x.wav"})]), "clips.jsonl line 1", id="line"),
    ],
)
def test_a_hostile_release_is_refused_and_writes_nothing_elsewhere(
    tmp_path: Path, files: dict[str, bytes], said: str
) -> None:
    with serving_by_hand(Shelf(files).handler()) as url, pytest.raises(BadRelease) as refused:
        pull("voices", tmp_path / "in" / "it", url, "token", patience=HASTY)

    assert said in str(refused.value)
    assert not (tmp_path / "in" / "it" / "release.json").exists()
    assert {path.name for path in tmp_path.rglob("*evil*")} == set()
    assert {path.name for path in tmp_path.iterdir()} <= {"in"}


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        pytest.param(sending(b"x" * 2_000_000), "more of train.csv than", id="more-than-it-said"),
        pytest.param(lambda handler, content: handler.answer(200, bytes(len(content))), "has other bytes", id="other"),
        pytest.param(sending(b"", {"Content-Encoding": "gzip"}), "compresses", id="compressed"),
    ],
)
def test_a_file_with_other_bytes_is_not_kept(
    tmp_path: Path, fault: Callable[[Handler, bytes], None], said: str
) -> None:
    shelf = Shelf(release_files(four_clips()), faults={"train.csv": [fault] * 9})

    with serving_by_hand(shelf.handler()) as url, pytest.raises(BadRelease, match=said):
        pull("voices", tmp_path / "it", url, "token", patience=HASTY)

    assert not (tmp_path / "it" / "train.csv").exists()


def test_a_file_that_came_wrong_once_is_fetched_again(tmp_path: Path) -> None:
    wrong = [lambda handler, content: handler.answer(200, bytes(len(content)))]
    shelf = Shelf(release_files(four_clips()), faults={"train.csv": wrong})

    with serving_by_hand(shelf.handler()) as url:
        summary = pull("voices", tmp_path / "it", url, "token", patience=HASTY)

    assert summary.report.sound


def test_a_release_larger_than_the_disk_is_not_begun(tmp_path: Path) -> None:
    files = release_files(four_clips())
    manifest = json.loads(files["release.json"])
    manifest["files"][SHARD["train"]]["size_bytes"] = 1 << 40
    files["release.json"] = json.dumps(manifest).encode()
    files["release.json.sig"] = signature(files["release.json"])

    with serving_by_hand(Shelf(files).handler()) as url, pytest.raises(NotEnoughSpace, match="bytes more"):
        pull("voices", tmp_path / "it", url, "token", patience=HASTY)


def test_a_folder_that_holds_something_else_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "README.md").write_text("mine")

    with serving_by_hand(Shelf(release_files(four_clips())).handler()) as url, pytest.raises(OtherReleaseHere):
        pull("voices", tmp_path, url, "token", patience=HASTY)

    assert [path.name for path in tmp_path.iterdir()] == ["README.md"]


def test_nothing_is_written_through_a_link(tmp_path: Path) -> None:
    shelf = Shelf(release_files(four_clips()), faults={SHARD["train"]: [answering(503)] * 9})
    outside = tmp_path / "outside"
    outside.mkdir()
    with serving_by_hand(shelf.handler()) as url, pytest.raises(ServerUnavailable):
        pull("voices", tmp_path / "it", url, "token", patience=HASTY)
    clip_folder = tmp_path / "it" / Path(NAME).parent
    clip_folder.parent.mkdir(exist_ok=True)
    clip_folder.symlink_to(outside)

    with serving_by_hand(Shelf(shelf.files).handler()) as url, pytest.raises(BadRelease, match="is a link"):
        pull("voices", tmp_path / "it", url, "token", patience=HASTY)

    assert list(outside.iterdir()) == []


# Servers whose signatures, states or proofs are not what they must be

OTHER = Ed25519PrivateKey.from_private_bytes(b"o" * 32)
NEXT = Ed25519PrivateKey.from_private_bytes(b"n" * 32)
FILES = release_files(four_clips())
GONE = four_clips()[0]


def with_state(**told: Any) -> Shelf:
    return Shelf(FILES, told={"state.json": state_file(FILES["release.json"], **told)})


def pull_twice(first: Shelf, second: Shelf, tmp_path: Path, *, pins_file: Path | None = None) -> PullSummary:
    """From one address, into one folder."""
    shelf = Shelf(first.files, told=dict(first.told))
    with serving_by_hand(shelf.handler()) as url:
        pull("voices", tmp_path / "it", url, "token", patience=HASTY, pins_file=pins_file)
        shelf.files, shelf.told = second.files, second.told
        return pull("voices", tmp_path / "it", url, "token", patience=HASTY, pins_file=pins_file)


def test_the_newest_state_is_acknowledged_once_all_of_it_is_applied(tmp_path: Path) -> None:
    shelf = with_state(serial=7)

    with serving_by_hand(shelf.handler()) as url:
        summary = pull("voices", tmp_path / "it", url, "token", patience=HASTY, pins_file=tmp_path / "pins.json")

    assert (shelf.acknowledged, summary.serial, summary.key_is_new) == ([7], 7, True)
    assert json.loads((tmp_path / "pins.json").read_bytes())[f"{url} voices"]["serial"] == 7


def test_a_report_that_the_server_does_not_take_hides_no_error(tmp_path: Path) -> None:
    shelf = with_state(serial=1)
    told: list[tuple[tuple[str, ...], bool]] = []

    def on_withdrawn(clips: tuple[str, ...], reported: bool) -> None:
        told.append((clips, reported))

    with serving_by_hand(shelf.handler()) as url:
        pull("voices", tmp_path / "it", url, "token", patience=HASTY)
        stones = tombstones_file(GONE)
        revoked = state_file(FILES["release.json"], stones, serial=2, state="revoked")
        shelf.told = {"state.json": revoked, "tombstones.csv": stones}
        shelf.acknowledging_answers = 503

        with pytest.raises(ReleaseWithdrawn):
            pull("voices", tmp_path / "it", url, "token", patience=HASTY, on_withdrawn=on_withdrawn)
        shelf.acknowledging_answers = 200
        with pytest.raises(ReleaseWithdrawn):
            pull("voices", tmp_path / "it", url, "token", patience=HASTY, on_withdrawn=on_withdrawn)

    assert told == [((GONE.wav_filename,), False)]
    assert shelf.acknowledged == [1, 2, 2]


def test_a_lower_serial_is_refused(tmp_path: Path) -> None:
    with pytest.raises(StaleState, match="7 was seen before"):
        pull_twice(with_state(serial=7), with_state(serial=6), tmp_path)


def test_a_serial_that_the_folder_forgot_is_known_to_the_user(tmp_path: Path) -> None:
    shelf = with_state(serial=7)
    with serving_by_hand(shelf.handler()) as url:
        pull("voices", tmp_path / "it", url, "token", patience=HASTY, pins_file=tmp_path / "pins.json")
        shelf.told = with_state(serial=6).told
        with pytest.raises(StaleState):
            pull("voices", tmp_path / "elsewhere", url, "token", patience=HASTY, pins_file=tmp_path / "pins.json")


def test_a_state_that_ran_out_is_refused(tmp_path: Path) -> None:
    shelf = with_state(expires_at="2026-02-28T00:00:00Z")

    with serving_by_hand(shelf.handler()) as url, pytest.raises(StaleState, match="ran out on 2026-02-28"):
        pull("voices", tmp_path / "it", url, "token", patience=HASTY)


def test_another_key_is_refused_once_one_is_pinned(tmp_path: Path) -> None:
    with pytest.raises(UntrustedKey, match="not one that is trusted here"):
        pull_twice(with_state(serial=1), with_state(serial=2, key=OTHER), tmp_path)


def test_a_key_that_was_given_is_the_only_one_believed(tmp_path: Path) -> None:
    shelf = with_state()

    with serving_by_hand(shelf.handler()) as url, pytest.raises(UntrustedKey):
        pull("voices", tmp_path / "it", url, "token", patience=HASTY, trust=OTHER.public_key().public_bytes_raw())


@pytest.mark.parametrize("by", [KEY, OTHER], ids=["the-pinned-key", "another-key"])
def test_a_new_key_is_believed_if_the_pinned_one_endorses_it(tmp_path: Path, by: Ed25519PrivateKey) -> None:
    old = {**endorsement(KEY), "endorsement": None}
    rotated = with_state(serial=2, key=NEXT, keys=[old, endorsement(NEXT, by)])

    if by is KEY:
        summary = pull_twice(with_state(serial=1), rotated, tmp_path)
        assert summary.key == NEXT.public_key().public_bytes_raw()
    else:
        with pytest.raises(UntrustedKey):
            pull_twice(with_state(serial=1), rotated, tmp_path)


@pytest.mark.parametrize("state", ["superseded", "revoked"])
def test_what_is_not_current_is_refused(tmp_path: Path, state: str) -> None:
    expected = {"superseded": ReleaseSuperseded, "revoked": ReleaseWithdrawn}[state]

    with serving_by_hand(with_state(state=state).handler()) as url, pytest.raises(expected):
        pull("voices@1.0", tmp_path / "it", url, "token", patience=HASTY)

    assert not (tmp_path / "it").exists()


def test_tombstones_that_vanish_are_missed(tmp_path: Path) -> None:
    stones = tombstones_file(GONE, version="0.9")
    first = Shelf(FILES, told={"state.json": state_file(FILES["release.json"], stones), "tombstones.csv": stones})

    with pytest.raises(StaleState, match="lacks 1 that were there before"):
        pull_twice(first, with_state(serial=2), tmp_path)


def test_tombstones_that_the_state_does_not_count_are_refused(tmp_path: Path) -> None:
    shelf = Shelf(FILES, told={"tombstones.csv": tombstones_file(GONE)})

    with (
        serving_by_hand(shelf.handler()) as url,
        pytest.raises(BadRelease, match="not the one that"),
    ):
        pull("voices", tmp_path / "it", url, "token", patience=HASTY)


def test_a_release_signed_by_nobody_known_is_refused(tmp_path: Path) -> None:
    forged = {**FILES, "release.json.sig": signature(FILES["release.json"], OTHER)}

    with serving_by_hand(Shelf(forged).handler()) as url, pytest.raises(UntrustedKey, match=r"release\.json\.sig"):
        pull("voices", tmp_path / "it", url, "token", patience=HASTY)


def test_a_manifest_that_the_state_does_not_name_is_refused(tmp_path: Path) -> None:
    other = release_files(four_clips()[1:])
    shelf = Shelf(other, told={"state.json": state_file(FILES["release.json"])})

    with (
        serving_by_hand(shelf.handler()) as url,
        pytest.raises(BadRelease, match="not the one that"),
    ):
        pull("voices", tmp_path / "it", url, "token", patience=HASTY)


def test_swapped_proofs_of_consent_are_found(tmp_path: Path) -> None:
    lines = [json.loads(line) for line in FILES["consent.jsonl"].splitlines()]
    lines[0]["path"], lines[1]["path"] = lines[1]["path"], lines[0]["path"]
    proofs = b"".join(one_way(line) + b"\n" for line in lines)
    files = sealed({**FILES, "consent.jsonl": proofs})

    with serving_by_hand(Shelf(files).handler()) as url:
        summary = pull("voices", tmp_path / "it", url, "token", patience=HASTY)

    assert [problem.path for problem in summary.report.problems][:2] == ["consent.jsonl", "consent.jsonl"]
    assert not summary.report.sound
    assert read_serial(tmp_path / "it") == 0


def test_a_proof_of_another_clip_is_found(tmp_path: Path) -> None:
    lines = [json.loads(line) for line in FILES["consent.jsonl"].splitlines()]
    lines[0]["wav_filename"], lines[1]["wav_filename"] = lines[1]["wav_filename"], lines[0]["wav_filename"]
    files = sealed({**FILES, "consent.jsonl": b"".join(one_way(line) + b"\n" for line in lines)})

    with serving_by_hand(Shelf(files).handler()) as url:
        summary = pull("voices", tmp_path / "it", url, "token", patience=HASTY)

    assert not summary.report.sound


def read_serial(directory: Path) -> int:
    pin = pinned_in(directory)
    assert pin is not None
    return pin.serial
