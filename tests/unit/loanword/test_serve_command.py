"""When the port stays shut."""

import socket
from pathlib import Path
from typing import Any

import pytest
import uvicorn

from corpus import object_keys
from corpus.collaborators import collaborators
from corpus.settings import Settings
from loanword import cli
from loanword.prepare import prepare


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Each time that a port would have opened."""
    ports: list[str] = []

    def run(app: str, **_options: Any) -> None:
        ports.append(app)

    monkeypatch.setattr(uvicorn, "run", run)
    return ports


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as held:
        port: int = held.getsockname()[1]
    return port


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_a_port_that_is_taken_is_told_of_before_any_work(
    tmp_path: Path, opened: list[str], capsys: pytest.CaptureFixture[str], host: str
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as held:
        port = held.getsockname()[1]
        status = cli.main(["serve", "--home", str(tmp_path / "home"), "--host", host, "--port", str(port)])

    said = capsys.readouterr().err
    assert (status, opened) == (1, [])
    assert f"{host} cannot be listened on at port {port}: Address already in use." in said
    assert "Serving on" not in said


@pytest.mark.parametrize("host", ["no.such.host.invalid", "a..b", "192.0.2.1"])
def test_a_host_that_is_not_here_is_told_of(
    tmp_path: Path, opened: list[str], capsys: pytest.CaptureFixture[str], host: str
) -> None:
    arguments = ["--home", str(tmp_path / "home"), "--host", host, "--port", str(free_port())]

    assert cli.main(["serve", *arguments]) == 1
    assert opened == []
    assert f"{host} cannot be listened on" in capsys.readouterr().err


def test_the_numbers_need_a_port_of_their_own(
    tmp_path: Path, opened: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["serve", "--home", str(tmp_path / "home"), "--port", "8123", "--metrics-port", "8123"]) == 1
    assert opened == []
    assert "are one port" in capsys.readouterr().err


def test_a_port_that_there_is_not_is_misuse(opened: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["serve", "--port", "80000"]) == 2
    assert opened == []
    assert "65535" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("content", "opens"), [(None, True), (b"{", False)], ids=["nothing-to-replay", "cannot-be-read"]
)
def test_a_journal_that_cannot_be_read_keeps_the_port_shut(
    tmp_path: Path, opened: list[str], content: bytes | None, opens: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = Settings(home=tmp_path / "home")
    prepare(settings)
    house = collaborators(settings)
    if content is not None:
        house.store.put(object_keys.journal_key("0" * 32), content)
    house.database.close()

    status = cli.main(["serve", "--home", str(settings.home), "--port", str(free_port())])

    assert (status == 0, len(opened) == 1) == (opens, opens)
    assert ("journal of withdrawals cannot be read" in capsys.readouterr().err) is not opens
