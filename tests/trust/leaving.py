"""Targets 6 and 24: somebody leaves a release that others have copies of.

6: how long it takes until a person with very many clips is erased, and the release is current again without them.
24: each copy that an engineer holds loses who left, is sound after that, and is pulled no more once it is replaced.
"""

import tempfile
import time
from datetime import timedelta
from pathlib import Path

from corpus import object_keys
from corpus.collaborators import Collaborators
from corpus.errors import ReleaseSuperseded
from corpus.words import ReleaseState, Split
from export.build import build_release
from export.client.prune_copy import prune_copy
from export.client.pull import pull
from export.client.verify import verify
from export.policy import MIB, Policy
from export.publish import publish_release, show_release
from export.recut import recut_waiting
from ingest.erase import finish_erasures
from ingest.withdraw import withdraw
from loanword.serve import create_app
from tests.factories import Lender, make_clip, make_lender, tone
from tests.fixtures.serving import serving
from tests.trust.gates import NAME, WORDS
from tests.trust.grounds import Ground
from tests.trust.results import Result
from tests.trust.stopping import hire

WITHIN = timedelta(minutes=5)
OTHERS, CLIPS_OF_OTHERS = 4, 10
SMALL_ARCHIVES = Policy(shard_max_bytes=MIB, shares={Split.TRAIN: 1.0, Split.DEV: 0.0, Split.TEST: 0.0})


def lend(house: Collaborators, clips: int, from_hz: float) -> Lender:
    lender = make_lender(house)
    for number in range(clips):
        make_clip(house, lender, pcm=tone(duration_s=0.5, frequency_hz=from_hz + 1.3 * number), label=WORDS)
    return lender


def publish(house: Collaborators, version: str) -> None:
    build_release(house, NAME, version, SMALL_ARCHIVES)
    publish_release(house, NAME, version)


def measure_erasing(ground: Ground, clips: int, seed: int) -> Result:
    """One account of so many clips."""
    with ground.house() as house:
        for number in range(OTHERS):
            lend(house, CLIPS_OF_OTHERS, 3000 + 100 * number)
        leaving = lend(house, clips, 200)
        publish(house, "1")
        began_s = time.perf_counter()
        withdraw(house, leaving.account_id)
        finish_erasures(house)
        recut_waiting(house)
        took_s = time.perf_counter() - began_s
        facts = show_release(house, NAME, "1").facts
        left = list(house.store.list(f"{object_keys.VOICES}{leaving.account_id}/"))
    failures = [f"{each.key} is still stored" for each in left]
    if (facts.state, facts.clips) != (ReleaseState.CURRENT, OTHERS * CLIPS_OF_OTHERS):
        failures.append(f"the release is {facts.state} with {facts.clips} clips")
    if took_s >= WITHIN.total_seconds():
        failures.append(f"it took {took_s:.0f} s")
    tried = f"an account of {clips:,} clips erased, each with a tombstone, and its release cut anew"
    return Result("6", tried, ground.name, 1, seed, failures, f"{took_s:.1f} s; at most {WITHIN.total_seconds():.0f} s")


def measure_copies(ground: Ground, n: int, seed: int) -> Result:
    """`n` times somebody leaves while an engineer holds a copy."""
    failures, slowest_s = list[str](), 0.0
    with ground.house() as house, tempfile.TemporaryDirectory(dir=ground.folder) as folder:
        for number in range(OTHERS):
            lend(house, 2, 3000 + 100 * number)
        token, pins = hire(house).engineer, Path(folder, "pins.json")
        with serving(create_app(house)) as url:
            for number in range(n):
                leaving, version, copy = lend(house, 2, 200 + 5 * number), f"{number}", Path(folder, f"{number}")
                publish(house, version)
                pull(NAME, copy, url, token, pins_file=pins)
                began_s = time.perf_counter()
                withdraw(house, leaving.account_id)
                finish_erasures(house)
                recut_waiting(house)
                slowest_s = max(slowest_s, time.perf_counter() - began_s)
                pruned = prune_copy(copy, url, token, pins_file=pins)
                report = verify(copy, pins_file=pins)
                if len(pruned.clips) != 2 or not pruned.reported:
                    failures.append(f"copy {number}: {len(pruned.clips)} of 2 clips removed, told: {pruned.reported}")
                if not report.sound or report.withdrawn != 2:
                    failures.append(f"copy {number} is not sound: {report.problems[:2]}")
                publish(house, f"{number}.next")
                failures += still_pulled(url, token, version, Path(folder, f"late-{number}"), pins)
    return Result(
        "24",
        "copies of a release that somebody left: pruned, reported, sound, and refused once replaced",
        ground.name,
        n,
        seed,
        failures,
        f"cut anew within {slowest_s:.1f} s",
    )


def still_pulled(url: str, token: str, version: str, folder: Path, pins: Path) -> list[str]:
    try:
        pull(f"{NAME}@{version}", folder, url, token, pins_file=pins)
    except ReleaseSuperseded:
        return []
    return [f"version {version} was pulled although it was replaced"]
