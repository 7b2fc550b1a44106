"""What makes clips of utterances: `loanword curate`."""

import json
import os
import signal
import threading
import time
from contextlib import AbstractContextManager, suppress
from typing import Annotated, Any

import typer
from prometheus_client import CollectorRegistry

from corpus.collaborators import Collaborators
from corpus.settings import Settings, read_settings
from corpus.speech.decoder import KEEP_MEMORY
from curation.counts import CurationCounts
from curation.executors import Executor, ProcessPool
from curation.metrics import CurationMetrics
from curation.run import Watcher
from curation.run import curate as curate_once
from curation.run import watch as curate_until
from loanword.catch_up import opened
from loanword.commands.options import AsJson, Home, MetricsPort
from loanword.commands.progress import progress_bar
from loanword.metrics import metrics_served

WORKERS_ENVIRONMENT = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", **KEEP_MEMORY}
"""A worker is one processor: threads of numpy's own would only get into the way of the other workers."""


def add_to(app: typer.Typer) -> None:
    """Adds curate."""
    app.command()(curate)


def curate(
    home: Home = None,
    workers: Annotated[int, typer.Option(help="Worker processes.", min=1)] = max(1, os.cpu_count() or 1),
    dask: Annotated[
        str | None, typer.Option(help="A Dask scheduler, such as tcp://10.0.0.1:8786, instead of processes here.")
    ] = None,
    limit: Annotated[int | None, typer.Option(help="Take at most so many utterances.", min=1)] = None,
    watch: Annotated[bool, typer.Option("--watch", help="Go on with what comes in, until interrupted.")] = False,
    metrics_port: MetricsPort = None,
    as_json: AsJson = False,
) -> None:
    """Decode, measure, judge and deduplicate the utterances that wait. Safe to interrupt and run again."""
    settings = read_settings(home)
    for name, value in WORKERS_ENVIRONMENT.items():
        os.environ.setdefault(name, value)
    house = opened(settings)
    registry = CollectorRegistry()
    metrics, began = CurationMetrics(registry), time.monotonic()
    with metrics_served(registry, metrics_port), _executor(house, settings, workers, dask) as executor:
        if watch:
            stop = threading.Event()
            signal.signal(signal.SIGTERM, lambda *_: stop.set())
            watcher = Watcher(on_progress=metrics.progress, on_batch=metrics.batch, on_sets=metrics.sets)
            with suppress(KeyboardInterrupt):
                curate_until(house, executor, stop=stop, watcher=watcher, on_pass=lambda each: _tell(each, as_json))
            return
        with progress_bar("curating", unit="clips") as show:

            def on_progress(done: int, total: int) -> None:
                show(done, total)
                metrics.progress(done, total)

            watcher = Watcher(on_progress=on_progress, on_batch=metrics.batch, on_sets=metrics.sets)
            counts = curate_once(house, executor, limit=limit, watcher=watcher)
    _tell(counts, as_json, took_s=time.monotonic() - began)


def _executor(
    house: Collaborators, settings: Settings, workers: int, dask: str | None
) -> AbstractContextManager[Executor]:
    if dask is None:
        return ProcessPool(settings, workers)
    from curation.dask_executor import DaskCluster  # an extra, and a second of imports

    return DaskCluster(house, dask)


def _tell(counts: CurationCounts, as_json: bool, took_s: float | None = None) -> None:
    """Without a time it is one pass of many, and nothing is told of one that saw nothing."""
    if took_s is None and not (counts.seen or counts.rejudged):
        return
    if as_json:
        typer.echo(json.dumps(_summary(counts, took_s), sort_keys=True))
        return
    for line in curation_lines(counts):
        typer.echo(line)


def _summary(counts: CurationCounts, took_s: float | None) -> dict[str, Any]:
    batches = counts.batches
    summary = {
        "seen": counts.seen,
        "kept": counts.kept,
        "dropped": counts.dropped,
        "failed": counts.failed,
        "withdrawn": batches.withdrawn,
        "postponed": batches.postponed,
        "elsewhere": batches.elsewhere,
        "audio_s": round(batches.audio_s, 3),
        "step_seconds": {step: round(seconds, 3) for step, seconds in batches.seconds.items()},
    }
    if took_s is not None:
        summary |= {"took_s": round(took_s, 3), "clips_per_s": round(batches.total / took_s, 2) if took_s else 0.0}
    return summary


def curation_lines(counts: CurationCounts) -> list[str]:
    """What a run did, for people."""
    dropped, failed = counts.dropped, counts.failed
    lines = [f"{counts.seen} seen = {counts.kept} kept + {dropped.total()} dropped + {failed.total()} failed"]
    lines += [f"{count:6d} dropped: {reason}" for reason, count in sorted(dropped.items())]
    lines += [f"{count:6d} failed: {error}" for error, count in sorted(failed.items())]
    if postponed := counts.batches.postponed:
        lines.append(f"{postponed:6d} postponed (see the log): the next run takes them up")
    return lines + ([f"{counts.rejudged} judged again by changed rules"] if counts.rejudged else [])
