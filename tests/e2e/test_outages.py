"""A store or a database that goes away refuses uploads with 503, soon, keeps nothing of them, and comes back."""

import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from threading import Event

import httpx
import pytest
from sqlalchemy import select

from corpus.collaborators import Collaborators, collaborators
from corpus.object_keys import VOICES
from corpus.seaweedfs import SeaweedFS
from corpus.settings import Settings
from corpus.tables import Utterance
from corpus.web.problems import MEDIA_TYPE
from corpus.words import UtteranceId
from loanword.prepare import prepare
from tests.e2e.server import Sent, Server, running, some_speech
from tests.factories import Lender, make_lender
from tests.fixtures.databases import Postgres

SOON_S = 10.0
GIVEN_UP_S = 25.0
BUCKET = "outages"


@contextmanager
def serving(settings: Settings) -> Iterator[tuple[Server, Collaborators, Lender]]:
    """A server over these settings, the collaborators to look behind it, and a device."""
    prepare(settings)
    house = collaborators(settings)
    lender = make_lender(house)
    try:
        with running(settings) as server:
            yield server, house, lender
    finally:
        house.database.close()


@pytest.fixture
def seaweedfs_alone(tmp_path: Path) -> Iterator[SeaweedFS]:
    """A server that this test may stop."""
    with SeaweedFS(tmp_path / "seaweedfs") as server:
        server.create_bucket(BUCKET)
        yield server


@pytest.fixture
def over_seaweedfs(
    seaweedfs_alone: SeaweedFS, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[tuple[Server, Collaborators, Lender]]:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", seaweedfs_alone.access_key)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", seaweedfs_alone.secret_key)
    endpoint = seaweedfs_alone.endpoint_url
    with serving(
        Settings(home=tmp_path / "home", object_store=f"s3://{BUCKET}", s3_endpoint_url=endpoint)
    ) as all_three:
        yield all_three


@pytest.fixture
def over_postgresql(postgresql_url: str, tmp_path: Path) -> Iterator[tuple[Server, Collaborators, Lender]]:
    with serving(Settings(home=tmp_path / "home", database_url=postgresql_url)) as all_three:
        yield all_three


def send(server: Server, sent: Sent) -> tuple[httpx.Response, float]:
    """The answer, and how many seconds it took."""
    began_s = time.monotonic()
    with server.client() as client:
        answer = client.post("/v1/utterances", content=sent.body, headers=sent.headers)
    return answer, time.monotonic() - began_s


def send_around(server: Server, sent: Sent, event: Callable[[], None]) -> httpx.Response:
    """Sends half of the body, lets the event happen, and sends the rest."""
    half, happened = Event(), Event()

    def body() -> Iterator[bytes]:
        yield sent.body[:20_000]
        half.set()
        assert happened.wait(60)
        yield sent.body[20_000:]

    with ThreadPoolExecutor(1) as threads, server.client() as client:
        answer = threads.submit(client.post, "/v1/utterances", content=body(), headers=sent.headers)
        assert half.wait(60)
        time.sleep(0.5)  # until the gate has let it in
        event()
        happened.set()
        return answer.result()


def assert_refused_for_now(answer: httpx.Response, problem: str) -> None:
    assert answer.status_code == 503
    assert answer.headers["content-type"] == MEDIA_TYPE
    assert int(answer.headers["retry-after"]) >= 1
    assert answer.json()["type"] == f"urn:loanword:problem:{problem}"


def stored(house: Collaborators) -> list[UtteranceId]:
    """The ids of all utterances, once it is sure that the objects are theirs and no others."""
    with house.database.reading() as session:
        rows = {row.object_key: row.id for row in session.scalars(select(Utterance))}
    assert {info.key for info in house.store.list(VOICES)} == rows.keys()
    return sorted(rows.values())


def assert_stored_once(house: Collaborators, server: Server, all_sent: list[Sent]) -> None:
    """A retry of each is answered with an id, one and the same twice, and nothing else is there."""
    answers = [send(server, sent)[0] for sent in all_sent * 2]
    assert [answer.status_code for answer in answers] == [201] * len(answers)
    ids = [answer.json()["id"] for answer in answers]
    assert ids[: len(all_sent)] == ids[len(all_sent) :]
    assert stored(house) == sorted(set(ids))
    assert len(set(ids)) == len(all_sent)


def test_uploads_survive_an_outage_of_the_store(
    over_seaweedfs: tuple[Server, Collaborators, Lender], seaweedfs_alone: SeaweedFS
) -> None:
    server, house, lender = over_seaweedfs
    before, at_the_gate, half_way = (some_speech(lender) for _ in range(3))
    assert send(server, before)[0].status_code == 201

    cut = send_around(server, half_way, seaweedfs_alone.stop)
    refused, took_s = send(server, at_the_gate)
    seaweedfs_alone.start()

    assert_refused_for_now(cut, "store-unavailable")
    assert_refused_for_now(refused, "store-unavailable")
    assert took_s < SOON_S
    assert len(stored(house)) == 1
    assert_stored_once(house, server, [before, at_the_gate, half_way])


@pytest.mark.slow
def test_a_store_that_hangs_is_given_up_in_time(
    over_seaweedfs: tuple[Server, Collaborators, Lender], seaweedfs_alone: SeaweedFS
) -> None:
    server, house, lender = over_seaweedfs
    before, during = some_speech(lender), some_speech(lender)
    assert send(server, before)[0].status_code == 201

    with frozen(seaweedfs_alone):
        refused, took_s = send(server, during)

    assert_refused_for_now(refused, "store-unavailable")
    assert took_s < GIVEN_UP_S
    retried, _ = send(server, during)
    with house.database.reading() as session:  # the store may keep an orphan: it never said what became of the first
        ids = set(session.scalars(select(Utterance.id)))
    assert retried.json()["id"] in ids
    assert len(ids) == 2


@contextmanager
def frozen(seaweedfs: SeaweedFS) -> Iterator[None]:
    """It neither answers nor refuses: its machine is there, and it is not."""
    assert seaweedfs._process is not None
    os.killpg(seaweedfs._process.pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.killpg(seaweedfs._process.pid, signal.SIGCONT)


def test_uploads_survive_an_outage_of_the_database(
    over_postgresql: tuple[Server, Collaborators, Lender], postgresql_server: Postgres
) -> None:
    server, house, lender = over_postgresql
    before, at_the_gate, half_way = (some_speech(lender) for _ in range(3))
    assert send(server, before)[0].status_code == 201

    cut = send_around(server, half_way, postgresql_server.stop)
    refused, took_s = send(server, at_the_gate)
    postgresql_server.start()

    assert_refused_for_now(cut, "database-unavailable")
    assert_refused_for_now(refused, "database-unavailable")
    assert took_s < SOON_S
    assert len(stored(house)) == 1
    assert_stored_once(house, server, [before, at_the_gate, half_way])


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of one megabyte."""
    folder = tmp_path / "disk"
    folder.mkdir()
    if os.geteuid() != 0:
        pytest.skip("only root may mount a small disk")
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(folder)], capture_output=True, text=True, check=False
    )
    if mounted.returncode != 0:
        pytest.skip(f"no small disk can be mounted here: {mounted.stderr.strip()}")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


@pytest.mark.parametrize("size_bytes", [40_000, 400_000], ids=["a-short-clip", "a-long-clip"])
def test_a_full_disk_refuses_uploads_and_takes_them_once_there_is_room(
    small_disk: Path, tmp_path: Path, size_bytes: int
) -> None:
    objects, ballast = small_disk / "objects", small_disk / "ballast"
    with serving(Settings(home=tmp_path / "home", object_store=str(objects))) as (server, house, lender):
        before, during = some_speech(lender), some_speech(lender, size_bytes=size_bytes)
        assert send(server, before)[0].status_code == 201
        room_bytes = os.statvfs(small_disk).f_bavail * os.statvfs(small_disk).f_frsize
        ballast.write_bytes(bytes(room_bytes - 8192))

        refused, took_s = send(server, during)
        left = [path.name for path in (objects / ".incoming").iterdir()]
        there = stored(house)
        ballast.unlink()

        assert_refused_for_now(refused, "store-unavailable")
        assert took_s < SOON_S
        assert left == []
        assert len(there) == 1
        assert_stored_once(house, server, [before, during])


def test_a_full_disk_under_the_database_refuses_uploads_until_there_is_room(small_disk: Path, tmp_path: Path) -> None:
    database, ballast = small_disk / "loanword.db", small_disk / "ballast"
    settings = Settings(home=tmp_path / "home", database_url=f"sqlite:///{database}")
    with serving(settings) as (server, house, lender):
        before, during = some_speech(lender), some_speech(lender)
        assert send(server, before)[0].status_code == 201
        ballast.write_bytes(bytes(os.statvfs(small_disk).f_bavail * os.statvfs(small_disk).f_frsize))

        refused = [send(server, sent)[0] for sent in (during, *(some_speech(lender) for _ in range(3)))]
        ballast.unlink()

        for answer in refused:
            assert_refused_for_now(answer, "database-unavailable")
        retried, _ = send(server, during)
        with house.database.reading() as session:  # objects may be left over: nobody knew what became of the commit
            ids = set(session.scalars(select(Utterance.id)))
        assert retried.json()["id"] in ids
        assert len(ids) == 2
