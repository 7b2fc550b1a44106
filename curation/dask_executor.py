"""Batches on a dask.distributed cluster, by the same `curate_batch` as the process pool's.

What travels is ids, counts, and which installation is meant: never audio, keys or settings. Each worker process reads
its own environment (`LOANWORD_HOME` and the rest), opens what it works with once, and refuses where that is another
version, database or master key than the run's. Whoever reaches the scheduler can run code in every worker: its address
must be private, and TLS is Dask's own to configure.
"""

import importlib.metadata
import threading
import time
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import CancelledError
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from datetime import timedelta
from types import TracebackType
from typing import Any, Self

import structlog

from corpus import logs
from corpus.child_process import keep_no_core_dumps
from corpus.collaborators import Collaborators
from corpus.database import current_migration
from corpus.errors import DaskMissing, Misconfigured, SchedulerUnreachable
from corpus.queries import leaf_hashes
from corpus.settings import read_settings
from corpus.words import UtteranceId
from curation.counts import BatchCounts
from curation.examine import Workbench
from curation.executors import Batch, OpenBench, WorkersKeepDying, opened_bench
from curation.worker import curate_batch

try:
    from distributed import Client, KilledWorker, WorkerPlugin, as_completed, get_worker
except ImportError as error:
    raise DaskMissing from error

WORKERS_WITHIN_S = 60.0
"""A cluster without any worker for so long ends the run."""

BATCHES_A_WORKER = 2
"""One that is worked on, and one that waits beside it, so that no worker waits for us."""

LOOKS_AGAIN_S = 0.02

COUNTED_EVERY_S = 1.0

KILLED_AT_MOST = 3
"""So often Dask may give a batch up, each time after several of its workers died, before the run does."""

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Installation:
    """Which code, database and master key a process works with; tells nothing of any of them."""

    version: str
    migration: str | None
    ledger: str
    """The first leaf of the ledger, which no two databases share."""
    keys: str
    """That leaf's digest under the master key."""

    @classmethod
    def of(cls, house: Collaborators) -> "Installation":
        with house.database.reading() as session:
            ledger = "".join(leaf_hashes(session, [0]))
        return cls(
            version=importlib.metadata.version("loanword"),
            migration=current_migration(house.settings.resolved_database_url()),
            ledger=ledger,
            keys=house.master.digest("installation", ledger.encode()),
        )

    def check(self, other: "Installation") -> None:
        """Raises `Misconfigured` where a worker's is not the run's."""
        names = {"version": "Loanword", "migration": "schema", "ledger": "database", "keys": "master key"}
        for field, name in names.items():
            if getattr(self, field) != getattr(other, field):
                ours = f" ({getattr(other, field)} here, {getattr(self, field)} there)" if field == "version" else ""
                raise Misconfigured(f"A Dask worker has another {name} than this run{ours}: see docs/scale.md.")


class WorkersBench(WorkerPlugin):
    """What one worker process works with; opened with its first batch, and closed with the worker."""

    idempotent = True
    """A second run finds it there, and leaves it open."""

    def __init__(self, wanted: Installation, open_bench: OpenBench) -> None:
        self.name = f"loanword-{wanted.version}-{wanted.keys[:16]}"
        self._wanted, self._open_bench = wanted, open_bench

    def setup(self, worker: Any) -> None:  # noqa: ARG002
        keep_no_core_dumps()
        logs.configure()
        self._turn, self._opened = threading.Lock(), ExitStack()
        self._bench: Workbench | None = None

    def teardown(self, worker: Any) -> None:  # noqa: ARG002
        self._opened.close()

    def curate(self, holder: str, utterance_ids: Sequence[UtteranceId]) -> BatchCounts:
        """One batch at a time: a worker with several threads is no faster. Raises `Misconfigured`."""
        with self._turn:
            if self._bench is None:
                bench = self._opened.enter_context(self._open_bench(read_settings()))
                Installation.of(bench.house).check(self._wanted)
                self._bench = bench
            return curate_batch(self._bench, utterance_ids, holder)


def curate_on_worker(plugin: str, holder: str, utterance_ids: Sequence[UtteranceId]) -> BatchCounts:
    """The task: runs in a worker, with what its plugin has opened."""
    bench = get_worker().plugins[plugin]
    assert isinstance(bench, WorkersBench)
    try:
        return bench.curate(holder, utterance_ids)
    except Misconfigured as error:
        raise Misconfigured(str(error)) from None  # of another class it might not be unpickled


class DaskCluster:
    """The workers of one scheduler. A context manager.

    Raises `SchedulerUnreachable` where nobody answers at the address, and `Misconfigured` where it is no address.
    """

    def __init__(
        self,
        house: Collaborators,
        address: str,
        open_bench: OpenBench = opened_bench,
        connects_within: timedelta = timedelta(seconds=10),
    ) -> None:
        self._address, self._connects_within_s = address, connects_within.total_seconds()
        self._plugin = WorkersBench(Installation.of(house), open_bench)
        self._client: Any = None
        self._counted, self._counted_at, self._seen_at = 0, float("-inf"), 0.0
        self._connect()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def workers(self) -> int:
        """How many there are now, and at least one."""
        return max(1, self._count())

    def run(self, batches: Iterable[Batch]) -> Iterator[BatchCounts]:
        """Raises `Misconfigured` where a worker cannot work, `WorkersKeepDying`, and `SchedulerUnreachable`."""
        if self._client.status != "running":
            self._connect()
        ahead, again, given, killed = iter(batches), list[Batch](), dict[str, Batch](), dict[Batch, int]()
        ended, self._seen_at = as_completed(loop=self._client.loop), time.monotonic()
        while True:
            most = self.workers * BATCHES_A_WORKER
            while len(given) < most and (batch := again.pop() if again else next(ahead, None)):
                future = self._submit(batch, f"curate-{batch.holder}-{killed.get(batch, 0)}")
                given[future.key] = batch
                ended.add(future)
            if not given:
                return
            ready = ended.next_batch(block=False)
            for future in ready:
                batch, answer = given.pop(future.key), self._answer(future)
                if answer is not None:
                    yield answer
                    continue
                killed[batch] = killed.get(batch, 0) + 1
                log.warning("workers_died", utterances=len(batch.utterance_ids), times=killed[batch])
                if killed[batch] >= KILLED_AT_MOST:
                    raise WorkersKeepDying
                again.append(batch)
            if not ready:
                self._expect_workers()
                time.sleep(LOOKS_AGAIN_S)

    def close(self) -> None:
        """What workers are at goes on to its end; what waits is left to a later run."""
        if self._client is not None:
            self._client.close()

    def _connect(self) -> None:
        self.close()
        try:
            self._client = Client(self._address, timeout=self._connects_within_s, set_as_default=False, name="loanword")
        except (ValueError, TypeError) as error:
            raise Misconfigured(f"{self._address} is no scheduler's address, such as tcp://10.0.0.1:8786.") from error
        except OSError as error:  # TimeoutError among them
            raise SchedulerUnreachable(f"No Dask scheduler answers at {self._address}.") from error
        try:
            self._client.register_plugin(self._plugin)
        except Exception as error:  # broad: whatever unpickling raises in a worker that lacks our code
            raise Misconfigured(
                f"A Dask worker cannot run Loanword: install the same version there. {error}"
            ) from error

    def _submit(self, batch: Batch, key: str) -> Any:
        ids = list(batch.utterance_ids)
        return self._client.submit(curate_on_worker, self._plugin.name, batch.holder, ids, key=key, pure=False)

    def _expect_workers(self) -> None:
        if self._count():
            self._seen_at = time.monotonic()
        elif time.monotonic() - self._seen_at > WORKERS_WITHIN_S:
            raise SchedulerUnreachable(f"The scheduler at {self._address} has no workers: start `dask worker`.")

    def _answer(self, future: Any) -> BatchCounts | None:
        """None where its workers died; Dask itself has tried some of them in turn."""
        try:
            answer = future.result()
        except KilledWorker:
            return None
        except (CancelledError, OSError) as error:
            raise SchedulerUnreachable(f"The Dask scheduler at {self._address} was lost.") from error
        finally:
            with suppress(Exception):
                future.release()
        assert isinstance(answer, BatchCounts)
        return answer

    def _count(self) -> int:
        """Asks the scheduler once in a while."""
        if time.monotonic() - self._counted_at > COUNTED_EVERY_S:
            try:
                self._counted = len(self._client.scheduler_info(n_workers=-1)["workers"])
            except OSError as error:
                raise SchedulerUnreachable(f"The Dask scheduler at {self._address} was lost.") from error
            self._counted_at = time.monotonic()
        return self._counted
