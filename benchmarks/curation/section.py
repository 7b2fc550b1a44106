"""What a section of docs/curation.md is, and what it is given. Each is a module of this package, named in `SECTIONS`.

A section's module has two names, and `recordings.py` is the example to copy:

    TITLE = "Recordings"

    def measure(material: Material) -> Section: ...

`measure` is called once, with the recordings of one half, and returns what the page shall say: prose in plain words,
and tables of numbers. It prints nothing and writes nothing. Whatever it draws by lot, it draws from `material.seed`;
what it generates for the tuning half, it generates from another seed for the reported one.

`Half.TUNING` is there to choose thresholds on, as often as one likes. `Half.REPORTED` is opened by the run that writes
the page, and by nothing else.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from typing import Protocol

from benchmarks.curation.material import Material

SECTIONS = ("recordings", "stages", "labels", "alignment", "duplicates", "personal_data", "disguise", "cost")
"""In the order of the page. A section that nobody has written yet is listed on the page as not measured."""

N = "n"

Cell = str | int | float | None
"""A number is written as it is: round it to the digits that it deserves. None: there was nothing to measure."""


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of numbers under headings that name their units, such as "WER, %". One heading is "n": of how many."""

    head: Sequence[str]
    rows: Sequence[Sequence[Cell]]
    caption: str = ""

    def __post_init__(self) -> None:
        if N not in self.head:
            raise ValueError(f"No figure without its n: {', '.join(self.head)}.")
        if any(len(row) != len(self.head) for row in self.rows):
            raise ValueError("A row is as long as its head.")


@dataclass(frozen=True, slots=True)
class Section:
    """What one section found. `n` is of how many recordings, sentences or pairs in all."""

    n: int
    tables: Sequence[Table]
    """The first one stands on the front page too, without anything to explain it: the figures that one looks for."""
    prose: str
    """Above the tables, as Markdown: what was tried, in words that a curator understands, one sentence a line."""
    flaws: Sequence[str] = ()
    """What the figures do not show, a sentence each."""


class Measures(Protocol):
    """A section's module."""

    TITLE: str

    def measure(self, material: Material) -> Section: ...


def module_of(name: str) -> Measures | None:
    """None where nobody has written it yet."""
    path = f"{__package__}.{name}"
    if find_spec(path) is None:
        return None
    found: Measures = import_module(path)
    return found
