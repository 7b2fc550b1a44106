"""What `loanword account` prints, and the links that it makes."""

from pathlib import Path

import pytest

from corpus.collaborators import Collaborators, collaborators
from corpus.errors import LinkSpent
from corpus.identity.accounts import email_lookup
from corpus.identity.links import enter_by_link
from corpus.identity.queries import credentials
from corpus.settings import Settings
from corpus.words import Role
from loanword import cli
from loanword.prepare import prepare
from tests.factories import make_account

EMAIL = "ann@example.org"


@pytest.fixture
def home(tmp_path: Path) -> Path:
    prepare(Settings(home=tmp_path / "home"))
    return tmp_path / "home"


@pytest.fixture
def opened(home: Path) -> Collaborators:
    return collaborators(Settings(home=home))


def printed(capsys: pytest.CaptureFixture[str], *argv: object) -> str:
    assert cli.main([*map(str, argv)]) == 0
    return capsys.readouterr().out.strip()


def test_who_is_added_with_a_link_needs_no_password(
    home: Path, opened: Collaborators, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LOANWORD_PUBLIC_URL", "https://voices.example/")

    link = printed(capsys, "account", "add", EMAIL, "--role", "contributor", "--link", "--home", home)

    address, _, secret = link.rpartition("/")
    entered = enter_by_link(opened, secret)
    assert address == "https://voices.example/sign-in"
    assert entered.roles == {Role.CONTRIBUTOR}
    with opened.database.reading() as session:
        known = credentials(session, email_lookup(opened.master, EMAIL))
    assert known is not None
    assert known.password_hash is None


def test_a_link_is_printed_for_an_account_and_a_newer_one_ends_it(
    home: Path, opened: Collaborators, capsys: pytest.CaptureFixture[str]
) -> None:
    person = make_account(opened, email=EMAIL)

    older, newer = (printed(capsys, "account", "link", EMAIL, "--minutes", 5, "--home", home) for _ in range(2))

    with pytest.raises(LinkSpent):
        enter_by_link(opened, older.rpartition("/")[2])
    assert enter_by_link(opened, newer.rpartition("/")[2]).account_id == person
    assert newer.startswith("http://127.0.0.1:8000/sign-in/")


def test_there_is_no_link_for_an_address_without_account(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["account", "link", EMAIL, "--home", str(home)]) == 1
    assert "loanword account add" in capsys.readouterr().err
