from pathlib import Path

from loanword.commands.clients import recordings_in


def test_a_folder_stands_for_the_files_below_it_and_hidden_ones_are_left_out(tmp_path: Path) -> None:
    (tmp_path / "kitchen").mkdir()
    for name in ("b.wav", "kitchen/a.flac", ".hidden.wav"):
        (tmp_path / name).touch()

    found = recordings_in([tmp_path])

    assert found == [tmp_path / "b.wav", tmp_path / "kitchen" / "a.flac"]


def test_a_file_that_is_named_is_taken_beside_folders(tmp_path: Path) -> None:
    folder, single = tmp_path / "folder", tmp_path / "z.wav"
    folder.mkdir()
    for file in (folder / "a.wav", single):
        file.touch()

    assert recordings_in([single, folder]) == [folder / "a.wav", single]
