"""Who does the batches: this process, or a pool of worker processes. All run the same `curate_batch`.

Messages to workers carry ids, and those from them counts. Each worker opens its own collaborators after its start, and
keeps one decoder and at most one recogniser to its end. A worker that dies is replaced, and its batch done again.
"""

import gc
import multiprocessing
import signal
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess
from types import TracebackType
from typing import Protocol, Self

import structlog

from corpus import logs
from corpus.child_process import keep_no_core_dumps
from corpus.collaborators import collaborators
from corpus.errors import Misconfigured, Overloaded
from corpus.settings import Settings
from corpus.speech.decoder import Decoder
from corpus.speech.detector import load_detector
from corpus.speech.hearing import load_hearing
from corpus.words import UtteranceId
from curation.alignment import load_aligner
from curation.counts import BatchCounts
from curation.dnsmos import load_dnsmos
from curation.examine import Workbench
from curation.personal_data.spacy_names import load_names
from curation.recipients import check_told
from curation.worker import curate_batch

STILLBORN_AT_MOST = 3
"""So many workers in a row may die before they are ready. Then it is no recording's fault, and the run gives up."""

DEATHS_AT_MOST = 10
"""So many may die in a row while no batch is ended: a hostile recording takes three, and more is the machine's fault.

What they were at counts as begun, so that a later run goes on where this one gave up.
"""

ENDS_WITHIN_S = 30.0

log = structlog.get_logger()


class WorkersKeepDying(Overloaded):
    """Curation workers die again and again: give the machine more memory, or use fewer workers."""


@dataclass(frozen=True, slots=True)
class Batch:
    """What one worker is given. It keeps its holder when it is given to another, after the first has died."""

    holder: str
    utterance_ids: tuple[UtteranceId, ...]


OpenBench = Callable[[Settings], AbstractContextManager[Workbench]]


@contextmanager
def opened_bench(settings: Settings) -> Iterator[Workbench]:
    """A worker's own collaborators, decoder, recogniser and models. Raises `Misconfigured`.

    What is loaded by then stays as long: the collector of garbage has no need to look at it again.
    """
    house = collaborators(settings)
    try:
        check_told(house)
        detector = load_detector(settings.speech_detector)
        recogniser = load_hearing(settings.recogniser, detector, locale=settings.locale)
        with Decoder() as decoder:
            bench = Workbench(
                house,
                decoder,
                recogniser,
                detector,
                quality_model=load_dnsmos(settings.quality_model),
                aligner=load_aligner(settings.aligner),
                names=load_names(settings.names),
            )
            gc.collect()
            gc.freeze()
            try:
                yield bench
            finally:
                gc.unfreeze()
    finally:
        house.database.close()


class Executor(Protocol):
    """Does batches, in any order, `workers` at a time."""

    @property
    def workers(self) -> int: ...

    def run(self, batches: Iterable[Batch]) -> Iterator[BatchCounts]:
        """The counts of each batch as it is done. Takes the next batch only when someone is free."""


@dataclass(frozen=True, slots=True)
class Inline:
    """Does the batches here, one after the other."""

    bench: Workbench
    workers: int = 1

    def run(self, batches: Iterable[Batch]) -> Iterator[BatchCounts]:
        return (curate_batch(self.bench, batch.utterance_ids, batch.holder) for batch in batches)


class ProcessPool:
    """Worker processes, started when there is work and kept until the pool is closed. A context manager."""

    def __init__(self, settings: Settings, workers: int, open_bench: OpenBench = opened_bench) -> None:
        self.workers = workers
        self._settings, self._open_bench = settings, open_bench
        self._idle: list[_Worker] = []
        self._busy: dict[Connection, tuple[_Worker, Batch]] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def pids(self) -> list[int]:
        """The processes at work now."""
        return [worker.process.pid or 0 for worker, _ in self._busy.values()]

    def run(self, batches: Iterable[Batch]) -> Iterator[BatchCounts]:
        """Raises `Misconfigured` where a worker cannot work, and `WorkersKeepDying`."""
        ahead, again, deaths, stillborn = iter(batches), list[Batch](), 0, 0
        while True:
            while len(self._busy) < self.workers and (batch := again.pop() if again else next(ahead, None)):
                self._give(batch)
            if not self._busy:
                return
            for connection in wait(list(self._busy)):
                assert isinstance(connection, Connection)
                worker, batch = self._busy.pop(connection)
                answer = worker.answer()
                if isinstance(answer, BatchCounts):
                    deaths = 0
                    self._idle.append(worker)
                    yield answer
                elif isinstance(answer, Ready):
                    stillborn = 0
                    self._busy[connection] = (worker, batch)
                else:
                    deaths, stillborn = deaths + 1, stillborn + (not worker.is_ready)
                    log.warning("worker_died", utterances=len(batch.utterance_ids), deaths=deaths)
                    if deaths >= DEATHS_AT_MOST or stillborn >= STILLBORN_AT_MOST:
                        raise WorkersKeepDying
                    again.append(batch)

    def close(self) -> None:
        """Lets each worker finish what it does, and reaps it."""
        for worker in [*self._idle, *(worker for worker, _ in self._busy.values())]:
            worker.end()
        self._idle, self._busy = [], {}

    def _give(self, batch: Batch) -> None:
        worker = self._idle.pop() if self._idle else _Worker(self._settings, self._open_bench)
        self._busy[worker.connection] = (worker, batch)
        worker.take(batch)


@dataclass(frozen=True, slots=True)
class Ready:
    """A worker's first word: it has opened all that it works with."""


class _Worker:
    """One process, and our end of the pipe to it."""

    def __init__(self, settings: Settings, open_bench: OpenBench) -> None:
        context = multiprocessing.get_context("spawn")  # a fork would share database connections and locks
        self.connection, theirs = context.Pipe()
        self.process: SpawnProcess = context.Process(target=work, args=(settings, theirs, open_bench), daemon=True)
        self.process.start()
        theirs.close()  # or its death would not close the pipe
        self.is_ready = False

    def take(self, batch: Batch) -> None:
        with suppress(BrokenPipeError):  # it died idle: `answer` finds out
            self.connection.send(batch)

    def answer(self) -> BatchCounts | Ready | None:
        """None where the worker died."""
        try:
            answer = self.connection.recv()
        except (EOFError, ConnectionResetError):
            self.end()
            return None
        if isinstance(answer, Misconfigured):
            self.end()
            raise answer
        self.is_ready = True
        assert isinstance(answer, BatchCounts | Ready)
        return answer

    def end(self) -> None:
        self.connection.close()
        self.process.join(ENDS_WITHIN_S)
        if self.process.is_alive():
            self.process.kill()
            self.process.join()
        self.process.close()


def work(settings: Settings, connection: Connection, open_bench: OpenBench) -> None:
    """A worker's life: batches of ids in, counts out, until the pipe closes."""
    keep_no_core_dumps()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C ends the run, and the run ends its workers
    logs.configure()
    try:
        with open_bench(settings) as bench:
            connection.send(Ready())
            while True:
                batch = connection.recv()
                connection.send(curate_batch(bench, batch.utterance_ids, batch.holder))
    except Misconfigured as error:
        connection.send(Misconfigured(str(error)))
    except (EOFError, BrokenPipeError, ConnectionResetError):
        pass  # nobody waits for the answer any more
