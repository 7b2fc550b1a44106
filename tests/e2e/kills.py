"""Kills a server under upload, again and again, and counts what that cost: `python -m tests.e2e.kills --kills 200`.

Each round starts a real server on what the last kill left, looks up in the database and the store what was promised so
far, sends on from several devices (first what was cut off, under its idempotency key, as a device would), and ends the
server with SIGKILL at a random moment; at times another one is killed before that while it starts.

A kill loses no write that the kernel has: that all was also fsynced in time is `test_fsync_order.py`'s to show.
"""

import argparse
import random
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import httpx
from sqlalchemy import or_, select

from corpus import object_keys
from corpus.collaborators import Collaborators, collaborators
from corpus.errors import ObjectAbsent, SealBroken
from corpus.settings import Settings
from corpus.tables import Utterance
from corpus.words import UtteranceId, utc_now
from ingest.sweep import ORPHAN_AGE, sweep
from loanword.prepare import prepare
from tests.e2e.server import Sent, Server, running, some_speech, start
from tests.factories import Lender, make_lender, voice_key

DEVICES = 4
LONGEST_LIFE_S = 0.5
KILLED_WHILE_STARTING = 0.1
LONGEST_START_S = 2.0


@dataclass
class Tally:
    """What the kills cost. The lists must be empty."""

    kills: int = 0
    acknowledged: int = 0
    cut_off: int = 0
    cut_off_yet_whole: int = 0
    orphans: int = 0
    """Objects without a row, which the sweep found and erased: what a kill between the two leaves."""
    lost: list[str] = field(default_factory=list)
    doubled: list[str] = field(default_factory=list)
    half: list[str] = field(default_factory=list)
    changed_id: list[str] = field(default_factory=list)

    @property
    def faults(self) -> list[str]:
        return [*self.lost, *self.doubled, *self.half, *self.changed_id]


class Siege:
    """One home, its devices, all that they sent, and what came of it."""

    def __init__(self, home: Path, seed: int) -> None:
        self._settings = Settings(home=home, uploads_per_minute=10**9)
        prepare(self._settings)
        self._house = collaborators(self._settings)
        self._chance = random.Random(seed)
        self._devices = [make_lender(self._house) for _ in range(DEVICES)]
        self._sent: list[Sent] = []
        self._unchecked: list[Sent] = []
        self.tally = Tally()
        self._house.database.close()

    def round(self) -> None:
        """One life of a server."""
        if self._chance.random() < KILLED_WHILE_STARTING:
            early = start(self._settings)
            time.sleep(self._chance.uniform(0, LONGEST_START_S))
            early.kill()
        with running(self._settings) as server, ThreadPoolExecutor(DEVICES) as threads:
            self._check(self._unchecked)
            lives = [threads.submit(_upload_until_cut_off, server, each, self._cut_off(each)) for each in self._devices]
            time.sleep(self._chance.uniform(0, LONGEST_LIFE_S))
            server.kill()
            self._unchecked = [sent for life in lives for sent in life.result()]
        self._sent += [sent for sent in self._unchecked if sent not in self._sent]
        self.tally.kills += 1
        self.tally.cut_off += len([sent for sent in self._unchecked if sent.utterance_id is None])

    def peace(self) -> Tally:
        """A last life, in which every device gets its answers; then all is counted."""
        with running(self._settings) as server, server.client() as client:
            self._check(self._unchecked)
            for sent in self._sent:  # also what was answered: a retry of it gets the same answer
                told, sent.utterance_id = sent.utterance_id, server.post(client, sent)
                if told not in (None, sent.utterance_id):
                    self.tally.changed_id.append(sent.key)
        self._check(self._sent)
        self._count()
        self._house.database.close()
        return self.tally

    def _cut_off(self, device: Lender) -> list[Sent]:
        return [sent for sent in self._sent if sent.device is device and sent.utterance_id is None]

    def _check(self, all_sent: Iterable[Sent]) -> None:
        """Every acknowledged utterance is there once, and whole; one that was not answered is whole or absent."""
        for sent in all_sent:
            self._check_one(sent, _rows_of(self._house, sent))
        self._house.database.close()  # or else the next server finds the log in use, and has nothing to recover

    def _check_one(self, sent: Sent, rows: Sequence[Utterance]) -> None:
        ids = [row.id for row in rows]
        if len(ids) > 1:
            self.tally.doubled.append(sent.key)
        if (sent.utterance_id and sent.utterance_id not in ids) or (sent.stored_id and sent.stored_id not in ids):
            self.tally.lost.append(sent.key)
        if sent.utterance_id and sent.stored_id not in (None, sent.utterance_id):
            self.tally.changed_id.append(sent.key)
        if ids and sent.utterance_id is None and sent.stored_id is None:
            self.tally.cut_off_yet_whole += 1
            sent.stored_id = ids[0]
        self.tally.half += [sent.key for row in rows if not _is_whole(self._house, row, sent.body)]

    def _count(self) -> None:
        """As many rows, and once swept as many objects, as utterances sent: nothing twice, and nothing nobody sent."""
        swept = sweep(collaborators(self._settings, lambda: utc_now() + 2 * ORPHAN_AGE + timedelta(minutes=1)))
        with self._house.database.reading() as session:
            rows = {row.id: row.object_key for row in session.scalars(select(Utterance))}
        objects = {info.key for info in self._house.store.list(object_keys.VOICES)}
        expected = {sent.utterance_id for sent in self._sent}
        self.tally.acknowledged = len(expected)
        self.tally.orphans = len(swept.orphans)
        self.tally.lost += [str(each) for each in expected - rows.keys()] + list(swept.missing)
        self.tally.doubled += [str(each) for each in rows.keys() - expected]
        self.tally.doubled += sorted(objects - set(rows.values()))


def run(kills: int, home: Path, seed: int, on_kill: Callable[[Tally], object] = lambda _: None) -> Tally:
    """`kills` rounds in `home`. The seed fixes how long each server lives; what it does until then is the machine's."""
    siege = Siege(home, seed)
    for _ in range(kills):
        siege.round()
        on_kill(siege.tally)
    return siege.peace()


def _upload_until_cut_off(server: Server, device: Lender, cut_off: list[Sent]) -> list[Sent]:
    """What was sent: first again what was cut off before, then new. A refusal is no cut: it is raised."""
    waiting, all_sent = list(cut_off), []
    with server.client() as client:
        while True:
            sent = waiting.pop(0) if waiting else some_speech(device)
            all_sent.append(sent)
            try:
                sent.utterance_id = server.post(client, sent)
            except httpx.TransportError:
                return all_sent + waiting


def _rows_of(house: Collaborators, sent: Sent) -> Sequence[Utterance]:
    """All that is stored of one upload: by its idempotency key, and by the ids that were answered or seen."""
    digest = house.master.digest("idempotency key", f"{sent.device.device_id}|{sent.key}".encode())
    ids: list[UtteranceId | None] = [sent.utterance_id, sent.stored_id]
    with house.database.reading() as session:
        known = or_(Utterance.idempotency_digest == digest, Utterance.id.in_([each for each in ids if each]))
        return list(session.scalars(select(Utterance).where(known)))


def _is_whole(house: Collaborators, row: Utterance, body: bytes) -> bool:
    try:
        return house.vault.get(voice_key(house, row.account_id), row.object_key or "") == body
    except (ObjectAbsent, SealBroken):
        return False


def _say(tally: Tally) -> None:
    if tally.kills % 10 == 0:
        sys.stderr.write(f"{tally.kills} kills, {tally.cut_off} times cut off, {len(tally.faults)} faults so far\n")


def main() -> int:
    """Prints the tally, and on standard error how it goes; exit status 1 where anything was lost, doubled or half."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="loanword-kills-") as folder:
        tally = run(arguments.kills, Path(folder), arguments.seed, _say)
    sys.stdout.write(
        f"{tally.kills} kills, {tally.acknowledged} utterances acknowledged in the end, {tally.cut_off} times cut off, "
        f"{tally.cut_off_yet_whole} of these stored whole, {tally.orphans} orphans swept; lost {len(tally.lost)}, "
        f"doubled {len(tally.doubled)}, half {len(tally.half)}, answered with another id {len(tally.changed_id)}\n"
    )
    return 1 if tally.faults else 0


if __name__ == "__main__":
    sys.exit(main())
