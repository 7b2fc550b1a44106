"""Writes `docs/trust.md`, and the same for machines as `docs/trust.json`, from results and nothing else."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from tests.trust.grounds import EMBEDDED, GROWN
from tests.trust.results import Result, bound
from tests.trust.targets import GATES, TARGETS, Target

HEAD = """\
# What we promise, and how we tried to break it

You are asked to lend your voice. This page says what was measured of each promise: how it was tried, how often, and how
often it failed. It is written by a program, which anyone may run.

Two installations are measured: the small one ({embedded}), which comes with Loanword, and the large one ({grown}).
A count without failures is no proof. The *bound* says how often a failure could still happen and these tries miss it,
19 times out of 20 (three divided by the number of tries).
"""

HOW = """\
## Run it yourself

```console
make trust
make trust ARGS='--only 3'
```

The first measures everything, which takes {minutes} minutes or more; the second one target. Both rewrite this page.
`tests/trust` holds the measurements. Small ones run with every change of the code.
"""

FIGURES = """\
| target | what was tried | ground | n | failures | 3/n bound (95 %) | figure | date, commit, seed, command |
|---|---|---|--:|--:|--:|---|---|"""

INCIDENT = """\
## Each gate alone

A voice assistant's backend once computed whether its owner had agreed, and the code that kept the sound never asked.
So each place of ours that must ask was tried alone: the keys alive, consent withdrawn right before.
Then its question was taken out of the source, to see that its own test notices.
"""

SHOWN_FAILURES = 5


@dataclass(frozen=True, slots=True)
class Measured:
    """A result, and when and on what it was measured."""

    result: Result
    date: str
    commit: str
    took_s: float

    @property
    def mark(self) -> str:
        return f"{self.date}, `{self.commit}`, seed {self.result.seed}"


def load(path: Path) -> list[Measured]:
    """What was measured before; nothing where nothing was."""
    if not path.exists():
        return []
    return [
        Measured(Result(**each["result"]), each["date"], each["commit"], each["took_s"])
        for each in json.loads(path.read_text("utf-8"))
    ]


def dump(measured: Iterable[Measured]) -> str:
    return json.dumps([asdict(each) for each in measured], indent=1, ensure_ascii=False) + "\n"


def together(earlier: Iterable[Measured], now: Sequence[Measured]) -> list[Measured]:
    """What was measured now replaces what was known of the same target on the same ground, in the order of targets."""
    anew = {(each.result.target, each.result.ground) for each in now}
    kept = [each for each in earlier if (each.result.target, each.result.ground) not in anew]
    order = [target.number for target in TARGETS]
    known = [each for each in [*kept, *now] if each.result.target in order]
    return sorted(known, key=lambda each: (order.index(each.result.target), each.result.ground != EMBEDDED))


def render(measured: Sequence[Measured]) -> str:
    by_target = {
        target.number: [each for each in measured if each.result.target == target.number] for target in TARGETS
    }
    minutes = round(sum(each.took_s for each in measured) / 60)
    parts = [
        HEAD.format(embedded=EMBEDDED, grown=GROWN),
        in_short(by_target),
        figures(by_target),
        gates(by_target[GATES]),
        failed(measured),
        not_measured(by_target),
        HOW.format(minutes=minutes),
    ]
    return "\n".join(part for part in parts if part)


def in_short(by_target: Mapping[str, Sequence[Measured]]) -> str:
    lines = ["## In short\n"]
    for target in TARGETS:
        found = by_target[target.number]
        if found:
            tries, failures = sum(each.result.n for each in found), sum(len(each.result.failures) for each in found)
            held = f"it held each time (bound {bound(0, tries)})."
            verdict = f"Tried {tries:,} times; {f'**{failures:,} failures.**' if failures else held}"
        else:
            verdict = "Not measured yet."
        lines.append(f"- {target.promise} {verdict}")
    return "\n".join(lines) + "\n"


def figures(by_target: Mapping[str, Sequence[Measured]]) -> str:
    rows = [row(target, each) for target in TARGETS if target.number != GATES for each in by_target[target.number]]
    return "\n".join(["## The figures\n", FIGURES, *rows]) + "\n"


def row(target: Target, each: Measured) -> str:
    found = each.result
    cells = (
        target.number,
        found.tried,
        found.ground,
        f"{found.n:,}",
        f"{len(found.failures):,}",
        found.bound,
        found.figure,
        f"{each.mark}, `--only {target.number}`",
    )
    return "| " + " | ".join(cell.replace("|", "/") for cell in cells) + " |"


def gates(found: Sequence[Measured]) -> str:
    """A row for each gate: whether it refused, and whether it was missed, on both grounds."""
    if not found:
        return ""
    head = f"| when | the question that was taken out | {EMBEDDED} | {GROWN} |\n|---|---|---|---|"
    lines = [INCIDENT, head]
    for name in dict.fromkeys(each.result.tried for each in found):
        of_gate = {each.result.ground: each.result for each in found if each.result.tried == name}
        mutant = next(iter(of_gate.values())).figure
        lines.append(f"| {name} | `{mutant}` | {outcome(of_gate.get(EMBEDDED))} | {outcome(of_gate.get(GROWN))} |")
    marks = sorted({each.mark for each in found})
    return "\n".join([*lines, f"\nMeasured {'; '.join(marks)}, `--only {GATES}`."]) + "\n"


def outcome(found: Result | None) -> str:
    if found is None:
        return "not measured"
    return f"**{found.failures[0]}**" if found.failures else "refuses; missed when gone"


def failed(measured: Sequence[Measured]) -> str:
    lines = []
    for each in (each for each in measured if each.result.failures):
        shown = [f"  - {failure}" for failure in each.result.failures[:SHOWN_FAILURES]]
        more = len(each.result.failures) - len(shown)
        lines += [f"- {each.result.tried}, {each.result.ground}:", *shown, *([f"  - and {more} more"] if more else [])]
    return "\n".join(["## What failed\n", *lines]) + "\n" if lines else ""


def not_measured(by_target: Mapping[str, Sequence[Measured]]) -> str:
    lines = [
        f"- Target {target.number}: {target.why_not or 'not run yet.'}"
        for target in TARGETS
        if not by_target[target.number]
    ]
    return "\n".join(["## Not measured\n", *lines]) + "\n" if lines else ""
