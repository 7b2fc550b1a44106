"""What `loanword upload` sends, what it remembers, and how it ends."""

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from email.message import Message
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread

import pytest

from loanword import cli

FIRST, SECOND = "lw_first", "lw_second"


@dataclass
class Answering:
    """A server that answers each upload with `status` and remembers its headers."""

    url: str = ""
    status: int = 201
    asked: list[Message] = field(default_factory=list)


@pytest.fixture
def server() -> Iterator[Answering]:
    answering = Answering()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["content-length"]))
            answering.asked.append(self.headers)
            body = json.dumps({"id": "u1", "type": "urn:loanword:problem:not-audio"}).encode()
            self.send_response(answering.status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as http:
        answering.url = f"http://127.0.0.1:{http.server_port}"
        thread = Thread(target=http.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield answering
        http.shutdown()
        thread.join()


@pytest.fixture
def recording(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    path = tmp_path / "a.wav"
    path.write_bytes(b"a voice")
    os.utime(path, (1_772_366_400.25, 1_772_366_400.25))
    return path


def upload(server: Answering, recording: Path, *options: str, token: str = FIRST) -> int:
    return cli.main(["upload", "--server", server.url, "--token", token, *options, str(recording)])


def test_a_recording_that_was_sent_is_not_sent_again(server: Answering, recording: Path) -> None:
    statuses = [upload(server, recording) for _ in range(2)]

    assert statuses == [0, 0]
    assert len(server.asked) == 1


def test_a_device_that_was_paired_anew_sends_its_recordings_again(server: Answering, recording: Path) -> None:
    upload(server, recording)

    upload(server, recording, token=SECOND)

    assert [asked["authorization"] for asked in server.asked] == [f"Bearer {FIRST}", f"Bearer {SECOND}"]


def test_what_is_remembered_does_not_tell_the_token(server: Answering, recording: Path) -> None:
    upload(server, recording)

    kept = [path for path in (recording.parent / "config" / "loanword").iterdir() if path.suffix == ".sent"]
    assert len(kept) == 1
    assert FIRST not in kept[0].name + kept[0].read_text()


def test_a_refused_recording_makes_the_upload_fail(
    server: Answering, recording: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    server.status = 415

    status = upload(server, recording)

    said = capsys.readouterr()
    assert status == 1
    assert "1 not-audio" in said.out
    assert said.err == f"{recording}: not-audio\n"


def test_a_recording_that_was_refused_before_makes_every_later_upload_fail(
    server: Answering, recording: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    server.status = 415
    upload(server, recording)
    capsys.readouterr()

    status = upload(server, recording)

    said = capsys.readouterr()
    assert (status, said.out.split()) == (1, ["1", "refused", "before"])
    assert said.err == f"{recording}: not-audio (refused before)\n"
    assert len(server.asked) == 1


def test_no_time_is_sent_unless_it_is_asked_for(server: Answering, recording: Path) -> None:
    upload(server, recording)

    assert server.asked[0]["loanword-captured-at"] is None


def test_a_files_time_is_sent_as_the_time_of_recording_where_that_is_asked_for(
    server: Answering, recording: Path
) -> None:
    upload(server, recording, "--recorded-at-file-time")

    assert server.asked[0]["loanword-captured-at"] == "2026-03-01T12:00:00.250000+00:00"
