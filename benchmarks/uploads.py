"""Durable uploads a second: `POST /v1/utterances` beside a bare route of the same server.

Eight clients, each a device of its own account with one kept-alive connection, send 160 KB WAV clips, no body twice.
A server process on SQLite and a directory, with all settings the defaults but the rate limit.
"""

import os
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPConnection
from pathlib import Path

from benchmarks.measured import Compared, by_turns
from corpus.collaborators import collaborators
from corpus.settings import Settings
from loanword.prepare import prepare
from loanword.serve import as_environment
from tests.factories import make_lender, wav

CLIENTS = 8
UPLOADS_A_ROUND = 400
ROUNDS = 7
PCM_BYTES = 160_000


def compare() -> Compared:
    with tempfile.TemporaryDirectory(prefix="loanword-bench-") as folder:
        home, bare_folder = Path(folder, "home"), Path(folder, "bare")
        bare_folder.mkdir()
        settings = Settings(home=home, uploads_per_minute=10**9)
        prepare(settings)
        house = collaborators(settings)
        devices = [make_lender(house).device_token for _ in range(CLIENTS)]
        house.database.close()
        with _server(settings, bare_folder) as port:
            return by_turns(
                lambda: _rate(port, "/v1/utterances", devices), lambda: _rate(port, "/bare", devices), ROUNDS
            )


def _rate(port: int, path: str, devices: list[str]) -> float:
    """Uploads a second, over one round."""
    threads = [threading.Thread(target=_send, args=(port, path, token)) for token in devices]
    began = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return UPLOADS_A_ROUND / (time.perf_counter() - began)


def _send(port: int, path: str, token: str) -> None:
    connection = HTTPConnection("127.0.0.1", port)
    header, noise = wav(bytes(PCM_BYTES))[:44], os.urandom(PCM_BYTES)
    for number in range(UPLOADS_A_ROUND // CLIENTS):
        body = header + noise[number * 2 :] + noise[: number * 2]
        connection.request("POST", path, body, {"Authorization": f"Bearer {token}", "Content-Type": "audio/wav"})
        answer = connection.getresponse()
        answer.read()
        if answer.status != 201:
            raise RuntimeError(f"{path} answered {answer.status}")
    connection.close()


@contextmanager
def _server(settings: Settings, bare_folder: Path) -> Iterator[int]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    command = [sys.executable, "-m", "uvicorn", "--factory", "benchmarks.bare:app", "--port", str(port)]
    environment = os.environ | as_environment(settings) | {"BARE_FOLDER": str(bare_folder)}
    process = subprocess.Popen([*command, "--log-level", "warning"], env=environment)
    try:
        _wait_for(port, process)
        yield port
    finally:
        process.terminate()
        process.wait()


def _wait_for(port: int, process: subprocess.Popen[bytes]) -> None:
    for _ in range(300):
        try:
            socket.create_connection(("127.0.0.1", port)).close()
        except ConnectionRefusedError:
            if process.poll() is not None:
                raise RuntimeError("The server did not start.") from None
            time.sleep(0.1)
        else:
            return
    raise RuntimeError("The server did not start within 30 s.")
