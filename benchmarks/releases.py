"""Building a release of 2,000 five-second clips: beside `tar` of the same PCM, in megabytes of audio a second.

The build is a process of its own, so that its peak memory is its own. It starts from sealed clips in a directory store
and ends with a draft in it: consent asked, clips opened, hashed, sharded, stored durably, listed. `tar` reads the same
PCM from loose WAV files, and writes one archive. Every round builds another version; what the round before wrote, ours
or tar's, is removed first, so that both write to memory that the system has in hand.
"""

import gc
import json
import random
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.measured import Compared, by_turns
from corpus.collaborators import Collaborators, collaborators
from corpus.settings import Settings
from export.build import build_release
from export.policy import Policy
from loanword.prepare import prepare
from tests.factories import make_clip, make_lender, wav

CLIPS = 2_000
SPEAKERS = 40
SAMPLES_A_CLIP = 5 * 16_000
MEGABYTES = CLIPS * SAMPLES_A_CLIP * 2 / 1e6
ROUNDS = 3


def compare() -> tuple[Compared, int]:
    """Rates of the build and of `tar`, and the largest peak memory of a build, in bytes."""
    with tempfile.TemporaryDirectory(prefix="loanword-bench-") as folder:
        settings = Settings(home=Path(folder, "home"))
        prepare(settings)
        loose = Path(folder, "loose")
        loose.mkdir()
        house = collaborators(settings)
        _lend(house, loose)
        house.database.close()
        versions, peaks = iter(range(1, 100)), [0]
        compared = by_turns(
            lambda: _build(settings.home, next(versions), peaks), lambda: _tar(loose, Path(folder, "floor.tar")), ROUNDS
        )
        return compared, max(peaks)


def _lend(house: Collaborators, loose: Path) -> None:
    """Reviewed clips, no two alike, and the same recordings as loose files."""
    lenders = [make_lender(house) for _ in range(SPEAKERS)]
    for number in range(CLIPS):
        pcm = _speechlike(number)
        make_clip(house, lenders[number % SPEAKERS], pcm=pcm, label="turn on the kitchen lights")
        (loose / f"{number:05d}.wav").write_bytes(wav(pcm))


def _speechlike(number: int) -> bytes:
    """Noise of its own for each number: what a recording costs does not depend on what is said in it."""
    return random.Random(number).randbytes(SAMPLES_A_CLIP * 2)


def _build(home: Path, version: int, peaks: list[int]) -> float:
    shutil.rmtree(home / "objects" / "releases", ignore_errors=True)
    command = [sys.executable, "-m", "benchmarks.releases", str(home), str(version)]
    told = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    peaks[0] = max(peaks[0], int(told["peak_bytes"]))
    return MEGABYTES / float(told["took_s"])


def _tar(loose: Path, archive: Path) -> float:
    archive.unlink(missing_ok=True)
    began = time.perf_counter()
    subprocess.run(["tar", "-cf", str(archive), "-C", str(loose), "."], check=True)
    return MEGABYTES / (time.perf_counter() - began)


def main(home: str, version: str) -> None:
    """One build, in a process of its own: prints how long it took, and the most memory it held."""
    gc.freeze()  # as `loanword` does
    house = collaborators(Settings(home=Path(home)))
    began = time.perf_counter()
    build_release(house, "bench", version, Policy())
    took_s = time.perf_counter() - began
    peak_bytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    print(json.dumps({"took_s": took_s, "peak_bytes": peak_bytes}))


if __name__ == "__main__":
    main(*sys.argv[1:])
