"""The catalogue serves what is current, to those who may, and only while everyone in it agrees."""

import hashlib
import json
import socket
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import timedelta
from pathlib import Path
from typing import BinaryIO

import httpx
import pytest
from starlette.testclient import TestClient

from corpus import object_keys
from corpus.collaborators import Collaborators
from corpus.errors import ObjectCorrupt, ReleaseSuperseded, ReleaseWithdrawn
from corpus.object_store import DirectoryStore, ObjectStore
from corpus.tables import Release
from corpus.web.app import build_app
from corpus.words import ConsentAct, Purpose, ReleaseState, Role, Scope, Split
from export.build import build_release
from export.catalogue.api import routes
from export.catalogue.serve_file import ASKED_EVERY_BYTES, CHUNK_BYTES, find_file, open_span
from export.policy import Policy
from export.publish import publish_release
from export.recipients import recipients
from tests.factories import Lender, consent_event, make_account, make_token, withdraw_consent
from tests.fixtures.house import StillClock
from tests.fixtures.serving import serving
from tests.integration.export.releases import content, lend, on_store

THREE_SPLITS = Policy(min_speakers=dict.fromkeys(Split, 1))
FILES = "/v1/releases/commands/1.0/files/"


def published(house: Collaborators, *, version: str = "1.0", clips: int = 2, duration_s: float = 1.5) -> list[Lender]:
    lenders = lend(house, clips=clips, duration_s=duration_s)
    build_release(house, "commands", version, THREE_SPLITS)
    publish_release(house, "commands", version)
    return lenders


def engineer_token(house: Collaborators) -> str:
    return make_token(house, make_account(house, role=Role.ENGINEER), Scope.PULL)


@pytest.fixture
def client(house: Collaborators) -> Iterator[TestClient]:
    headers = {"Authorization": f"Bearer {engineer_token(house)}"}
    with TestClient(build_app(house, [routes()]), headers=headers) as client:
        yield client


def problem(told: Mapping[str, object]) -> str:
    return str(told["type"]).removeprefix("urn:loanword:problem:")


def broken_off(chunks: Iterable[bytes], error: type[Exception]) -> int:
    """How many bytes came before the error that must come."""
    received_bytes = 0
    try:
        for chunk in chunks:
            received_bytes += len(chunk)
    except error:
        return received_bytes
    pytest.fail(f"{received_bytes} bytes, and no {error.__name__}")


# Lists


def test_the_list_names_each_release_with_its_current_version(house: Collaborators, client: TestClient) -> None:
    published(house, version="1.0")
    build_release(house, "commands", "2.0", THREE_SPLITS)
    publish_release(house, "commands", "2.0")
    build_release(house, "drafts", "1.0", THREE_SPLITS)

    answer = client.get("/v1/releases").json()

    assert [(each["name"], each["current"]) for each in answer["releases"]] == [("commands", "2.0")]
    (version,) = answer["releases"][0]["versions"]
    assert version["clips"] == {"train": 2, "dev": 2, "test": 2}
    assert version["speakers"] == {"train": 1, "dev": 1, "test": 1}
    assert version["published_at"].startswith("2026-03-01T12:00:00")


def test_a_release_is_shown_with_the_state_of_each_version(
    house: Collaborators, client: TestClient, clock: StillClock
) -> None:
    published(house, version="1.0")
    clock.forward(timedelta(hours=1))
    build_release(house, "commands", "2.0", THREE_SPLITS)
    publish_release(house, "commands", "2.0")
    build_release(house, "commands", "3.0", THREE_SPLITS)

    answer = client.get("/v1/releases/commands").json()

    states = [(each["version"], each["state"]) for each in answer["versions"]]
    assert answer["current"] == "2.0"
    assert states == [("2.0", "current"), ("1.0", "superseded")]


def test_who_may_not_pull_learns_nothing(house: Collaborators) -> None:
    published(house)
    curator = make_token(house, make_account(house, role=Role.CURATOR), Scope.REVIEW)
    client = TestClient(build_app(house, [routes()]))

    for path in ("/v1/releases", "/v1/releases/commands", f"{FILES}train.csv"):
        statuses = [
            client.get(path, headers=headers).status_code
            for headers in ({}, {"Authorization": "Bearer lw_x"}, {"Authorization": f"Bearer {curator}"})
        ]
        assert statuses == [401, 401, 403], path


# Files


def test_every_file_is_served_as_it_is_stored(house: Collaborators, client: TestClient) -> None:
    published(house)
    prefix = object_keys.release_prefix("commands", "1.0")
    stored = {info.key: content(house, info.key) for info in house.store.list(prefix)}

    answers = {key: client.get(FILES + key.removeprefix(prefix)) for key in stored}

    assert {key: answer.content for key, answer in answers.items()} == stored
    assert {answer.status_code for answer in answers.values()} == {200}
    for key, answer in answers.items():
        assert answer.headers["etag"] == f'"{hashlib.sha256(stored[key]).hexdigest()}"'
        assert answer.headers["content-length"] == str(len(stored[key]))
        assert answer.headers["cache-control"] == "no-store"


def test_a_range_is_answered_with_its_bytes(house: Collaborators, client: TestClient) -> None:
    published(house)
    whole = client.get(f"{FILES}clips.jsonl")
    etag = whole.headers["etag"]
    expected = {
        ("bytes=10-19", None): (206, whole.content[10:20]),
        ("bytes=10-", None): (206, whole.content[10:]),
        ("bytes=-5", None): (206, whole.content[-5:]),
        ("bytes=10-", etag): (206, whole.content[10:]),
        ("bytes=10-", '"another file"'): (200, whole.content),
        ("bytes=0-1,4-5", None): (200, whole.content),
    }

    for (asked, of_file), (status, content_) in expected.items():
        headers = {"Range": asked} | ({"If-Range": of_file} if of_file else {})
        answer = client.get(f"{FILES}clips.jsonl", headers=headers)
        assert (answer.status_code, answer.content) == (status, content_), asked
        assert ("content-range" in answer.headers) == (status == 206)


def test_a_range_beyond_the_end_is_refused(house: Collaborators, client: TestClient) -> None:
    published(house)
    size_bytes = len(client.get(f"{FILES}train.csv").content)

    answer = client.get(f"{FILES}train.csv", headers={"Range": f"bytes={size_bytes}-"})

    assert (answer.status_code, answer.headers["content-range"]) == (416, f"bytes */{size_bytes}")


def test_head_tells_all_but_the_bytes(house: Collaborators, client: TestClient) -> None:
    published(house)
    get = client.get(f"{FILES}train.csv")

    head = client.head(f"{FILES}train.csv")

    assert (head.status_code, head.content) == (200, b"")
    assert {name: head.headers[name] for name in ("etag", "content-length", "accept-ranges")} == {
        name: get.headers[name] for name in ("etag", "content-length", "accept-ranges")
    }


def test_who_was_refused_or_asked_for_no_bytes_has_pulled_nothing(house: Collaborators, client: TestClient) -> None:
    lenders = published(house)
    client.head(f"{FILES}train.csv")
    asked = recipients(house, "commands")
    client.get(f"{FILES}train.csv")
    served = recipients(house, "commands")
    late = TestClient(client.app, headers={"Authorization": f"Bearer {engineer_token(house)}"})
    withdraw_consent(house, lenders[0].account_id)

    refused = late.get(f"{FILES}archives/train-00000.tar")

    assert (len(asked), len(served), refused.status_code) == (0, 1, 410)
    assert recipients(house, "commands") == served


def test_who_asked_for_papers_alone_has_pulled_nothing(house: Collaborators, client: TestClient) -> None:
    published(house)
    names = {*client.get(f"{FILES}release.json").json()["files"], "release.json", "release.json.sig", "SHA256SUMS"}
    counted = set()

    for name in sorted(names):
        reader = TestClient(client.app, headers={"Authorization": f"Bearer {engineer_token(house)}"})
        before = len(recipients(house, "commands"))
        reader.get(FILES + name)
        counted |= {name} if len(recipients(house, "commands")) > before else set()

    assert names - counted == {"README.md", "datasheet.html", "LICENSE"}


def test_only_what_the_release_names_is_served(house: Collaborators, client: TestClient) -> None:
    published(house)
    paths = [
        "no.csv",
        "../1.0/train.csv",
        "%2e%2e/1.0/train.csv",
        "archives/train-00009.tar",
        "archives",
        "",
        "/etc/hosts",
    ]

    statuses = {path: client.get(FILES + path).status_code for path in paths}

    assert set(statuses.values()) == {404}, statuses


def test_an_object_beside_the_release_is_not_served(house: Collaborators, client: TestClient) -> None:
    published(house)
    house.store.put(object_keys.release_prefix("commands", "1.0") + "notes.txt", b"not for engineers")

    answer = client.get(f"{FILES}notes.txt")

    assert answer.status_code == 404


@pytest.mark.parametrize(
    ("state", "status", "kind"),
    [
        (ReleaseState.DRAFT, 404, "unknown-release"),
        (ReleaseState.SUPERSEDED, 410, "release-superseded"),
        (ReleaseState.REVOKED, 410, "release-withdrawn"),
    ],
)
def test_only_a_current_version_is_served(
    house: Collaborators, client: TestClient, state: ReleaseState, status: int, kind: str
) -> None:
    published(house)
    with house.database.writing() as session:
        session.query(Release).one().state = state

    answer = client.get(f"{FILES}train.csv")

    assert (answer.status_code, problem(answer.json())) == (status, kind)


# The gate


@pytest.mark.parametrize("purpose", [Purpose.COLLECT, Purpose.REVIEW, Purpose.PUBLISH])
def test_nothing_of_a_release_is_served_once_one_voice_was_taken_back(
    house: Collaborators, client: TestClient, purpose: Purpose
) -> None:
    lenders = published(house)
    withdraw_consent(house, lenders[0].account_id, purpose)

    for path in ("release.json", "SHA256SUMS", "train.csv", "archives/train-00000.tar"):
        answer = client.get(FILES + path)
        assert (answer.status_code, problem(answer.json())) == (410, "release-withdrawn"), path
        assert client.head(FILES + path).status_code == 410, path


def test_nothing_is_served_once_one_consent_has_run_out(
    house: Collaborators, client: TestClient, clock: StillClock
) -> None:
    lenders = published(house)
    consent_event(house, lenders[0].account_id, ConsentAct.RENEWED, at=clock(), expires_at=clock() + timedelta(hours=1))
    before = client.get(f"{FILES}train.csv").status_code
    clock.forward(timedelta(hours=1))

    after = client.get(f"{FILES}train.csv").status_code

    assert (before, after) == (200, 410)


def test_a_file_that_was_erased_is_gone(house: Collaborators, client: TestClient) -> None:
    published(house)
    house.store.erase(object_keys.release_prefix("commands", "1.0") + "train.csv")

    answer = client.get(f"{FILES}train.csv")

    assert (answer.status_code, problem(answer.json())) == (410, "release-withdrawn")


def test_a_manifest_that_was_exchanged_is_not_believed(house: Collaborators) -> None:
    published(house)
    key = object_keys.release_prefix("commands", "1.0") + "release.json"
    told = json.loads(content(house, key))
    house.store.erase(key)
    house.store.put(key, json.dumps({**told, "files": {}}).encode())

    file = find_file(house, "commands", "1.0", "release.json")

    broken_off(open_span(house, file, 0, file.size_bytes), ObjectCorrupt)


def test_a_voice_taken_back_while_the_first_bytes_are_read_is_not_served(house: Collaborators) -> None:
    lenders = published(house)
    acting = on_store(
        house, _ActsOnOpen(house.settings.home / "objects", lambda: withdraw_consent(house, lenders[0].account_id))
    )
    file = find_file(house, "commands", "1.0", "archives/train-00000.tar")

    with pytest.raises(ReleaseWithdrawn):
        open_span(acting, file, 0, file.size_bytes)


def test_a_version_that_is_superseded_while_the_first_bytes_are_read_says_so(house: Collaborators) -> None:
    published(house)

    def publish_the_next() -> None:
        build_release(house, "commands", "2.0", THREE_SPLITS)
        publish_release(house, "commands", "2.0")

    acting = on_store(house, _ActsOnOpen(house.settings.home / "objects", publish_the_next))
    file = find_file(house, "commands", "1.0", "archives/train-00000.tar")

    with pytest.raises(ReleaseSuperseded):
        open_span(acting, file, 0, file.size_bytes)


def test_a_superseded_version_says_so_even_where_a_voice_in_it_was_taken_back(
    house: Collaborators, client: TestClient
) -> None:
    lenders = published(house)
    build_release(house, "commands", "2.0", THREE_SPLITS)
    publish_release(house, "commands", "2.0")
    withdraw_consent(house, lenders[0].account_id)

    answers = [client.get(f"/v1/releases/commands/{version}/files/train.csv") for version in ("1.0", "2.0")]

    assert [problem(answer.json()) for answer in answers] == ["release-superseded", "release-withdrawn"]


def test_a_long_answer_is_broken_off_within_a_few_megabytes_of_a_withdrawal(house: Collaborators) -> None:
    lenders = published(house, clips=30, duration_s=6)
    file = find_file(house, "commands", "1.0", "archives/train-00000.tar")
    chunks = open_span(house, file, 0, file.size_bytes)
    served_bytes = len(next(chunks))
    withdraw_consent(house, lenders[0].account_id)

    served_bytes += broken_off(chunks, ReleaseWithdrawn)

    assert served_bytes <= ASKED_EVERY_BYTES + CHUNK_BYTES < file.size_bytes


def test_a_slow_answer_is_broken_off_within_a_second_of_a_withdrawal(house: Collaborators) -> None:
    lenders = published(house, clips=10, duration_s=3)
    file = find_file(house, "commands", "1.0", "archives/train-00000.tar")
    chunks = open_span(house, file, 0, file.size_bytes)
    next(chunks)
    withdraw_consent(house, lenders[0].account_id)
    time.sleep(1.05)

    with pytest.raises(ReleaseWithdrawn):
        next(chunks)


def test_a_client_sees_that_an_answer_was_broken_off(house: Collaborators) -> None:
    lenders = published(house, clips=60, duration_s=4)
    headers = {"Authorization": f"Bearer {engineer_token(house)}"}
    small_window = [(socket.SOL_SOCKET, socket.SO_RCVBUF, 65_536)]

    with (
        serving(build_app(house, [routes()])) as url,
        httpx.Client(transport=httpx.HTTPTransport(socket_options=small_window), headers=headers) as client,
        client.stream("GET", f"{url}{FILES}archives/train-00000.tar") as answer,
    ):
        withdraw_consent(house, lenders[0].account_id)
        received_bytes = broken_off(answer.iter_raw(), httpx.RemoteProtocolError)

    assert received_bytes < int(answer.headers["content-length"])


def test_files_are_served_from_an_s3_store_too(house: Collaborators, make_store: Callable[[], ObjectStore]) -> None:
    stored = on_store(house, make_store())
    published(stored)
    headers = {"Authorization": f"Bearer {engineer_token(house)}"}
    client = TestClient(build_app(stored, [routes()]), headers=headers)
    whole = client.get(f"{FILES}archives/train-00000.tar").content

    part = client.get(f"{FILES}archives/train-00000.tar", headers={"Range": "bytes=700-"})

    assert (part.status_code, part.content) == (206, whole[700:])


class _ActsOnOpen(DirectoryStore):
    """A store that does something each time it has opened an archive."""

    def __init__(self, root: Path, act: Callable[[], None]) -> None:
        super().__init__(root)
        self._act = act

    def open(self, key: str, offset: int = 0) -> BinaryIO:
        file = super().open(key, offset)
        if key.endswith(".tar"):
            self._act()
        return file
