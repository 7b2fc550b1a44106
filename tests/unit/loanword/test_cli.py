"""What the command says to misuse, to a person who changes their mind, and to wrong settings."""

import io

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
