"""What the figures are measured on. Also the example of a section."""

from collections import defaultdict
from collections.abc import Iterable

from benchmarks.curation.material import Material, Recording
from benchmarks.curation.section import Cell, Section, Table

TITLE = "What the figures are measured on"

PROSE = """\
Speech that people recorded for public collections, and noise of rooms and kitchens.
Thresholds were chosen on one half of the speakers, and the figures of this page come from the other half.
"""


def measure(material: Material) -> Section:
    by_source: defaultdict[str, list[Recording]] = defaultdict(list)
    for each in material.speech:
        by_source[each.source].append(each)
    speech = [_row(source, by_source[source]) for source in sorted(by_source)]
    return Section(
        n=len(material.speech),
        prose=PROSE,
        tables=[
            Table(
                ["of", "n", "speakers", "minutes"],
                [_row("speech", material.speech), ["noise", len(material.noise), None, _minutes(material.noise)]],
            ),
            Table(["speech from", "n", "speakers", "minutes"], speech),
        ],
        flaws=["Most speakers are American or British, and few recordings were made by a device in a kitchen."],
    )


def _row(source: str, of: Iterable[Recording]) -> list[Cell]:
    found = list(of)
    return [source, len(found), len({each.speaker for each in found}), _minutes(found)]


def _minutes(of: Iterable[Recording]) -> float:
    return round(sum(each.duration_s for each in of) / 60, 1)
