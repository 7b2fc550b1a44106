"""Progress on stderr, so that results on stdout stay clean: a bar on a terminal, a line now and then elsewhere."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    Task,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.text import Text

A_LINE_EVERY_S = 10.0

Tell = Callable[[int, int], None]


@contextmanager
def progress_bar(what: str, console: Console | None = None, unit: str = "") -> Iterator[Tell]:
    """Yields what to call with how much is done, and how much there is. With a unit it tells the rate as well."""
    console = console or Console(stderr=True)
    if not console.is_terminal:
        yield _Lines(what, unit, console).tell
        return
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    rate = (_Rate(unit),) if unit else ()
    times = (TimeElapsedColumn(), TextColumn("left"), TimeRemainingColumn())
    with Progress(*columns, *rate, *times, console=console, transient=True) as progress:
        task = progress.add_task(what, total=None)
        yield lambda done, total: progress.update(task, completed=done, total=total)


class _Rate(ProgressColumn):
    """How many units a second, of late."""

    def __init__(self, unit: str) -> None:
        super().__init__()
        self._unit = unit

    def render(self, task: Task) -> Text:
        return Text(f"{task.speed:.1f} {self._unit}/s" if task.speed else f"– {self._unit}/s")


class _Lines:
    """One line at most every `A_LINE_EVERY_S`; nothing at all of what ends sooner."""

    def __init__(self, what: str, unit: str, console: Console) -> None:
        self._what, self._unit, self._console = what.strip(), unit, console
        self._began = self._told = time.monotonic()

    def tell(self, done: int, total: int) -> None:
        now = time.monotonic()
        if now - self._told < A_LINE_EVERY_S:
            return
        self._told = now
        self._console.print(progress_line(self._what, done, total, now - self._began, self._unit), highlight=False)


def progress_line(what: str, done: int, total: int, took_s: float, unit: str = "") -> str:
    """`curating: 1,200 of 5,000 (24 %), 56.7 clips/s, 0:01:07 left`; what is not known yet is left out."""
    parts = [f"{done:,} of {total:,}" + (f" ({done / total:.0%})" if total else "")]
    rate = done / took_s if took_s > 0 else 0.0
    if unit and rate:
        parts.append(f"{rate:.1f} {unit}/s")
    if rate and total > done:
        parts.append(f"{timedelta(seconds=round((total - done) / rate))} left")
    return f"{what}: {', '.join(parts)}"
