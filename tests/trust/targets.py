"""Every promise that is measured, in words for whoever lends a voice, and what measures it."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from corpus.speech.decoder import Decoder
from tests.trust.canaries import measure_whole_lives
from tests.trust.effort import measure_effort
from tests.trust.flips import measure_flips
from tests.trust.gates import measure_gates
from tests.trust.grounds import Ground
from tests.trust.interleavings import KINDS, measure_interleavings
from tests.trust.leaving import measure_copies, measure_erasing
from tests.trust.long_ledger import measure_audit
from tests.trust.recalls import measure_recalls
from tests.trust.refusals import measure_refusals
from tests.trust.residue import measure_residue
from tests.trust.results import Result
from tests.trust.resurrection import measure_resurrection
from tests.trust.stopping import measure_stopping
from tests.trust.tampering import measure_tampering


@dataclass(frozen=True, slots=True)
class Setting:
    """What a measurement runs on."""

    ground: Ground
    decoder: Decoder


Measure = Callable[[Setting, int, int], Iterator[Result]]
"""Given the setting, n and the seed."""


@dataclass(frozen=True, slots=True)
class Target:
    """One promise. Without `measure` it is listed as not measured, with the reason."""

    number: str
    promise: str
    measure: Measure | None = None
    n: int = 0
    """As many tries as the report makes, on each ground."""
    unit: str = ""
    """What n counts."""
    why_not: str = ""


def flips(setting: Setting, n: int, seed: int) -> Iterator[Result]:
    yield measure_flips(setting.ground, n, seed)


def refusals(setting: Setting, n: int, seed: int) -> Iterator[Result]:
    yield measure_refusals(setting.ground, n, seed)


def interleavings(setting: Setting, n: int, seed: int) -> Iterator[Result]:
    for kind in KINDS:
        yield measure_interleavings(setting.ground, setting.decoder, kind, n, seed)


def stopping(setting: Setting, n: int, seed: int) -> Iterator[Result]:
    yield measure_stopping(setting.ground, n, seed)


def effort(setting: Setting, n: int, seed: int) -> Iterator[Result]:
    yield from measure_effort(setting.ground, n, seed)


def erasing(setting: Setting, n: int, seed: int) -> Iterator[Result]:
    yield measure_erasing(setting.ground, n, seed)


def copies(setting: Setting, n: int, seed: int) -> Iterator[Result]:
    yield measure_copies(setting.ground, n, seed)
    yield measure_recalls(setting.ground, CLIPS_A_COPY * n, seed)


def resurrection(setting: Setting, n: int, seed: int) -> Iterator[Result]:
    yield measure_resurrection(setting.ground, n, seed)


def residue(setting: Setting, n: int, seed: int) -> Iterator[Result]:
    yield measure_whole_lives(setting.ground, setting.decoder, n, seed)
    yield measure_residue(setting.ground, setting.decoder, n, seed)


def gates(setting: Setting, n: int, seed: int) -> Iterator[Result]:
    yield from measure_gates(setting.ground, setting.decoder, n, seed)


def tampering(setting: Setting, n: int, seed: int) -> Iterator[Result]:
    yield measure_tampering(setting.ground, n, seed)
    yield measure_audit(setting.ground, AUDITED_EVENTS, seed)


AUDITED_EVENTS = 100_000
CLIPS_A_COPY = 250
"""A release of 5,000 clips is cut anew where 20 copies are followed."""

GATES = "gates"

TARGETS: Sequence[Target] = (
    Target(
        "1",
        "Whoever holds a release can check every byte of it, and no change goes unnoticed.",
        flips,
        1000,
        "changed bytes",
    ),
    Target(
        "2",
        "Without your consent, nothing that a device sends is kept.",
        refusals,
        200,
        "uploads of each of seven kinds: 1,400",
    ),
    Target(
        "3",
        "From the moment in which you take your voice back, nothing more is done with it, whatever is under way.",
        interleavings,
        84,
        "races with each of six kinds of work: 504",
    ),
    Target(
        "4",
        "Within a second of taking your voice back, no address of the server gives it away, however busy it is.",
        stopping,
        200,
        "withdrawals",
    ),
    Target(
        "5",
        "Taking your voice back is no more work than lending it.",
        effort,
        5,
        "newcomers, in a real browser",
    ),
    Target(
        "6",
        "Somebody with a thousand recordings is erased, and the release is there again without them, within minutes.",
        erasing,
        1000,
        "clips of one account",
    ),
    Target(
        "7",
        "When you have taken your voice back, no trace of what you said is left, wherever one looks.",
        residue,
        50,
        "people",
    ),
    Target(
        "8",
        "No backup brings a voice back that was taken back after it was made.",
        resurrection,
        50,
        "people",
    ),
    Target(
        "9",
        "What you agreed to cannot be rewritten unseen, not even by whoever runs the database.",
        tampering,
        1000,
        "tamperings; and an audit of 100,000 consent events",
    ),
    Target(
        "24",
        "Copies that others hold of a release lose who left, and say so; what was replaced is given out no more.",
        copies,
        20,
        "copies",
    ),
    Target(
        GATES,
        "Each place where a voice is used asks for your consent itself, and a test would notice if one no longer did.",
        gates,
        1,
        "tries of each gate, with it and without it",
    ),
)
