"""What `loanword account` prints, and the links that it makes."""

from pathlib import Path

import pytest

from corpus.collaborators import Collaborators, collaborators
from corpus.errors import LinkSpent
from corpus.identity.accounts import email_lookup
from corpus.identity.links import enter_by_link
from corpus.identity.queries import account_id_of, credentials
from corpus.queries import events_of
from corpus.settings import Settings
from corpus.words import Role
from ingest.give_consent import consent_states
from loanword import cli
from loanword.prepare import prepare
from tests.factories import ALL_PURPOSES, make_account, opt_in

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


def test_who_is_there_already_gets_the_role_and_no_other_password(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    printed(capsys, "account", "add", EMAIL, "--role", "contributor", "--link", "--home", home)
    arguments = ["account", "add", EMAIL, "--role", "curator", "--role", "engineer", "--password-stdin"]

    assert cli.main([*arguments, "--home", str(home)]) == 0

    assert "it is curator and engineer now, besides what it was" in capsys.readouterr().err


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


def test_an_operator_takes_a_voice_back_in_its_owners_stead_and_the_log_says_so(
    home: Path, opened: Collaborators, capsys: pytest.CaptureFixture[str]
) -> None:
    person = make_account(opened, email=EMAIL)
    opt_in(opened, person)

    said = printed(capsys, "account", "withdraw", EMAIL, "--home", home)

    assert said == "0 recordings withdrawn; taken back: collect, review, publish"
    with opened.database.reading() as session:
        events = events_of(session, person)
    assert not any(state.in_force for state in consent_states(opened, person))
    assert {event.actor for event in events if event.act == "withdrawn"} == {"operator"}


def test_a_dry_run_takes_nothing_back(home: Path, opened: Collaborators, capsys: pytest.CaptureFixture[str]) -> None:
    person = make_account(opened, email=EMAIL)
    opt_in(opened, person)

    said = printed(capsys, "account", "withdraw", EMAIL, "--close", "--dry-run", "--home", home)

    assert "would be closed" in said
    assert all(state.in_force for state in consent_states(opened, person) if state.purpose in ALL_PURPOSES)


def test_an_operator_closes_an_account_and_is_told_where_the_certificate_will_be(
    home: Path, opened: Collaborators, capsys: pytest.CaptureFixture[str]
) -> None:
    make_account(opened, email=EMAIL)

    said = printed(capsys, "account", "withdraw", EMAIL, "--close", "--home", home)

    assert said.splitlines()[-1].startswith("/certificates/")
    with opened.database.reading() as session:
        assert account_id_of(session, email_lookup(opened.master, EMAIL)) is None
