"""`python -m tests.trust`: measures every promise in full, on both grounds, and writes docs/trust.md."""

import argparse
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import UTC, datetime

import structlog

from corpus import logs
from corpus.speech.decoder import Decoder
from tests.architecture.source import ROOT
from tests.trust.grounds import Ground, embedded, grown
from tests.trust.report import Measured, dump, load, render, together
from tests.trust.targets import TARGETS, Setting, Target

GROUNDS: Mapping[str, Callable[[], AbstractContextManager[Ground]]] = {"embedded": embedded, "grown": grown}
PAGE, RECORDS = ROOT / "docs" / "trust.md", ROOT / "docs" / "trust.json"


def main(argv: Sequence[str] | None = None) -> int:
    """Exit status 1 where a promise did not hold. A scale other than 1 writes nothing, and prints the page."""
    arguments = parser().parse_args(argv)
    wanted = [target for target in TARGETS if not arguments.only or target.number in arguments.only]
    now: list[Measured] = []
    for of_one_target in measure(wanted, arguments.ground or [*GROUNDS], arguments.scale, arguments.seed):
        now += of_one_target
        if arguments.scale == 1:  # at once: whoever interrupts this keeps what was measured by then
            write(together(load(RECORDS), of_one_target))
    if arguments.scale != 1:
        sys.stdout.write(render(together([], now)))
    return 1 if any(each.result.failures for each in now) else 0


def write(measured: Sequence[Measured]) -> None:
    RECORDS.write_text(dump(measured), "utf-8")
    PAGE.write_text(render(measured), "utf-8")


def parser() -> argparse.ArgumentParser:
    made = argparse.ArgumentParser(prog="python -m tests.trust", description=__doc__)
    made.add_argument(
        "--only", action="append", choices=[target.number for target in TARGETS], help="this target alone"
    )
    made.add_argument("--ground", action="append", choices=[*GROUNDS], help="on this ground alone")
    made.add_argument("--scale", type=float, default=1.0, help="so much of each n, printed and not written")
    made.add_argument("--seed", type=int, default=1)
    return made


def measure(targets: Sequence[Target], grounds: Sequence[str], scale: float, seed: int) -> Iterator[list[Measured]]:
    """Target by target on one ground, then on the next; says on standard error how it goes."""
    logs.configure()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(50))  # refusals are what is asked for
    date, commit = datetime.now(UTC).date().isoformat(), this_commit()
    for name in grounds:
        with GROUNDS[name]() as ground, Decoder() as decoder:
            for target in targets:
                if target.measure is None:
                    continue
                found, began = list[Measured](), time.monotonic()
                try:
                    for result in target.measure(Setting(ground, decoder), max(1, round(target.n * scale)), seed):
                        took_s = time.monotonic() - began
                        failed = f", {len(result.failures)} FAILED" if result.failures else ""
                        say(f"{target.number}: {result.tried}; {ground.name}: n = {result.n}{failed}, {took_s:.0f} s")
                        found.append(Measured(result, date, commit, round(took_s, 1)))
                        began = time.monotonic()
                except Exception as error:  # of hours of measuring, what else there is shall not be lost
                    say(f"{target.number} could not be measured on {ground.name}: {error!r}")
                yield found


def this_commit() -> str:
    """With a plus sign where the source has been changed since. The report itself is no source."""
    said = [
        subprocess.run(["git", *words], cwd=ROOT, capture_output=True, text=True, check=True).stdout.strip()
        for words in (["rev-parse", "--short", "HEAD"], ["status", "--porcelain", "--", ".", ":!docs/trust.*"])
    ]
    return said[0] + ("+" if said[1] else "")


def say(line: str) -> None:
    sys.stderr.write(f"{datetime.now(UTC):%H:%M:%S} {line}\n")


if __name__ == "__main__":
    sys.exit(main())
