"""How the search for copies grows: the same questions to ten thousand stored fingerprints and to a million.

The questions are the hashes of real speech, our own samples. What is stored is drawn from the same: of a sample's kept
hashes each bit is turned with a chance that makes hashes as unlike as those of other clips are, and crowded sounds stay
crowded. The tables are the product's, filled in bulk; the answer is `duplicate_queries.hits`, and `ranked`.
"""

import sqlite3
import statistics
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import soundfile
from numpy.typing import NDArray

import loanword.samples
from corpus import database
from corpus.database import Database
from curation.duplicate_queries import hits
from curation.fingerprint import BITS, KEPT, VERSION, Fingerprint, fingerprint
from curation.near_duplicates import BUCKET_MOST, ranked, seal

FEW, MANY = 10_000, 1_000_000
ROUNDS = 25
"""Of a fraction of a second each: single ones differ by a third."""
TURNED = 0.2
"""Of a sample's bits: between two hashes of unlike speech 0.3 to 0.5 differ, and those of like sounds fewer."""

SECRET = b"a secret of the benchmark, no more"[:32]
SAMPLES = Path(loanword.samples.__file__).parent


@dataclass(frozen=True, slots=True)
class Grown:
    """Answers a second by turns, and what a million takes."""

    few: tuple[float, ...]
    many: tuple[float, ...]
    bytes_of_many: int

    def line(self) -> str:
        ratios = [many / few for few, many in zip(self.few, self.many, strict=True)]
        return (
            f"at {MANY:,} {statistics.median(self.many):.0f} answers/s, at {FEW:,} {statistics.median(self.few):.0f}, "
            f"ratio {statistics.median(ratios):.2f} (of {len(ratios)} rounds: {min(ratios):.2f} to {max(ratios):.2f}); "
            f"{self.bytes_of_many / 1e9:.2f} GB"
        )


def compare() -> Grown:
    prints = [fingerprint(samples) for samples in _speech()]
    with TemporaryDirectory() as folder:
        few, many = (_filled(Path(folder) / f"{count}.db", prints, count) for count in (FEW, MANY))
        answers = [(_rate(few, prints), _rate(many, prints)) for _ in range(ROUNDS + 1)][1:]
        size = Path(many.url.removeprefix("sqlite:///")).stat().st_size
        for each in (few, many):
            each.close()
    return Grown(tuple(each[0] for each in answers), tuple(each[1] for each in answers), size)


def _rate(where: Database, prints: Sequence[Fingerprint]) -> float:
    began = time.perf_counter()
    for each in prints:
        buckets = seal(each.asked.values, SECRET).tolist()
        asked = dict(zip(buckets, each.asked.ticks.tolist(), strict=True))
        with where.reading() as session:
            ranked(asked, hits(session, buckets, BUCKET_MOST))
    return len(prints) / (time.perf_counter() - began)


def _speech() -> list[NDArray[np.int16]]:
    files = sorted([*SAMPLES.glob("*.wav"), *SAMPLES.glob("*.flac"), *SAMPLES.glob("*.mp3")])
    found = list[NDArray[np.int16]]()
    for file in files:
        if file.name not in {"silence.wav", "broken.flac"}:
            samples, _ = soundfile.read(file, dtype="int16", always_2d=True)
            found.append(np.asarray(samples[:, 0], dtype=np.int16))
    return found


def _filled(path: Path, prints: Sequence[Fingerprint], count: int) -> Database:
    """A database of the product's own tables with so many fingerprints, each of a clip that nobody has."""
    url = f"sqlite:///{path}"
    database.upgrade(url)
    connection, random = sqlite3.connect(path), np.random.default_rng(1)
    pool = np.concatenate([each.kept.values for each in prints])
    bit_of = np.uint64(1) << np.arange(BITS, dtype=np.uint64)
    for start in range(0, count, 10_000):
        size = min(10_000, count - start)
        drawn = pool[random.integers(len(pool), size=size * KEPT)]
        turned = np.where(random.random((len(drawn), BITS)) < TURNED, bit_of, np.uint64(0)).sum(axis=1, dtype=np.uint64)
        buckets = seal(np.bitwise_xor(drawn, turned), SECRET).reshape(size, KEPT)
        ticks = np.sort(random.integers(0, 75, size=(size, KEPT)))
        clips = [(start + row + 1, f"{start + row:032x}", VERSION) for row in range(size)]
        connection.executemany("INSERT INTO fingerprints (id, clip_id, version) VALUES (?, ?, ?)", clips)
        connection.executemany(
            "INSERT OR IGNORE INTO fingerprint_buckets (fingerprint_id, bucket, tick) VALUES (?, ?, ?)",
            [
                (start + row + 1, bucket, tick)
                for row in range(size)
                for bucket, tick in zip(buckets[row].tolist(), ticks[row].tolist(), strict=True)
            ],
        )
        connection.commit()
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()
    return Database(url)
