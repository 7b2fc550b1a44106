"""How much of the personal data in made-up sentences is found, and how many clean sentences are flagged."""

from collections import Counter
from collections.abc import Sequence

from benchmarks.curation.material import Material
from benchmarks.curation.section import Cell, Section, Table
from benchmarks.curation.sentences import made
from benchmarks.curation.sentences.said import Sentence
from corpus.words import PersonalKind
from curation.personal_data.find import find
from curation.personal_data.found import Found
from curation.personal_data.names import NameSpotter
from curation.personal_data.spacy_names import load_names

TITLE = "Personal data"

PROSE = """\
One sentence in two has something planted, as people say it: numbers as words, "at" and "dot", all in lower case.
*Found* is how many of these go to a person, because a span is proposed that touches what was planted.
*Whole* is how many need nothing marked by hand, because the spans cover every planted word.
The clean ones are commands and talk with tricky numbers: timers, times, years, prices, sums, songs and cities.
Sentences, names, streets and hosts are made up.
Those measured here share no template, name, street or host with those that the rules were tuned on, and group digits
in other ways.
"""

FLAWS = [
    "Who wrote the rules wrote the sentences of both halves. Real people have ways that neither thought of.",
    "The text is what was said. Where a recogniser hears a digit or a name wrongly, what is found is found in that.",
    "A town alone, a first name that is a common word (“will”, “hope”), and what a voice itself tells are not found.",
]

LOCALE = "en-US"


def measure(material: Material) -> Section:
    planted, clean = made.planted(material.half, material.seed), made.clean(material.half, material.seed)
    spotter = load_names()
    return Section(
        n=len(planted) + len(clean),
        prose=PROSE,
        tables=[_table(planted, clean, spotter, "With the extra `pii`:"), _table(planted, clean, None, "Without it:")],
        flaws=FLAWS,
    )


def _table(planted: Sequence[Sentence], clean: Sequence[Sentence], spotter: NameSpotter | None, caption: str) -> Table:
    many, found, whole = Counter[PersonalKind](), Counter[PersonalKind](), Counter[PersonalKind]()
    for sentence in planted:
        assert sentence.kind is not None
        claimed = _words(find(sentence.text, LOCALE, spotter))
        many[sentence.kind] += 1
        found[sentence.kind] += bool(claimed & sentence.planted)
        whole[sentence.kind] += sentence.planted <= claimed
    flagged = sum(bool(find(sentence.text, LOCALE, spotter)) for sentence in clean)
    rows: list[list[Cell]] = [
        [kind.value.replace("_", " "), many[kind], _percent(found[kind], many[kind]), _percent(whole[kind], many[kind])]
        for kind in made.SHARES
    ]
    return Table(
        ["", "n", "found, %", "whole, %"],
        [*rows, ["clean sentences flagged", len(clean), _percent(flagged, len(clean)), None]],
        caption,
    )


def _words(found: Sequence[Found]) -> set[int]:
    return {place for each in found for place in range(each.first, each.stop)}


def _percent(some: int, of: int) -> float:
    return round(100 * some / of, 1)
