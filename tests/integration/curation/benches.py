"""Benches that kill or hold up their worker, to be opened in worker processes: spawned ones, and Dask's.

They are told what to do by the recordings themselves, so that nothing in the house knows of them.
"""

import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

from corpus.keys import AccountKey
from corpus.settings import Settings
from corpus.vault import Vault
from curation.examine import Workbench
from curation.executors import opened_bench

HOSTILE = b"RIFF hostile WAVE"
SLOW_S = 0.1


class HostileVault(Vault):
    """One recording in it ends whoever opens it."""

    def get(self, key: AccountKey, object_key: str) -> bytes:
        recording = super().get(key, object_key)
        if recording == HOSTILE:
            os.kill(os.getpid(), signal.SIGKILL)
        return recording


class SlowVault(Vault):
    """Opening takes a while, so that a test has time to interfere."""

    def get(self, key: AccountKey, object_key: str) -> bytes:
        time.sleep(SLOW_S)
        return super().get(key, object_key)


@contextmanager
def hostile_bench(settings: Settings) -> Iterator[Workbench]:
    with opened_bench(settings) as bench:
        yield replace(bench, house=replace(bench.house, vault=HostileVault(bench.house.store)))


@contextmanager
def slow_bench(settings: Settings) -> Iterator[Workbench]:
    with opened_bench(settings) as bench:
        yield replace(bench, house=replace(bench.house, vault=SlowVault(bench.house.store)))
