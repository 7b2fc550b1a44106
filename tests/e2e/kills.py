"""Kills a server under upload, again and again, and counts what that cost: `python -m tests.e2e.kills --kills 200`.

Each round starts a real server, sends uploads from several devices, and ends it with SIGKILL at a random moment, at times
again while it starts. Then what was promised is looked up in the database and the store, and what was not answered is sent
once more under its idempotency key.
"""

import argparse
import os
import random
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

import httpx
from sqlalchemy import or_, select

from corpus.child_process import ends_with_parent
from corpus.collaborators import Collaborators, collaborators
from corpus.settings import Settings
from corpus.tables import Utterance
from corpus.words import UtteranceId
from loanword.prepare import prepare
from loanword.serve import as_environment
from tests.factories import Lender, make_lender, voice_key, wav

DEVICES = 4
BODY_BYTES = 40_000
READY_WITHIN_S = 60.0
LONGEST_LIFE_S = 0.5


@dataclass
class Sent:
    """One upload as its device knows it: what was sent, and the id that was answered, if any."""

    key: str
    device: Lender
    body: bytes
    utterance_id: UtteranceId | None = None


@dataclass
class Tally:
    """What the kills cost. All but the first three must be zero."""

    kills: int = 0
    acknowledged: int = 0
    cut_off_yet_whole: int = 0
    lost: list[str] = field(default_factory=list)
    doubled: list[str] = field(default_factory=list)
    half: list[str] = field(default_factory=list)
    changed_id: list[str] = field(default_factory=list)

    @property
    def faults(self) -> list[str]:
        return [*self.lost, *self.doubled, *self.half, *self.changed_id]


def run(kills: int, home: Path, seed: int) -> Tally:
    """`kills` rounds in `home`; deterministic in what is sent, and as random as the machine in when it dies."""
    settings = Settings(home=home, uploads_per_minute=10**9)
    prepare(settings)
    house = collaborators(settings)
    devices = [make_lender(house) for _ in range(DEVICES)]
    chance, tally, known = random.Random(seed), Tally(), []
    for _ in range(kills):
        sent = _round(settings, devices, chance)
        tally.kills += 1
        known += sent
        _check(house, sent, tally)
    server, port = _start(settings)
    _wait_until_healthy(server, port)
    for each in (each for each in known if each.utterance_id is None):
        _retry(house, port, each, tally)
    server.kill()
    server.wait()
    _check(house, known, tally)
    tally.acknowledged = sum(each.utterance_id is not None for each in known)
    _count_rows(house, known, tally)
    house.database.close()
    return tally


def _round(settings: Settings, devices: Iterable[Lender], chance: random.Random) -> list[Sent]:
    """One life of a server, cut off at random."""
    server, port = _start(settings)
    if chance.random() < 0.1:  # killed while it starts, then started again
        time.sleep(chance.uniform(0, 1))
        server.kill()
        server.wait()
        server, port = _start(settings)
    _wait_until_healthy(server, port)
    sent: list[Sent] = []
    threads = [
        threading.Thread(target=_upload_until_cut_off, args=(port, device, sent, chance.getrandbits(64)))
        for device in devices
    ]
    for thread in threads:
        thread.start()
    time.sleep(chance.uniform(0, LONGEST_LIFE_S))
    server.kill()
    server.wait()
    for thread in threads:
        thread.join()
    return sent


def _upload_until_cut_off(port: int, device: Lender, sent: list[Sent], seed: int) -> None:
    chance = random.Random(seed)
    with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=30) as client:
        while True:
            each = Sent(f"{chance.getrandbits(128):032x}", device, wav(chance.randbytes(BODY_BYTES)))
            sent.append(each)
            try:
                each.utterance_id = _post(client, each)
            except httpx.TransportError:
                return


def _post(client: httpx.Client, each: Sent) -> UtteranceId:
    headers = {
        "Authorization": f"Bearer {each.device.device_token}",
        "Idempotency-Key": each.key,
        "Content-Type": "audio/wav",
    }
    answer = client.post("/v1/utterances", content=each.body, headers=headers)
    answer.raise_for_status()
    return UtteranceId(answer.json()["id"])


def _retry(house: Collaborators, port: int, each: Sent, tally: Tally) -> None:
    """A device's second try: it gets the id of what is there, or of what it now makes."""
    there = _rows_of(house, each)
    with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=30) as client:
        each.utterance_id = _post(client, each)
    tally.cut_off_yet_whole += len(there)
    if there and there != [each.utterance_id]:
        tally.changed_id.append(each.key)


def _check(house: Collaborators, sent: Iterable[Sent], tally: Tally) -> None:
    """Every acknowledged utterance is there once, and whole; one that was not answered is whole or absent."""
    for each in sent:
        rows = _rows_of(house, each)
        if each.utterance_id is not None and each.utterance_id not in rows:
            tally.lost.append(each.key)
        if len(rows) > 1:
            tally.doubled.append(each.key)
        tally.half += [each.key for row in rows if not _is_whole(house, row, each.body)]


def _rows_of(house: Collaborators, each: Sent) -> list[UtteranceId]:
    """The ids of all that is stored of one upload: by the id that was answered, and by its idempotency key."""
    digest = house.master.digest("idempotency key", f"{each.device.device_id}|{each.key}".encode())
    with house.database.reading() as session:
        of_key = or_(Utterance.idempotency_digest == digest, Utterance.id == each.utterance_id)
        return list(session.scalars(select(Utterance.id).where(of_key)))


def _is_whole(house: Collaborators, utterance_id: UtteranceId, body: bytes) -> bool:
    with house.database.reading() as session:
        row = session.get_one(Utterance, utterance_id)
    return house.vault.get(voice_key(house, row.account_id), row.object_key) == body


def _count_rows(house: Collaborators, known: list[Sent], tally: Tally) -> None:
    """As many rows as utterances sent: nothing is there that nobody sent, and nothing twice."""
    with house.database.reading() as session:
        ids = list(session.scalars(select(Utterance.id)))
    expected = {each.utterance_id for each in known}
    tally.doubled += [row for row in ids if row not in expected]
    tally.lost += [str(each) for each in expected if each not in ids]


def _start(settings: Settings) -> tuple[subprocess.Popen[bytes], int]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    command = ends_with_parent([sys.executable, "-m", "loanword", "serve", "--port", str(port)])
    with (settings.home / "server.log").open("ab") as log:
        return subprocess.Popen(command, stdout=log, stderr=log, env=os.environ | as_environment(settings)), port


def _wait_until_healthy(server: subprocess.Popen[bytes], port: int) -> None:
    deadline = time.monotonic() + READY_WITHIN_S
    while time.monotonic() < deadline and server.poll() is None:
        try:
            if httpx.get(f"http://127.0.0.1:{port}/healthz").is_success:
                return
        except httpx.TransportError:
            time.sleep(0.02)
    raise RuntimeError("The server did not come back after a kill.")


def main() -> int:
    """Prints the tally; exit status 1 where anything was lost, doubled or left half."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="loanword-kills-") as folder:
        tally = run(arguments.kills, Path(folder), arguments.seed)
    print(
        f"{tally.kills} kills, {tally.acknowledged} utterances acknowledged in the end, "
        f"{tally.cut_off_yet_whole} cut off yet whole; lost {len(tally.lost)}, doubled {len(tally.doubled)}, "
        f"half {len(tally.half)}, answered with another id {len(tally.changed_id)}"
    )
    return 1 if tally.faults else 0


if __name__ == "__main__":
    sys.exit(main())
