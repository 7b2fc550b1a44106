"""However a database was restored, no command acts on what it has forgotten."""

import shutil
from pathlib import Path

import pytest
import structlog

from corpus.collaborators import Collaborators, collaborators
from corpus.settings import Settings
from ingest.give_consent import consent_states
from ingest.withdraw import withdraw
from loanword import cli
from loanword.prepare import prepare
from tests.factories import Lender, make_lender

RELEASE = ("commands", "--version", "1")


@pytest.fixture
def home(tmp_path: Path) -> Path:
    prepare(Settings(home=tmp_path / "home"))
    return tmp_path / "home"


@pytest.fixture
def forgotten(home: Path, tmp_path: Path) -> Lender:
    """Who withdrew after the copy was taken that is now in the database's place."""
    house = collaborators(Settings(home=home))
    lender = make_lender(house)
    house.database.close()
    database = Path(house.settings.resolved_database_url().removeprefix("sqlite:///"))
    shutil.copyfile(database, tmp_path / "yesterday.db")
    withdraw(house, lender.account_id)
    house.database.close()
    for tail in ("-wal", "-shm"):
        database.with_name(database.name + tail).unlink(missing_ok=True)
    shutil.copyfile(tmp_path / "yesterday.db", database)
    return lender


def lends(house: Collaborators, lender: Lender) -> bool:
    try:
        return any(state.in_force for state in consent_states(house, lender.account_id))
    finally:
        house.database.close()


@pytest.mark.parametrize(
    "command",
    [
        pytest.param(("curate", "--workers", "1"), id="curate"),
        pytest.param(("release", "build", *RELEASE), id="build"),
        pytest.param(("release", "publish", *RELEASE), id="publish"),
        pytest.param(("release", "recut", *RELEASE), id="recut"),
        pytest.param(("release", "revoke", *RELEASE, "--reason", "broken"), id="revoke"),
        pytest.param(("sweep",), id="sweep"),
    ],
)
def test_a_command_carries_out_again_what_a_restored_database_has_forgotten(
    home: Path, forgotten: Lender, command: tuple[str, ...]
) -> None:
    cli.main([*command, "--home", str(home)])

    structlog.reset_defaults()
    assert not lends(collaborators(Settings(home=home)), forgotten)


@pytest.mark.parametrize(
    "command",
    [
        pytest.param(("release", "build", *RELEASE), id="build"),
        pytest.param(("release", "revoke", *RELEASE, "--reason", "broken"), id="revoke"),
        pytest.param(("sweep",), id="sweep"),
    ],
)
def test_a_dry_run_changes_nothing(home: Path, forgotten: Lender, command: tuple[str, ...]) -> None:
    cli.main([*command, "--dry-run", "--home", str(home)])

    structlog.reset_defaults()
    assert lends(collaborators(Settings(home=home)), forgotten)
