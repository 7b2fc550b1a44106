"""Uploads over real connections: what is answered when, and what becomes of bodies that nobody reads."""

import asyncio
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import timedelta

import pytest
import uvicorn
from starlette.types import Message

from corpus.collaborators import Collaborators, collaborators
from corpus.settings import Settings
from corpus.web.app import build_app
from ingest.app import routes
from tests.factories import Lender, make_account, make_device, make_lender, tone, wav
from tests.fixtures.house import StillClock
from tests.integration.ingest.traces import Traces

WAV = wav(tone(duration_s=1.0))
SOON_S = 5.0
MAX_BYTES = 1_200_000
on_sqlite = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
pytestmark = on_sqlite


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return settings.model_copy(update={"upload_max_bytes": MAX_BYTES, "upload_deadline": timedelta(seconds=0.7)})


@pytest.fixture
def house(settings: Settings, clock: StillClock) -> Iterator[Collaborators]:
    opened = collaborators(settings, clock)
    yield opened
    opened.database.close()


@pytest.fixture(params=["httptools", "h11"])
def port(request: pytest.FixtureRequest, house: Collaborators) -> Iterator[int]:
    """Of a server with each of the two parsers that uvicorn may find."""
    config = uvicorn.Config(build_app(house, [routes()]), http=request.param, log_level="critical", lifespan="off")
    server = uvicorn.Server(config)
    with closing(socket.create_server(("127.0.0.1", 0))) as listening:
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
        thread.start()
        yield listening.getsockname()[1]
        server.should_exit = True
        thread.join(20)


class Connection:
    """A client that sends exactly what it is told to."""

    def __init__(self, raw: socket.socket) -> None:
        self.raw = raw
        self._incoming = raw.makefile("rb")

    def head(self, lender: Lender, *lines: str) -> None:
        request = ["POST /v1/utterances HTTP/1.1", "Host: x", f"Authorization: Bearer {lender.device_token}", *lines]
        self.raw.sendall(("\r\n".join(request) + "\r\n\r\n").encode())

    def answer(self) -> tuple[int, dict[str, str]]:
        """(status, headers), its body read."""
        status = int(self._incoming.readline().split()[1])
        headers: dict[str, str] = {}
        while line := self._incoming.readline().strip().decode():
            name, _, value = line.partition(":")
            headers[name.lower()] = value.strip()
        self._incoming.read(int(headers.get("content-length", 0)))
        return status, headers

    def is_closed_by_server(self) -> bool:
        return self._incoming.read(1) == b""


@contextmanager
def connected(port: int) -> Iterator[Connection]:
    with socket.create_connection(("127.0.0.1", port), timeout=SOON_S) as raw:
        yield Connection(raw)


def stranger(house: Collaborators) -> Lender:
    """Who was never asked."""
    return make_device(house, make_account(house))


def test_a_refusal_comes_before_any_of_the_body_is_sent(house: Collaborators, port: int) -> None:
    with connected(port) as connection:
        connection.head(stranger(house), "Content-Length: 160000")

        status, headers = connection.answer()

        assert (status, headers["connection"]) == (403, "close")
        assert connection.is_closed_by_server()


def test_who_waits_for_leave_is_refused_without_it(house: Collaborators, port: int) -> None:
    with connected(port) as connection:
        connection.head(stranger(house), "Content-Length: 160000", "Expect: 100-continue")

        began = time.monotonic()
        assert connection.answer()[0] == 403
        assert connection.is_closed_by_server()
        assert time.monotonic() - began < 1.5  # nobody lingers for a body that will not come


def test_who_waits_for_leave_gets_it_and_then_sends(house: Collaborators, port: int, traces: Traces) -> None:
    with connected(port) as connection:
        connection.head(make_lender(house), f"Content-Length: {len(WAV)}", "Expect: 100-continue")
        assert connection.answer()[0] == 100

        connection.raw.sendall(WAV)

        assert connection.answer()[0] == 201
    assert traces.utterances() == 1


def test_too_large_is_said_before_any_of_it_is_sent(house: Collaborators, port: int) -> None:
    with connected(port) as connection:
        connection.head(make_lender(house), f"Content-Length: {MAX_BYTES + 1}", "Expect: 100-continue")

        assert connection.answer()[0] == 413


def test_a_body_of_unknown_length_is_cut_off_where_it_is_too_large(
    house: Collaborators, port: int, traces: Traces
) -> None:
    lender = make_lender(house)
    before = traces.now()
    chunk = WAV[:32_000]

    with connected(port) as connection:
        connection.head(lender, "Transfer-Encoding: chunked")
        for _ in range(MAX_BYTES // len(chunk) + 1):
            connection.raw.sendall(b"%x\r\n" % len(chunk) + chunk + b"\r\n")
        status, headers = connection.answer()

    assert (status, headers["connection"]) == (413, "close")
    assert traces.now() == before


def test_a_body_of_unknown_length_is_taken(house: Collaborators, port: int, traces: Traces) -> None:
    with connected(port) as connection:
        connection.head(make_lender(house), "Transfer-Encoding: chunked")
        connection.raw.sendall(b"%x\r\n" % len(WAV) + WAV + b"\r\n0\r\n\r\n")

        assert connection.answer()[0] == 201
    assert traces.utterances() == 1


def test_who_sends_everything_before_they_listen_still_hears_the_refusal(house: Collaborators, port: int) -> None:
    with connected(port) as connection:
        connection.head(stranger(house), "Content-Length: 900000")
        for _ in range(9):
            connection.raw.sendall(bytes(100_000))

        assert connection.answer()[0] == 403


def test_after_a_refusal_of_what_was_read_the_connection_goes_on(
    house: Collaborators, port: int, traces: Traces
) -> None:
    lender = make_lender(house)
    with connected(port) as connection:
        statuses = []
        for body in (b"<html>" * 1000, WAV, b"", WAV):
            connection.head(lender, f"Content-Length: {len(body)}")
            connection.raw.sendall(body)
            statuses.append(connection.answer()[0])

    assert statuses == [415, 201, 415, 201]
    assert traces.utterances() == 2


def test_a_client_that_goes_away_leaves_nothing(house: Collaborators, port: int, traces: Traces) -> None:
    lender = make_lender(house)
    before = traces.now()

    with connected(port) as connection:
        connection.head(lender, f"Content-Length: {len(WAV)}")
        connection.raw.sendall(WAV[:-1])
        time.sleep(0.2)
    time.sleep(0.3)

    assert traces.now() == before


def test_a_body_that_takes_too_long_is_refused(house: Collaborators, port: int, traces: Traces) -> None:
    lender = make_lender(house)
    before = traces.now()

    with connected(port) as connection:
        connection.head(lender, f"Content-Length: {len(WAV)}")
        connection.raw.sendall(WAV[:-1])
        status, headers = connection.answer()

    assert (status, headers["connection"]) == (408, "close")
    assert traces.now() == before


def test_nothing_is_received_before_the_gate_has_answered(house: Collaborators) -> None:
    """The application itself, without a server: asking for the body is what lets a server read it."""
    heard: list[str] = []

    async def receive() -> Message:
        heard.append("receive")
        return {"type": "http.disconnect"}

    async def send(message: Message) -> None:
        heard.append(f"{message['type']} {message.get('status', '')}".strip())

    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": "POST",
        "scheme": "http",
        "path": "/v1/utterances",
        "raw_path": b"/v1/utterances",
        "query_string": b"",
        "root_path": "",
        "headers": [
            (b"authorization", f"Bearer {stranger(house).device_token}".encode()),
            (b"content-length", b"160000"),
        ],
        "client": ("127.0.0.1", 1),
        "server": ("127.0.0.1", 2),
    }
    asyncio.run(build_app(house, [routes()])(scope, receive, send))

    assert heard[:2] == ["http.response.start 403", "http.response.body"]
