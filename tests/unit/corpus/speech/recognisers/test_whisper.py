"""What Whisper may write, and which models are believed."""

import hashlib
from pathlib import Path

import pytest

from corpus.errors import Misconfigured
from corpus.speech.recognisers.whisper import WhisperRecogniser, check_files, is_spoken


@pytest.mark.parametrize("text", [" ten", "'s", ".", " twenty-one", "é", "\ufffd", ""])
def test_letters_and_light_punctuation_may_be_written(text: str) -> None:
    assert is_spoken(text)


@pytest.mark.parametrize("text", ["10", " 7", "%", " $", "&", "½", "x2", "♪", "°", "(", '="', "\n"])
def test_digits_and_symbols_may_not(text: str) -> None:
    assert not is_spoken(text)


def test_a_folder_without_a_model_is_refused_by_what_it_lacks(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text("{}")

    with pytest.raises(Misconfigured, match=r"lacks model\.bin, tokenizer\.json"):
        WhisperRecogniser(tmp_path, "whisper-mine")


def test_the_pinned_files_are_believed(tmp_path: Path) -> None:
    (tmp_path / "model.bin").write_bytes(b"weights")

    check_files(tmp_path, {"model.bin": hashlib.sha256(b"weights").hexdigest()})


def test_a_model_other_than_the_pinned_one_is_refused(tmp_path: Path) -> None:
    (tmp_path / "model.bin").write_bytes(b"other weights")

    with pytest.raises(Misconfigured, match="pinned"):
        check_files(tmp_path, {"model.bin": hashlib.sha256(b"weights").hexdigest()})


def test_a_pinned_file_that_is_missing_is_named(tmp_path: Path) -> None:
    with pytest.raises(Misconfigured, match=r"model\.bin is missing"):
        check_files(tmp_path, {"model.bin": hashlib.sha256(b"weights").hexdigest()})
