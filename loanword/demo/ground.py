"""What the demo stands on: its own home, a SeaweedFS server and a Loanword server, all reaped at the end."""

import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from corpus.child_process import ends_with_parent
from corpus.errors import Misconfigured, ServerFailed
from corpus.seaweedfs import SeaweedFS
from corpus.settings import Settings
from loanword.serve import as_environment

MARKER = ".loanword-demo"
BUCKET = "loanword"
READY_WITHIN_S = 30.0
STOPS_WITHIN_S = 15.0


@dataclass(frozen=True, slots=True)
class Ground:
    """A running demo."""

    settings: Settings
    server_url: str
    store_url: str


def make_home(home: Path) -> bool:
    """An empty home for the demo; returns whether an earlier demo was cleared away.

    Raises `Misconfigured` for a folder with anything else in it.
    """
    earlier = (home / MARKER).exists()
    if home.exists() and any(home.iterdir()) and not earlier:
        raise Misconfigured(f"{home} holds other things: name a folder for the demo alone with --home.")
    if earlier:
        shutil.rmtree(home)
    home.mkdir(parents=True, exist_ok=True, mode=0o700)
    (home / MARKER).touch()
    return earlier


@contextmanager
def store_under(home: Path) -> Iterator[SeaweedFS]:
    """SeaweedFS with one bucket; its credentials are this process's `AWS_…` while it runs."""
    with SeaweedFS(home / "seaweedfs") as store:
        store.create_bucket(BUCKET)
        os.environ["AWS_ACCESS_KEY_ID"] = store.access_key
        os.environ["AWS_SECRET_ACCESS_KEY"] = store.secret_key
        yield store


@contextmanager
def server_over(settings: Settings) -> Iterator[str]:
    """`loanword serve` as a child process on a free port; yields its address."""
    port = _free_port()
    url = f"http://127.0.0.1:{port}"
    log_path = settings.home / "server.log"
    command = [sys.executable, "-m", "loanword", "serve", "--port", str(port)]
    with log_path.open("ab") as log:
        process = subprocess.Popen(
            ends_with_parent(command),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            env=os.environ | as_environment(settings),
        )
    try:
        _wait_until_healthy(url, process, log_path)
        yield url
    finally:
        process.terminate()
        try:
            process.wait(STOPS_WITHIN_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _wait_until_healthy(url: str, process: subprocess.Popen[bytes], log_path: Path) -> None:
    deadline = time.monotonic() + READY_WITHIN_S
    while time.monotonic() < deadline and process.poll() is None:
        try:
            if httpx.get(f"{url}/healthz").is_success:
                return
        except httpx.TransportError:
            time.sleep(0.05)
    raise ServerFailed(f"The demo's server did not start: {log_path} tells why.")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port
