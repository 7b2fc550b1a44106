"""`loanword evaluate disguise` measures a folder, and writes figures that a policy can name."""

import csv
import json
from pathlib import Path

import pytest

from export import policy
from export.disguise import Per
from loanword import cli
from tests.factories import wav
from tests.unit.loanword.evaluation.test_disguise import said

SPEAKERS = 7
"""One more than are needed: the first one's recording is none."""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "readers"
    made.mkdir()
    with (made / "manifest.csv").open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["file", "transcript", "speaker", "source"])
        for speaker in range(SPEAKERS):
            for piece in range(2):
                name = f"{speaker}-{piece}.wav"
                (made / name).write_bytes(wav(said(speaker, piece).samples.tobytes()))
                rows.writerow([name, "", f"speaker {speaker}", "a room"])
    (made / "0-0.wav").write_bytes(b"not a recording")
    return made


def test_its_figures_go_to_a_file_that_a_policy_names(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("LOANWORD_RECOGNISER", raising=False)
    figures = tmp_path / "disguise.json"
    arguments = ["--per", "clip", "--to", str(figures), "--described", "seven tubes", "--json"]

    assert cli.main(["evaluate", "disguise", str(folder), *arguments]) == 0

    told = json.loads(capsys.readouterr().out)
    (tmp_path / "policy.toml").write_text('disguise = {method = "mcadams", per = "clip", figures = "disguise.json"}\n')
    asked = policy.read(tmp_path / "policy.toml").disguise
    assert asked is not None
    assert asked.figures is not None
    assert (asked.figures.per, asked.figures.recordings, asked.figures.words) == (Per.CLIP, "seven tubes", None)
    assert asked.figures.attacks is not None
    assert asked.figures.attacks.speakers == SPEAKERS - 1
    assert told["attacks"]["undisguised"] == asked.figures.attacks.undisguised


def test_without_words_no_recogniser_is_needed(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LOANWORD_RECOGNISER", "https://asr.example/stt")

    assert cli.main(["evaluate", "disguise", str(folder), "--per", "clip", "--recogniser", "none", "--json"]) == 0

    assert json.loads(capsys.readouterr().out)["words"] is None


def test_its_answer_for_people_names_every_attacker_and_what_was_not_measured(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("LOANWORD_RECOGNISER", raising=False)

    assert cli.main(["evaluate", "disguise", str(folder), "--per", "speaker"]) == 0

    told = capsys.readouterr().out
    for words in ("ignorant", "lazy-informed", "semi-informed", "voices as they were", "not measured", "6 speakers"):
        assert words in told


@pytest.mark.parametrize("by_option", [True, False])
def test_nothing_is_sent_to_another_machine(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, by_option: bool
) -> None:
    address = "https://asr.example/stt?key=abc"
    monkeypatch.setenv("LOANWORD_RECOGNISER", "tiny.en" if by_option else address)
    arguments = ["--per", "speaker", *(["--recogniser", address] if by_option else [])]

    assert cli.main(["evaluate", "disguise", str(folder), *arguments]) == 1

    told = capsys.readouterr().err
    assert "would be sent to asr.example" in told
    assert "key=abc" not in told


def test_a_range_that_would_undo_itself_is_refused(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["--per", "speaker", "--alpha-from", "0.8", "--alpha-to", "0.8"]

    assert cli.main(["evaluate", "disguise", str(folder), *arguments]) == 1
    assert "alpha_to" in capsys.readouterr().err
