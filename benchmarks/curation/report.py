"""Writes `docs/curation.md`, a page for each section, and all of it for machines as `docs/curation.json`, from records
and nothing else."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from benchmarks.curation.section import SECTIONS, Cell, Section, Table

HEAD = """\
# How good curation is

Curation decides which recordings are fit to train on, what they say, and what must not leave in them.
This page says how often it is right, on recordings that nothing was tuned on.
Each figure stands beside n, the number of things it was measured on: with few, chance alone moves it.
Behind each heading is a page that says how it was measured, and what the figures do not show.
"""

HOW = """\
## Run it yourself

```console
make figures
make figures ARGS='--only recordings'
make figures ARGS='--only recordings --half tuning'
```

The first measures everything, the second one section; both rewrite these pages.
The third prints the same for the half of the speakers that thresholds are chosen on, and writes nothing.
The recordings are no part of Loanword: name their folder with `--data`, or in `SPEECH_DATA`.
`benchmarks/curation` holds the measurements.
"""


@dataclass(frozen=True, slots=True)
class Measured:
    """What a section found, and when, on what and how it was measured."""

    name: str
    title: str
    section: Section
    half: str
    seed: int
    date: str
    commit: str
    took_s: float

    @property
    def command(self) -> str:
        return f"make figures ARGS='--only {self.name}'"


def load(path: Path) -> list[Measured]:
    """What was measured before; nothing where nothing was."""
    if not path.exists():
        return []
    return [_measured(each) for each in json.loads(path.read_text("utf-8"))]


def dump(measured: Iterable[Measured]) -> str:
    records = [{**asdict(each), "command": each.command} for each in measured]
    return json.dumps(records, indent=1, ensure_ascii=False) + "\n"


def together(earlier: Iterable[Measured], now: Sequence[Measured]) -> list[Measured]:
    """What was measured now replaces what was known of the same section, in the order of the page."""
    anew = {each.name for each in now}
    kept = [each for each in earlier if each.name not in anew and each.name in SECTIONS]
    return sorted([*kept, *now], key=lambda each: SECTIONS.index(each.name))


def pages(measured: Sequence[Measured]) -> dict[str, str]:
    """By file name: the front page, with the first table of each section, and the section's own with everything."""
    return {"curation.md": front(measured), **{page_of(each.name): shown(each) for each in measured}}


def page_of(name: str) -> str:
    return f"curation-{name.replace('_', '-')}.md"


def front(measured: Sequence[Measured]) -> str:
    missing = [name for name in SECTIONS if name not in {each.name for each in measured}]
    not_yet = f"## Not measured yet\n\n{', '.join(missing).replace('_', ' ')}.\n" if missing else ""
    brief = [f"## [{each.title}]({page_of(each.name)})\n\n{table(each.section.tables[0])}" for each in measured]
    return "\n".join(part for part in [HEAD, *brief, not_yet, HOW] if part)


def shown(each: Measured) -> str:
    found = each.section
    parts = [f"# {each.title}\n", found.prose.strip() + "\n", *map(table, found.tables)]
    if found.flaws:
        parts.append("\n".join(["What these figures do not show:\n", *(f"- {flaw}" for flaw in found.flaws)]) + "\n")
    mark = f"n = {found.n:,}, {each.half} half, {each.date}, `{each.commit}`, seed {each.seed}, {each.took_s:.0f} s"
    return "\n".join([*parts, f"Measured: {mark}, `{each.command}`."]) + "\n"


def table(of: Table) -> str:
    numeric = [all(not isinstance(row[place], str) for row in of.rows) for place in range(len(of.head))]
    lines = [f"{of.caption}\n"] if of.caption else []
    lines += [_line(of.head), "|" + "|".join("--:" if each else "---" for each in numeric) + "|"]
    return "\n".join([*lines, *(_line([cell(each) for each in row]) for row in of.rows)]) + "\n"


def cell(value: Cell) -> str:
    if value is None:
        return "–"
    return f"{value:,}" if isinstance(value, int | float) else value


def _line(cells: Sequence[str]) -> str:
    return "| " + " | ".join(each.replace("|", "/").replace("\n", " ") for each in cells) + " |"


def _measured(record: dict[str, Any]) -> Measured:
    found, _ = record.pop("section"), record.pop("command")
    tables = [Table(**each) for each in found.pop("tables")]
    return Measured(section=Section(tables=tables, **found), **record)
