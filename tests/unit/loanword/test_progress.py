"""Progress where there is no terminal."""

import io

import pytest
from rich.console import Console

from loanword.commands.progress import progress_bar, progress_line


@pytest.mark.parametrize(
    ("done", "total", "took_s", "line"),
    [
        pytest.param(1_200, 5_000, 20.0, "curating: 1,200 of 5,000 (24%), 60.0 clips/s, 0:01:03 left", id="under-way"),
        pytest.param(0, 5_000, 20.0, "curating: 0 of 5,000 (0%)", id="no-rate-before-the-first"),
        pytest.param(5_000, 5_000, 50.0, "curating: 5,000 of 5,000 (100%), 100.0 clips/s", id="nothing-left"),
        pytest.param(0, 0, 0.0, "curating: 0 of 0", id="nothing-to-do"),
    ],
)
def test_a_line_tells_how_much_is_done_how_fast_and_when_it_ends(
    done: int, total: int, took_s: float, line: str
) -> None:
    assert progress_line("curating", done, total, took_s, "clips") == line


def test_without_a_terminal_there_is_a_line_now_and_then_and_no_bar(monkeypatch: pytest.MonkeyPatch) -> None:
    said, seconds = io.StringIO(), iter([0.0, 1.0, 11.0, 12.0])
    monkeypatch.setattr("loanword.commands.progress.time.monotonic", lambda: next(seconds))

    with progress_bar("   curating", Console(file=said), unit="clips") as tell:
        for done in (1, 110, 120):
            tell(done, 220)

    assert said.getvalue() == "curating: 110 of 220 (50%), 10.0 clips/s, 0:00:11 left\n"
