"""Curation on two Dask workers beside one, in clips a second, over the same recordings on PostgreSQL.

Scheduler, workers and database share this machine: with two cores two workers cannot be twice as fast as one.
"""

import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from time import perf_counter

from benchmarks.measured import Compared, by_turns
from corpus.collaborators import Collaborators, collaborators
from corpus.settings import Settings
from curation.dask_executor import DaskCluster
from curation.run import curate
from loanword.prepare import prepare
from tests.factories import forget_clips, make_lender, make_utterance, melody, wav
from tests.fixtures.dask_cluster import dask_cluster
from tests.fixtures.databases import postgresql

RECORDINGS = 256
SECONDS_A_RECORDING = 3.0
ROUNDS = 3


def compare() -> Compared:
    """Two workers, and one as the floor."""
    with _house() as house, ExitStack() as stack:
        clusters = [stack.enter_context(_cluster(house, workers)) for workers in (2, 1)]
        two, one = (stack.enter_context(DaskCluster(house, address)) for address in clusters)
        return by_turns(lambda: _rate(house, two), lambda: _rate(house, one), ROUNDS)


def _rate(house: Collaborators, cluster: DaskCluster) -> float:
    began = perf_counter()
    counts = curate(house, cluster)
    took_s = perf_counter() - began
    if counts.kept != RECORDINGS:
        raise RuntimeError(f"{counts.kept} of {RECORDINGS} recordings were kept: {counts}")
    forget_clips(house)
    return RECORDINGS / took_s


@contextmanager
def _house() -> Iterator[Collaborators]:
    with tempfile.TemporaryDirectory(prefix="loanword-bench-") as folder, postgresql() as server:
        server.create_database("dask_rate")
        settings = Settings(
            home=Path(folder, "home"),
            database_url=server.url("dask_rate"),
            curate_batch=16,
            speech_detector=None,  # it would find none in tones, and nothing would be stored
        )
        prepare(settings)
        house = collaborators(settings)
        lender = make_lender(house)
        for number in range(RECORDINGS):
            make_utterance(house, lender, body=wav(melody(str(number), duration_s=SECONDS_A_RECORDING)))
        yield house
        house.database.close()


@contextmanager
def _cluster(house: Collaborators, workers: int) -> Iterator[str]:
    with (
        tempfile.TemporaryDirectory(prefix="loanword-dask-") as folder,
        dask_cluster(house.settings, Path(folder), workers) as cluster,
    ):
        yield cluster.address


if __name__ == "__main__":
    print("curation on two Dask workers, one as the floor: " + compare().line("clips/s"))
