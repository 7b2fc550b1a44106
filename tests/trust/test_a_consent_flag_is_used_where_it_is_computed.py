"""A voice assistant's backend once computed whether its owner had agreed, and the code that wrote never asked.

So each of our gates is tried alone, with the keys alive and the withdrawal right before it; and each is then taken out
of the source, to see that its own test would have noticed.
"""

import re

import pytest

from corpus.speech.decoder import Decoder
from tests.architecture.source import ROOT, house, module
from tests.trust.gates import GATES, Gate
from tests.trust.grounds import Ground
from tests.trust.mutants import Mutant, NoSuchGate
from tests.trust.questions import askers

each_gate = pytest.mark.parametrize("gate", GATES, ids=lambda gate: gate.name.replace(" ", "-"))


@each_gate
def test_a_gate_alone_refuses_after_a_withdrawal(ground: Ground, decoder: Decoder, gate: Gate) -> None:
    with ground.house() as there:
        assert gate.leaks_in(there, decoder) == []


@each_gate
def test_without_that_one_gate_its_own_test_fails(embedded: Ground, decoder: Decoder, gate: Gate) -> None:
    with embedded.house() as there, gate.mutant.applied():
        assert gate.leaks_in(there, decoder) != []


def gates_of_the_architecture() -> dict[str, str]:
    """What the table of gates names, and where it says that each stands."""
    text = (ROOT / "ARCHITECTURE.md").read_text("utf-8")
    table = text.partition("| gate | where |")[2].partition("\n\n")[0]
    rows = re.findall(r"(?m)^\| ([^|]+) \| ([^|]+) \|$", table)
    return {name: where for names, where in rows for name in names.split(", ")}


def test_every_gate_of_the_architecture_has_a_mutant() -> None:
    told = gates_of_the_architecture()

    assert len(told) > 5
    assert {gate.row for gate in GATES} == set(told)


def test_every_gate_stands_where_the_architecture_says() -> None:
    told = gates_of_the_architecture()

    elsewhere = [
        str(gate.mutant)
        for gate in GATES
        if not any(str(gate.mutant).startswith(place) for place in re.findall(r"`([\w/.]+)", told[gate.row]))
    ]
    assert elsewhere == []


NO_GATES = {
    "curation.run:curate": "counts what waits, for the progress bar",
    "curation.run:_next_page": "names what waits; each claim asks again",
    "curation.run:_abandoned": "names what others left; each claim asks again",
    "curation.metrics:HouseNumbers._numbers": "counts for Prometheus, which is told of nobody",
    "benchmarks.growth.__main__:_asked": "times queries on rows that it made up",
    "curation.run:decide_duplicates": "names the sets that are open; each decision asks again",
    "curation.near_duplicates:compare_waiting": "names what is to be compared; each comparison asks again",
    "curation.rejudge:rejudge": "names what is stale; each commit asks again",
    "curation.report.count:count_clips": "sums up clips for the report, which tells of nobody",
    "curation.report.count:days": "the same, by day",
    "curation.report.count:reviews": "the same, of judgements",
    "curation.report.count:sets": "the same, of sets of equal audio",
    "curation.report.count:speakers": "sums up what people told of themselves, of eleven or more",
    "curation.report.count:waits": "counts what waits",
    "curation.review.review:next_clip": "finds a candidate; the lease asks again",
    "curation.review.review:clip_to_judge": "finds the clip before its key is unwrapped; the judgement asks again",
    "export.archive:_withdrawn_or_broken": "tells after a failure whether it was a withdrawal",
    "export.build:_draft": "discards a draft that someone has left; shards and finish ask again",
    "export.recut:_make": "asks before it tells the ledger; the last step asks again",
    "export.recut:entomb_expired": "finds who has left without a word; what it takes out is looked at again",
    "export.snapshot:_labels": "reads labels to choose from; the snapshot asks again",
    "export.snapshot:plan_release": "a dry run: writes nothing, stores nothing",
    "ingest.own.clips:recording": "finds the recording; `still_usable` asks again once its bytes are in hand",
    "ingest.own.clips:described": "tells a person what became of their own recordings",
    "ingest.own.clips:clips_page": "a person's list of their own: what a page shows was asked in its own transaction",
    "ingest.own.clips:one_clip": "the same for one",
    "ingest.portal.closing:_show": "counts, for the owner's page",
    "ingest.portal.deleting:_chosen": "names what its owner wants deleted; deleting asks whose it is, under their lock",
    "loanword.commands.operating:withdraw_account": "counts, for a dry run, what a withdrawal would erase",
    "ingest.portal.first_screen:_show": "counts, for the owner's page",
    "ingest.transparency.count:count": "sums up lengths for the numbers page, which tells of nobody",
    "ingest.take_home:take_home": "counts what there is to take",
    "ingest.take_home:_recordings": "names a batch of one's own; each recording asks again",
}
"""Who asks the rule and is no gate, and why not."""


def test_whoever_asks_the_rule_is_a_gate_or_says_why_not() -> None:
    gates = {place for gate in GATES for place in (gate.moment.function, gate.mutant.function)}

    found = askers(house())

    assert found - gates == set(NO_GATES), "give it a gate in tests/trust/gates.py, or say in NO_GATES why it is none"


def test_who_asks_by_way_of_others_is_found() -> None:
    modules = [
        module("a/queries.py", "from corpus.queries import usable_clips\ndef some(session): return usable_clips()"),
        module("a/use.py", "from a import queries\ndef ask(house):\n    with house.reading() as s: queries.some(s)"),
        module("a/other.py", "from a import use\ndef call(house): use.ask(house)"),
    ]

    assert askers(modules) == {"a.use:ask"}


def test_a_gate_that_is_not_where_its_mutant_looks_is_an_error() -> None:
    with pytest.raises(NoSuchGate), Mutant("ingest.record_utterance:admit", "consent.may_use").applied():
        pass


def test_a_mutant_leaves_the_house_as_it_was(embedded: Ground, decoder: Decoder) -> None:
    with GATES[0].mutant.applied():
        pass

    with embedded.house() as there:
        assert GATES[0].leaks_in(there, decoder) == []
