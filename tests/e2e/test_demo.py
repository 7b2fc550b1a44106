"""The whole road, as `loanword demo` runs it: on the built-in samples, and on real recordings where they are there.

1. It ends well, and every recording ends kept, dropped for a reason or failed with an error.
2. What it pulled is a sound release, and loads in Coqui's own reader.
3. No process that it started is left.
"""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from export.client.verify import verify
from tests.fixtures.coqui_ground import CoquiMissing, read_with_coqui

RECORDINGS = Path(__file__).parents[3] / "shared" / "data" / "dev"
SEEN = re.compile(r"(\d+) seen = (\d+) kept \+ (\d+) dropped \+ (\d+) failed")


def run_demo(home: Path, *options: str) -> str:
    """What the demo prints. It must end with status 0."""
    command = [sys.executable, "-m", "loanword", "demo", "--home", str(home), *options]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def counts(printed: str) -> tuple[int, ...]:
    found = SEEN.search(printed)
    assert found is not None, printed
    return tuple(map(int, found.groups()))


def left_running(home: Path) -> list[str]:
    """The command lines of processes that name the demo's home, or work in it."""
    return [
        line
        for folder in Path("/proc").glob("[0-9]*")
        if folder.name != str(os.getpid()) and str(home) in (line := _command_line(folder))
    ]


def _command_line(folder: Path) -> str:
    try:
        return (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode() + str((folder / "cwd").readlink())
    except OSError:
        return ""


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_the_built_in_samples_go_down_the_whole_road(tmp_path: Path) -> None:
    home = tmp_path / "demo"

    printed = run_demo(home)

    assert counts(printed) == (27, 24, 2, 1)
    assert "consent-not-given" in printed
    again, pruned = (verify(home / "pulled" / copy) for copy in ("1", "copy"))
    assert (again.sound, again.revision, again.withdrawn) == (True, 2, 0)
    assert (pruned.sound, pruned.revision) == (True, 1)
    assert pruned.withdrawn > 0
    assert pruned.clips == again.clips
    assert left_running(home) == []


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.skipif(not RECORDINGS.exists(), reason="the folder of real recordings is not beside the checkout")
def test_real_recordings_go_down_the_whole_road_and_load_in_coqui(tmp_path: Path) -> None:
    home = tmp_path / "demo"

    printed = run_demo(home, "--clips", str(RECORDINGS))

    seen, kept, dropped, failed = counts(printed)
    report = verify(home / "pulled" / "1")
    assert seen == kept + dropped + failed
    assert seen >= 300
    assert report.sound
    assert left_running(home) == []
    try:
        loaded = read_with_coqui(home / "pulled" / "1")
    except CoquiMissing as missing:
        pytest.skip(str(missing))
    assert {split: of_split["samples"] for split, of_split in loaded.items()} == dict(report.clips)
