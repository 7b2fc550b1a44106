"""What makes clips of utterances: `loanword curate`."""

import json
import os
import signal
import threading
from contextlib import suppress
from typing import Annotated

import typer

from corpus.settings import read_settings
from corpus.speech.decoder import KEEP_MEMORY
from curation.counts import CurationCounts
from curation.executors import ProcessPool
from curation.run import curate as curate_once
from curation.run import watch as curate_until
from loanword.catch_up import opened
from loanword.commands.options import AsJson, Home
from loanword.commands.progress import progress_bar

WORKERS_ENVIRONMENT = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", **KEEP_MEMORY}
"""A worker is one processor: threads of numpy's own would only get into the way of the other workers."""


def add_to(app: typer.Typer) -> None:
    """Adds curate."""
    app.command()(curate)


def curate(
    home: Home = None,
    workers: Annotated[int, typer.Option(help="Worker processes.", min=1)] = max(1, os.cpu_count() or 1),
    limit: Annotated[int | None, typer.Option(help="Take at most so many utterances.", min=1)] = None,
    watch: Annotated[bool, typer.Option("--watch", help="Go on with what comes in, until interrupted.")] = False,
    as_json: AsJson = False,
) -> None:
    """Decode, measure, judge and deduplicate the utterances that wait. Safe to interrupt and run again."""
    settings = read_settings(home)
    for name, value in WORKERS_ENVIRONMENT.items():
        os.environ.setdefault(name, value)
    house = opened(settings)
    with ProcessPool(settings, workers) as pool:
        if watch:
            stop = threading.Event()
            signal.signal(signal.SIGTERM, lambda *_: stop.set())
            with suppress(KeyboardInterrupt):
                curate_until(house, pool, stop=stop, on_pass=lambda counts: _tell(counts, as_json, quiet=True))
            return
        with progress_bar("curating") as on_progress:
            counts = curate_once(house, pool, limit=limit, on_progress=on_progress)
    _tell(counts, as_json)


def _tell(counts: CurationCounts, as_json: bool, *, quiet: bool = False) -> None:
    if quiet and not (counts.seen or counts.rejudged):
        return
    if as_json:
        told = {"seen": counts.seen, "kept": counts.kept, "dropped": counts.dropped, "failed": counts.failed}
        typer.echo(json.dumps(told, sort_keys=True))
        return
    for line in curation_lines(counts):
        typer.echo(line)


def curation_lines(counts: CurationCounts) -> list[str]:
    """What a run did, for people."""
    dropped, failed = counts.dropped, counts.failed
    lines = [f"{counts.seen} seen = {counts.kept} kept + {dropped.total()} dropped + {failed.total()} failed"]
    lines += [f"{count:6d} dropped: {reason}" for reason, count in sorted(dropped.items())]
    lines += [f"{count:6d} failed: {error}" for error, count in sorted(failed.items())]
    return lines + ([f"{counts.rejudged} judged again by changed rules"] if counts.rejudged else [])
