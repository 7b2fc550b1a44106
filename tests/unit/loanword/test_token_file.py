from pathlib import Path

import pytest

from corpus.errors import Unauthenticated
from loanword.token_file import TokenFile

SERVER = "https://voices.example:8443/"


@pytest.fixture(autouse=True)
def config_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    return tmp_path


def test_a_token_is_kept_where_only_its_owner_can_read_it() -> None:
    path = TokenFile.of(SERVER, "device").write("lw_secret")

    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700


def test_a_new_token_takes_the_place_of_the_old_one() -> None:
    kept = TokenFile.of(SERVER, "device")
    kept.write("lw_old")

    kept.write("lw_new")

    assert kept.read() == "lw_new"


def test_each_server_and_each_use_has_a_token_of_its_own() -> None:
    places = [(SERVER, "device"), (SERVER, "account"), ("https://voices.example", "device")]

    for server, use in places:
        TokenFile.of(server, use).write(f"lw_{use} at {server}")

    assert [TokenFile.of(*place).read() for place in places] == [f"lw_{use} at {server}" for server, use in places]


def test_a_server_cannot_name_a_file_outside_the_folder_of_tokens(config_home: Path) -> None:
    path = TokenFile.of("../../elsewhere", "device").path

    assert path.parent == config_home / "loanword"


@pytest.mark.parametrize(
    ("use", "command"), [("device", "loanword device pair"), ("account", "loanword sign-in --scope pull")]
)
def test_a_missing_token_names_what_to_run(use: str, command: str) -> None:
    with pytest.raises(Unauthenticated, match=f": run `{command}` first"):
        TokenFile.of(SERVER, use).read()
