"""When the port stays shut."""

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

    status = cli.main(["serve", "--home", str(settings.home)])

    assert (status == 0, len(opened) == 1) == (opens, opens)
    assert ("journal of withdrawals cannot be read" in capsys.readouterr().err) is not opens
