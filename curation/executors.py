"""Who does the batches: this process, or a pool of worker processes. All run the same `curate_batch`.

Messages to workers carry ids, and those from them counts. Each worker opens its own collaborators after its start, and
keeps one decoder and at most one recogniser to its end. A worker that dies is replaced, and its batch done again.
"""

import multiprocessing
import signal
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
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
from corpus.speech.recogniser import load_recogniser
from corpus.words import UtteranceId
from curation.alignment import load_aligner
from curation.counts import BatchCounts
from curation.examine import Workbench
from curation.personal_data.spacy_names import load_names
from curation.worker import curate_batch

Batch = Sequence[UtteranceId]

ATTEMPTS = 3
"""A batch is given to this many workers in turn before the run gives up: something keeps killing them."""

ENDS_WITHIN_S = 30.0

log = structlog.get_logger()


class WorkersKeepDying(Overloaded):
    """Curation workers died again and again on the same batch: give the machine more memory, or use fewer workers."""


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
        return (curate_batch(self.bench, batch) for batch in batches)


class ProcessPool:
    """Worker processes, started when there is work and kept until the pool is closed. A context manager."""

    def __init__(self, settings: Settings, workers: int) -> None:
        self.workers = workers
        self._settings = settings
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
        ahead, again, deaths = iter(batches), list[Batch](), dict[Batch, int]()
        while True:
            while len(self._busy) < self.workers and (batch := again.pop() if again else next(ahead, None)):
                self._give(batch)
            if not self._busy:
                return
            for connection in wait(list(self._busy)):
                assert isinstance(connection, Connection)
                worker, batch = self._busy.pop(connection)
                answer = worker.answer()
                if answer is None:
                    deaths[batch] = deaths.get(batch, 0) + 1
                    if deaths[batch] >= ATTEMPTS:
                        raise WorkersKeepDying
                    log.warning("worker_died", utterances=len(batch), deaths=deaths[batch])
                    again.append(batch)
                else:
                    self._idle.append(worker)
                    yield answer

    def close(self) -> None:
        """Lets each worker finish what it does, and reaps it."""
        for worker in [*self._idle, *(worker for worker, _ in self._busy.values())]:
            worker.end()
        self._idle, self._busy = [], {}

    def _give(self, batch: Batch) -> None:
        worker = self._idle.pop() if self._idle else _Worker(self._settings)
        self._busy[worker.connection] = (worker, batch)
        worker.take(batch)


class _Worker:
    """One process, and our end of the pipe to it."""

    def __init__(self, settings: Settings) -> None:
        context = multiprocessing.get_context("spawn")  # a fork would share database connections and locks
        self.connection, theirs = context.Pipe()
        self.process: SpawnProcess = context.Process(target=work, args=(settings, theirs), daemon=True)
        self.process.start()
        theirs.close()  # or its death would not close the pipe

    def take(self, batch: Batch) -> None:
        with suppress(BrokenPipeError):  # it died idle: `answer` finds out
            self.connection.send(list(batch))

    def answer(self) -> BatchCounts | None:
        """None where the worker died."""
        try:
            answer = self.connection.recv()
        except (EOFError, ConnectionResetError):
            self.end()
            return None
        if isinstance(answer, Misconfigured):
            self.end()
            raise answer
        assert isinstance(answer, BatchCounts)
        return answer

    def end(self) -> None:
        self.connection.close()
        self.process.join(ENDS_WITHIN_S)
        if self.process.is_alive():
            self.process.kill()
            self.process.join()
        self.process.close()


def work(settings: Settings, connection: Connection) -> None:
    """A worker's life: batches of ids in, counts out, until the pipe closes."""
    keep_no_core_dumps()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C ends the run, and the run ends its workers
    logs.configure()
    try:
        house = collaborators(settings)
        recogniser = load_recogniser(settings.recogniser)
        detector = load_detector(settings.speech_detector)
        with Decoder() as decoder:
            bench = Workbench(
                house,
                decoder,
                recogniser,
                detector,
                aligner=load_aligner(settings.aligner),
                names=load_names(settings.names),
            )
            while True:
                connection.send(curate_batch(bench, connection.recv()))
    except Misconfigured as error:
        connection.send(Misconfigured(str(error)))
    except (EOFError, BrokenPipeError, ConnectionResetError):
        pass  # nobody waits for the answer any more
