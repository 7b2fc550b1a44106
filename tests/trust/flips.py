"""Target 1: a release as an engineer has it proves, with no network, that each clip was agreed to, byte by byte.

A release is built, published and pulled over HTTP. Then one byte at a time is changed, in any file: `verify` must name
the file. Changes of recordings are looked at some at a time, each in another file, and each must be named.
"""

import random
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from corpus.collaborators import Collaborators
from export.build import build_release
from export.client.pull import pull
from export.client.verify import VerifyReport, verify
from export.publish import publish_release
from loanword.serve import create_app
from tests.factories import make_clip, make_lender, tone
from tests.fixtures.serving import serving
from tests.trust.gates import NAME, ONE_SHARD, VERSION, WORDS
from tests.trust.grounds import Ground
from tests.trust.results import Result
from tests.trust.stopping import hire

TARGET = "1"
CLIPS_A_FLIP = 5
CLIPS_A_SPEAKER = 50
FLIPS_AT_ONCE = 30
OF_PAPERS = 0.1
"""The share of flips in files that are no recording: each of these takes a look of its own."""


def measure_flips(ground: Ground, n: int, seed: int) -> Result:
    chance, failures, clips = random.Random(seed), list[str](), CLIPS_A_FLIP * n
    with ground.house() as house, tempfile.TemporaryDirectory(dir=ground.folder) as folder:
        there = Path(folder, "release")
        report = pulled_release(house, clips, chance, there)
        found = sum(report.clips.values())
        if not report.sound or found != clips:
            failures.append(f"{found} of {clips} clips are sound: {report.problems[:3]}")
        for flips in chosen(there, n, chance):
            failures += flipped(there, flips)
        if not looked_at(there).sound:
            failures.append("the release is not what it was")
    return Result(
        target=TARGET,
        tried="single bytes changed anywhere in a pulled release, looked for by `loanword verify` without a network",
        ground=ground.name,
        n=n,
        seed=seed,
        failures=failures,
        figure=f"{found:,} of {clips:,} clips sound before",
    )


def pulled_release(house: Collaborators, clips: int, chance: random.Random, folder: Path) -> VerifyReport:
    lenders = [make_lender(house) for _ in range(max(1, clips // CLIPS_A_SPEAKER))]
    for number in range(clips):
        pcm = tone(duration_s=0.4, frequency_hz=chance.uniform(100, 7000), peak=chance.uniform(0.1, 0.9))
        make_clip(house, lenders[number % len(lenders)], pcm=pcm, label=WORDS)
    build_release(house, NAME, VERSION, ONE_SHARD)
    publish_release(house, NAME, VERSION)
    with serving(create_app(house)) as url:
        return pull(NAME, folder, url, hire(house).engineer, pins_file=pins_beside(folder)).report


def pins_beside(folder: Path) -> Path:
    """Where this engineer remembers whose key signs the release."""
    return folder.parent / "pins.json"


def chosen(folder: Path, n: int, chance: random.Random) -> Iterator[Mapping[Path, tuple[int, int]]]:
    """Which files to change, at which byte, by which bits; those of one mapping at a time."""
    papers = sorted(path for path in folder.iterdir() if path.is_file())
    recordings = sorted(folder.rglob("*.wav"))
    alone = max(1, round(n * OF_PAPERS))
    for _ in range(alone):
        yield flips_of([chance.choice(papers)], chance)
    left = n - alone
    while left:
        some = min(left, FLIPS_AT_ONCE, len(recordings))
        yield flips_of(chance.sample(recordings, some), chance)
        left -= some


def flips_of(paths: Sequence[Path], chance: random.Random) -> Mapping[Path, tuple[int, int]]:
    return {path: (chance.randrange(path.stat().st_size), chance.randrange(1, 256)) for path in paths}


def flipped(folder: Path, flips: Mapping[Path, tuple[int, int]]) -> list[str]:
    """Those that were not named."""
    for path, (at, bits) in flips.items():
        flip(path, at, bits)
    told = [str(problem) for problem in looked_at(folder).problems]
    for path, (at, bits) in flips.items():
        flip(path, at, bits)
    names = {path: path.relative_to(folder).as_posix() for path in flips}
    return [
        f"byte {flips[path][0]} of {name} was changed by {flips[path][1]:#04x}, and it was not named"
        for path, name in names.items()
        if not any(name in each for each in told)
    ]


def looked_at(folder: Path) -> VerifyReport:
    return verify(folder, pins_file=pins_beside(folder), problems_named=10_000)


def flip(path: Path, at: int, bits: int) -> None:
    with path.open("r+b") as file:
        file.seek(at)
        [byte] = file.read(1)
        file.seek(at)
        file.write(bytes([byte ^ bits]))
