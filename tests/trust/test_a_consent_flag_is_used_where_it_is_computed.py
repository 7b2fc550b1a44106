"""A voice assistant's backend once computed whether its owner had agreed, and the code that wrote never asked.

So each of our gates is tried alone, with the keys alive and the withdrawal right before it; and each is then taken out
of the source, to see that its own test would have noticed.
"""

import re

import pytest

from corpus.speech.decoder import Decoder
from tests.architecture.source import ROOT
from tests.trust.gates import GATES, Gate
from tests.trust.grounds import Ground
from tests.trust.mutants import Mutant, NoSuchGate

each_gate = pytest.mark.parametrize("gate", GATES, ids=lambda gate: gate.name.replace(" ", "-"))


@each_gate
def test_a_gate_alone_refuses_after_a_withdrawal(ground: Ground, decoder: Decoder, gate: Gate) -> None:
    with ground.house() as house:
        assert gate.leaks_in(house, decoder) == []


@each_gate
def test_without_that_one_gate_its_own_test_fails(embedded: Ground, decoder: Decoder, gate: Gate) -> None:
    with embedded.house() as house, gate.mutant.applied():
        assert gate.leaks_in(house, decoder) != []


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


def test_a_gate_that_is_not_where_its_mutant_looks_is_an_error() -> None:
    with pytest.raises(NoSuchGate), Mutant("ingest.record_utterance:admit", "consent.may_use").applied():
        pass


def test_a_mutant_leaves_the_house_as_it_was(embedded: Ground, decoder: Decoder) -> None:
    with GATES[0].mutant.applied():
        pass

    with embedded.house() as house:
        assert GATES[0].leaks_in(house, decoder) == []
