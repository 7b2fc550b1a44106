"""What `loanword sweep` tells people, and how it ends."""

from pathlib import Path

import pytest

from corpus.collaborators import collaborators
from corpus.settings import Settings
from ingest.erase import Erased
from ingest.erasures.retention import Expired
from ingest.sweep import Swept
from loanword import cli
from loanword.commands.operating import sweep_lines
from loanword.prepare import prepare
from tests.factories import make_lender, make_utterance

NOTHING = Swept(Erased(), orphans=(), young=0, missing=(), foreign=())


@pytest.fixture
def home(tmp_path: Path) -> Path:
    prepare(Settings(home=tmp_path / "home"))
    return tmp_path / "home"


def test_a_sweep_that_found_nothing_says_so() -> None:
    assert sweep_lines(NOTHING, dry_run=False) == ["Nothing to sweep."]


def test_a_sweep_tells_each_thing_that_it_found() -> None:
    swept = Swept(
        Erased(objects=3, utterances=2, finished=1),
        orphans=("voices/a/k/old",),
        young=1,
        missing=("voices/a/k/lost",),
        foreign=("voices/notes.txt",),
        expired=Expired(originals=4, recordings=5),
        keys=6,
    )

    assert sweep_lines(swept, dry_run=False) == [
        "     2 utterances of withdrawn people erased, with 3 objects; 1 withdrawals are finished",
        "     4 originals and 5 recordings reached their time",
        "     6 account keys that no row names erased",
        "     1 objects that no row names erased",
        "     1 objects that no row names yet left alone: uploads under way, or for the next sweep",
        "not ours, move it away: voices/notes.txt",
        "MISSING, a row names it: voices/a/k/lost",
    ]


def test_a_dry_run_names_what_would_go() -> None:
    swept = Swept(Erased(), orphans=("voices/a/k/old",), young=0, missing=(), foreign=())

    assert sweep_lines(swept, dry_run=True) == [
        "     1 objects that no row names would be erased",
        "would be erased: voices/a/k/old",
    ]


def test_a_sound_store_is_swept_with_0(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    status = cli.main(["sweep", "--home", str(home)])

    assert (status, capsys.readouterr().out) == (0, "Nothing to sweep.\n")


def test_a_loss_ends_the_sweep_with_1(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    house = collaborators(Settings(home=home))
    make_utterance(house, make_lender(house))
    (voice,) = house.store.list("voices/")
    house.store.erase(voice.key)
    house.database.close()

    status = cli.main(["sweep", "--home", str(home)])

    assert status == 1
    assert f"MISSING, a row names it: {voice.key}" in capsys.readouterr().out
