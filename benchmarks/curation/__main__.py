"""`python -m benchmarks.curation`: measures curation on recorded speech, and writes docs/curation*.md."""

import argparse
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.curation.halves import Half
from benchmarks.curation.material import ROOT, NoMaterial, folder, load
from benchmarks.curation.report import Measured, dump, pages, shown, together
from benchmarks.curation.report import load as load_records
from benchmarks.curation.section import SECTIONS, module_of
from corpus.speech.decoder import Decoder

DOCS = ROOT / "docs"
RECORDS = DOCS / "curation.json"


def main(argv: Sequence[str] | None = None) -> int:
    """Exit status 2 where there is no speech to measure on. The tuning half is printed and not written."""
    arguments = parser().parse_args(argv)
    half = Half(arguments.half)
    try:
        root = folder(arguments.data)
    except NoMaterial as missing:
        sys.stderr.write(f"{missing}\n")
        return 2
    for measured in measure(arguments.only or SECTIONS, root, half, arguments.seed):
        if half is Half.REPORTED:  # at once: whoever interrupts this keeps what was measured by then
            write(together(load_records(RECORDS), [measured]))
        else:
            sys.stdout.write(shown(measured))
    return 0


def write(measured: Sequence[Measured]) -> None:
    RECORDS.write_text(dump(measured), "utf-8")
    for name, page in pages(measured).items():
        (DOCS / name).write_text(page, "utf-8")


def parser() -> argparse.ArgumentParser:
    made = argparse.ArgumentParser(prog="python -m benchmarks.curation", description=__doc__)
    made.add_argument("--only", action="append", choices=SECTIONS, help="this section alone")
    made.add_argument("--half", choices=[*Half], default=Half.REPORTED, help="of the speakers; tuning writes nothing")
    made.add_argument("--data", type=Path, help="the folder with the recorded speech, or SPEECH_DATA")
    made.add_argument("--seed", type=int, default=1)
    return made


def measure(wanted: Sequence[str], root: Path, half: Half, seed: int) -> Iterator[Measured]:
    """Section by section; says on standard error how it goes."""
    date, commit = datetime.now(UTC).date().isoformat(), this_commit()
    with Decoder() as decoder:
        material = load(root, half, seed, decoder)
        for name in wanted:
            module, began = module_of(name), time.monotonic()
            if module is None:
                say(f"{name}: nobody has written this section yet")
                continue
            found = module.measure(material)
            took_s = round(time.monotonic() - began, 1)
            say(f"{name}: n = {found.n:,}, {took_s:.0f} s")
            yield Measured(name, module.TITLE, found, half, material.seed, date, commit, took_s)


def this_commit() -> str:
    """With a plus sign where the source has been changed since. The pages themselves are no source."""
    said = [
        subprocess.run(["git", *words], cwd=ROOT, capture_output=True, text=True, check=True).stdout.strip()
        for words in (["rev-parse", "--short", "HEAD"], ["status", "--porcelain", "--", ".", ":!docs/curation*"])
    ]
    return said[0] + ("+" if said[1] else "")


def say(line: str) -> None:
    sys.stderr.write(f"{datetime.now(UTC):%H:%M:%S} {line}\n")


if __name__ == "__main__":
    sys.exit(main())
