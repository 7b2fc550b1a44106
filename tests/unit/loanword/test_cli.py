"""What the command says to misuse, to a person who changes their mind, and to wrong settings."""

import importlib.metadata
import io
import os
import stat
from pathlib import Path

import httpx
import pytest

from corpus.errors import RecogniserMissing
from loanword import cli

SIGN_IN = ["sign-in", "--server", "http://voices.example", "--scope", "account"]


@pytest.mark.parametrize(
    ("argv", "told"),
    [
        pytest.param(["curat"], "No such command", id="no-such-command"),
        pytest.param(["curate", "--workers", "many"], "--workers", id="no-number"),
        pytest.param(["verify"], "DIRECTORY", id="argument-missing"),
    ],
)
def test_misuse_is_named_and_ends_with_2(argv: list[str], told: str, capsys: pytest.CaptureFixture[str]) -> None:
    status = cli.main(argv)

    said = capsys.readouterr()
    assert (status, said.out) == (2, "")
    assert told.lower() in said.err.lower()


def test_a_file_in_the_place_of_a_folder_is_named_without_a_traceback(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "home").write_bytes(b"")

    status = cli.main(["database", "upgrade", "--home", str(tmp_path / "home")])

    told = capsys.readouterr().err
    assert status == 1
    assert str(tmp_path / "home") in told
    assert "Traceback" not in told


def test_nobody_else_on_the_machine_reads_a_new_database(tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir(mode=0o755)
    before = os.umask(0o022)

    try:
        assert cli.main(["database", "upgrade", "--home", str(home)]) == 0
    finally:
        os.umask(before)

    assert (home / "loanword.db").exists()

    assert {
        path.name for path in home.iterdir() if path.is_file() and stat.S_IMODE(path.stat().st_mode) & 0o077
    } == set()


def test_a_notice_that_is_no_text_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LOANWORD_HOME", str(tmp_path / "home"))
    assert cli.main(["database", "upgrade"]) == 0
    (tmp_path / "notice.wav").write_bytes(bytes(range(256)))

    status = cli.main(["consent", "publish", str(tmp_path / "notice.wav"), "--locale", "en-US"])

    assert status == 1
    assert "no text in UTF-8" in capsys.readouterr().err


def test_a_setting_that_there_is_not_is_told_of(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LOANWORD_NOTICE_GRAC", "P1D")
    for others in ("TOKEN", "SERVER", "SERVICE_HOST", "PORT_8000_TCP_ADDR"):
        monkeypatch.setenv(f"LOANWORD_{others}", "a command's own, or an orchestrator's")
    monkeypatch.setenv("LOANWORD_home", "as good as in capitals")

    assert cli.main(["--help"]) == 0

    assert capsys.readouterr().err.splitlines() == [
        "warning: LOANWORD_NOTICE_GRAC is no setting: did you mean LOANWORD_NOTICE_GRACE?"
    ]


@pytest.mark.parametrize("address", ["127.0.0.1:8123", "ftp://voices.example", "notaurl", "http://", "http://[::1"])
@pytest.mark.parametrize(
    "argv",
    [["device", "pair"], ["upload", "."], ["pull", "commands", "new"], ["prune", "."]],
    ids=["pair", "upload", "pull", "prune"],
)
def test_what_is_no_servers_address_is_misuse(
    argv: list[str], address: str, capsys: pytest.CaptureFixture[str]
) -> None:
    status = cli.main([*argv, "--server", address])

    assert status == 2
    assert "http" in capsys.readouterr().err


def test_a_file_is_no_folder_to_pull_into(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "a").touch()

    status = cli.main(["pull", "commands", str(tmp_path / "a"), "--server", "http://voices.example", "--token", "x"])

    assert status == 2
    assert "Invalid value" in capsys.readouterr().err


@pytest.mark.parametrize("argv", [[], ["device"]], ids=["bare", "bare-group"])
def test_a_command_without_words_shows_its_help(argv: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    status = cli.main(argv)

    said = capsys.readouterr()
    assert status in (0, 2)
    assert "Usage" in said.out + said.err


def test_help_that_was_asked_for_ends_with_0(capsys: pytest.CaptureFixture[str]) -> None:
    status = cli.main(["--help"])

    assert status == 0
    assert "LOANWORD_HOME" in capsys.readouterr().out


def test_it_tells_its_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["--version"]) == 0

    assert capsys.readouterr().out == f"loanword {importlib.metadata.version('loanword')}\n"


def test_a_prompt_that_nobody_answers_is_aborted(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO())

    status = cli.main(SIGN_IN)

    assert status == 1
    assert "aborted" in capsys.readouterr().err.lower()


def test_an_interrupt_ends_without_a_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(httpx, "post", interrupted)

    status = cli.main([*SIGN_IN, "--email", "ann@example.org", "--password", "secret"])

    assert status in (1, 130)


def test_an_error_is_shown_to_its_last_bracket(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*_: object, **__: object) -> None:
        raise RecogniserMissing

    monkeypatch.setattr(httpx, "post", refused)

    status = cli.main([*SIGN_IN, "--email", "ann@example.org", "--password", "secret"])

    assert status == 1
    assert "pip install 'loanword[asr]'" in capsys.readouterr().err
