"""Batches on a real Dask scheduler with two worker processes: the same rows as the process pool, whoever dies."""

import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from corpus.collaborators import Collaborators
from corpus.errors import Misconfigured, SchedulerUnreachable
from corpus.tables import Clip, CurationLease, Table
from corpus.words import UtteranceId
from curation import run
from curation.dask_executor import DaskCluster, Installation, WorkersBench
from curation.executors import ProcessPool, opened_bench
from ingest.sweep import ORPHAN_AGE, sweep
from tests.factories import forget_clips, make_lender, make_utterance
from tests.fixtures.dask_cluster import dask_cluster
from tests.integration.curation.benches import slow_bench
from tests.integration.curation.endings import clip_objects, endings, rows
from tests.integration.curation.test_executors import assert_whole, in_batches_of, send_a_mixture

ITS_OWN = {"id", "clip_id", "other_id", "object_key", "measured_at", "ended_at", "compared_at", "at", "text", "words"}
"""Columns that differ from run to run: new ids, times, and what is sealed anew."""


def found_out(house: Collaborators) -> dict[UtteranceId, list[Any]]:
    """All rows that curation made, by utterance, as far as two runs must agree."""
    of = {clip.id: clip.utterance_id for clip in rows(house, Clip)}
    found: dict[UtteranceId, list[Any]] = {each: [] for each in of.values()}
    for table in _tables_of_a_clip():
        for row in sorted(rows(house, table), key=str):
            values = {column.key: getattr(row, column.key) for column in table.__table__.columns}
            whose = of[values.get("clip_id") or values["id"]]
            found[whose].append((table.__name__, {name: values[name] for name in values.keys() - ITS_OWN}))
    return {each: sorted(told, key=repr) for each, told in found.items()}


def _tables_of_a_clip() -> Sequence[type[Table]]:
    hanging = [mapper.class_ for mapper in Table.registry.mappers if "clip_id" in mapper.columns]
    return [Clip, *hanging]


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_two_workers_of_which_one_is_killed_leave_the_rows_of_a_process_pool(
    house: Collaborators, tmp_path: Path
) -> None:
    expected = send_a_mixture(house, sounds=9)
    house, settings = in_batches_of(house, 1)
    told = list[tuple[int, int]]()

    with dask_cluster(settings, tmp_path, workers=2) as cluster:

        def kill_one(done: int, total: int) -> None:
            if done == 2 and cluster.workers[0].poll() is None:
                os.kill(cluster.workers[0].pid, signal.SIGKILL)
            told.append((done, total))

        with DaskCluster(house, cluster.address, slow_bench) as executor:
            counts = run.curate(house, executor, watcher=run.Watcher(on_progress=kill_one))
        assert cluster.workers[0].wait() == -signal.SIGKILL
    by_dask = found_out(house)

    assert_whole(house, expected)
    assert told[-1] == (len(expected), len(expected))
    assert counts.batches.total == len(expected)
    named = {clip.object_key for clip in rows(house, Clip) if clip.object_key}
    assert (rows(house, CurationLease), len(named)) == ([], 10)
    left_by_the_dead = set(clip_objects(house)) - named  # stored, and not recorded
    assert len(left_by_the_dead) <= 1
    swept = sweep(replace(house, clock=lambda: house.clock() + 2 * ORPHAN_AGE))
    assert set(swept.orphans) == left_by_the_dead
    assert set(clip_objects(house)) == named
    forget_clips(house)
    with ProcessPool(settings, 2) as pool:
        run.curate(house, pool)
    assert found_out(house) == by_dask


@pytest.mark.parametrize(
    ("field", "message"),
    [("version", "another Loanword"), ("migration", "another schema"), ("ledger", "database"), ("keys", "master key")],
)
def test_a_worker_of_another_installation_touches_nothing_and_says_so(
    house: Collaborators, monkeypatch: pytest.MonkeyPatch, field: str, message: str
) -> None:
    utterance_id = make_utterance(house, make_lender(house))
    monkeypatch.setenv("LOANWORD_HOME", str(house.settings.home))
    monkeypatch.setenv("LOANWORD_DATABASE_URL", house.settings.resolved_database_url())
    wanted = replace(Installation.of(house), **{field: "another"})
    bench = WorkersBench(wanted, opened_bench)
    bench.setup(worker=None)

    with pytest.raises(Misconfigured, match=message):
        bench.curate("a holder", [utterance_id])

    bench.teardown(worker=None)
    assert endings(house) == {}


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_scheduler_that_does_not_answer_is_said_to(house: Collaborators) -> None:
    with pytest.raises(SchedulerUnreachable, match=r"127\.0\.0\.1:1"):
        DaskCluster(house, "tcp://127.0.0.1:1", connects_within=timedelta(seconds=0.3))


def test_without_the_extra_its_name_is_told() -> None:
    without = "import sys; sys.modules['distributed'] = None; import curation.dask_executor"

    tried = subprocess.run([sys.executable, "-c", without], capture_output=True, text=True, check=False)

    assert "loanword[dask]" in tried.stderr
