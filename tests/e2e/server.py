"""A real `loanword serve`, in a process of its own, and a device's upload to it."""

import os
import secrets
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from corpus.child_process import ends_with_parent
from corpus.settings import Settings
from corpus.words import UtteranceId
from loanword.serve import as_environment
from tests.factories import Lender, wav

READY_WITHIN_S = 60.0
ANSWERS_WITHIN_S = 30.0


@dataclass
class Sent:
    """One upload as its device knows it: what was sent, and the id that was answered, if any."""

    device: Lender
    body: bytes
    key: str = field(default_factory=lambda: secrets.token_hex(16))
    utterance_id: UtteranceId | None = None
    stored_id: UtteranceId | None = None
    """The row that was found for it while its device had no answer."""

    @property
    def headers(self) -> dict[str, str]:
        return {
            "Authorization": f"Bearer {self.device.device_token}",
            "Idempotency-Key": self.key,
            "Content-Type": "audio/wav",
        }


def some_speech(device: Lender, *, size_bytes: int = 40_000) -> Sent:
    """An upload that no other resembles."""
    return Sent(device, wav(secrets.token_bytes(size_bytes)))


@dataclass
class Server:
    """One process, which listens, or soon will."""

    process: subprocess.Popen[bytes]
    port: int
    log: Path

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def client(self) -> httpx.Client:
        return httpx.Client(base_url=self.url, timeout=ANSWERS_WITHIN_S, trust_env=False)

    def post(self, client: httpx.Client, sent: Sent) -> UtteranceId:
        """Raises what httpx raises, a refusal included."""
        answer = client.post("/v1/utterances", content=sent.body, headers=sent.headers)
        answer.raise_for_status()
        return UtteranceId(answer.json()["id"])

    def wait_until_healthy(self) -> None:
        deadline_s = time.monotonic() + READY_WITHIN_S
        with self.client() as client:
            while time.monotonic() < deadline_s and self.process.poll() is None:
                with suppress(httpx.TransportError):
                    if client.get("/healthz").is_success:
                        return
                time.sleep(0.02)
        raise RuntimeError(f"The server did not start:\n{self.log.read_text()[-4000:]}")

    def kill(self) -> None:
        """SIGKILL: nothing of it runs any more when this returns."""
        self.process.kill()
        self.process.wait()


def start(settings: Settings, *, under: Sequence[str] = (), environment: dict[str, str] | None = None) -> Server:
    """Starts a server over a prepared home, and does not wait for it. `under` is a command that runs it."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    log_path = settings.home / "server.log"
    command = ends_with_parent([*under, sys.executable, "-m", "loanword", "serve", "--port", str(port)])
    with log_path.open("ab") as log:
        variables = os.environ | as_environment(settings) | (environment or {})
        return Server(subprocess.Popen(command, stdout=log, stderr=log, env=variables), port, log_path)


@contextmanager
def running(
    settings: Settings, *, under: Sequence[str] = (), environment: dict[str, str] | None = None
) -> Iterator[Server]:
    """A server that answers, killed on leaving."""
    server = start(settings, under=under, environment=environment)
    try:
        server.wait_until_healthy()
        yield server
    finally:
        server.kill()
