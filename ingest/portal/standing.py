"""Decides how a person stands with us, from how their purposes stand. Pure."""

from collections.abc import Sequence
from enum import StrEnum

from corpus.consent import GRANTS
from corpus.words import ConsentAct, Purpose
from ingest.give_consent import PurposeState
from ingest.withdraw import with_dependents


class Standing(StrEnum):
    """How a person stands with us. Each has a first screen of its own."""

    NOT_ASKED = "not_asked"
    LENDING = "lending"
    RUN_OUT = "run_out"
    TAKEN_BACK = "taken_back"


def standing_of(states: Sequence[PurposeState]) -> Standing:
    """By `collect` alone: without it there is nothing."""
    collect = next(state for state in states if state.purpose is Purpose.COLLECT)
    if collect.in_force:
        return Standing.LENDING
    if collect.act is ConsentAct.WITHDRAWN:
        return Standing.TAKEN_BACK
    return Standing.RUN_OUT if collect.act in GRANTS else Standing.NOT_ASKED


def goes_with(purpose: Purpose, states: Sequence[PurposeState]) -> list[Purpose]:
    """What else ends, of all that is in force, when this purpose is taken back."""
    gone = with_dependents([purpose]) - {purpose}
    return [state.purpose for state in states if state.purpose in gone and state.in_force]
