"""The child server: it is private, it stops, it leaves nothing behind."""

import errno
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from corpus.errors import StoreUnavailable
from corpus.s3 import S3Store
from corpus.seaweedfs import SeaweedFS

PARENT = """
import pathlib, sys, time
from corpus.seaweedfs import SeaweedFS
SeaweedFS(pathlib.Path(sys.argv[1])).start()
print("started", flush=True)
time.sleep(600)
"""


def servers_in(directory: Path) -> list[str]:
    listed = subprocess.run(["ps", "-A", "-ww", "-o", "args="], capture_output=True, text=True, check=True).stdout
    return [line for line in listed.splitlines() if f"-dir={directory}/" in line and "weed" in line.split()[0]]


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux answers on all of 127.0.0.0/8")
def test_it_listens_on_loopback_alone(seaweedfs: SeaweedFS) -> None:
    for port in seaweedfs.ports.values():
        with socket.socket() as ours, socket.socket() as other:
            # What listens on every address answers here too; what listens on 127.0.0.1 does not.
            assert other.connect_ex(("127.0.0.2", port)) == errno.ECONNREFUSED
            assert ours.connect_ex(("127.0.0.1", port)) == 0


def test_objects_survive_a_restart_on_other_ports(tmp_path: Path) -> None:
    with SeaweedFS(tmp_path) as server:
        server.create_bucket("kept")
        first = server.connect()
        S3Store("kept", "", first).put("a/1", b"a voice")

    with SeaweedFS(tmp_path) as server, S3Store("kept", "", server.connect()).open("a/1") as file:
        assert file.read() == b"a voice"
    with pytest.raises(StoreUnavailable):
        S3Store("kept", "", first).head("a/1")
    assert servers_in(tmp_path) == []


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux ends a child with its parent")
def test_a_killed_parent_leaves_no_orphan(tmp_path: Path) -> None:
    command = [sys.executable, "-c", PARENT, str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, env={**os.environ, "PYTHONPATH": "."}) as parent:
        assert parent.stdout is not None
        assert parent.stdout.readline() == b"started\n"
        assert len(servers_in(tmp_path)) == 1

        parent.send_signal(signal.SIGKILL)
        parent.wait()

    deadline_s = time.monotonic() + 15
    while servers_in(tmp_path) and time.monotonic() < deadline_s:
        time.sleep(0.05)
    assert servers_in(tmp_path) == []
