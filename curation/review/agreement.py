"""Decides what the judgements of a clip come to: a label, a rejection, a dispute, or another opinion. Pure.

A judgement agrees with another that rejects as well, whatever the reason, or that accepts with the same words once both
are brought into the alphabet. One agreement settles a clip that wanted two; after three that all differ nobody knows.
"""

from enum import StrEnum

from corpus.words import Decision, RejectReason

JUDGEMENTS_MOST = 3
"""Two, and one to decide between them: whom three people hear three ways, a fourth would not hear better."""

SETTLES_ALONE = frozenset({RejectReason.CHILD_OR_BYSTANDER, RejectReason.PERSONAL_DATA, RejectReason.SECOND_SPEAKER})
"""One curator is enough to take a clip out for the sake of those who are heard in it: no second person shall listen."""


class Ending(StrEnum):
    """What became of a clip with its latest judgement."""

    OPEN = "open"
    ACCEPTED = "accepted"
    REJECTED = "rejected"
    DISPUTED = "disputed"


def ending(decision: Decision, reason: RejectReason | None, *, wanted: int, agreeing: int, differing: int) -> Ending:
    """After the latest judgement, where so many earlier ones agree with it and so many do not. `wanted` agree at last.

    Earlier ones differ from each other, or they would have settled the clip.
    """
    settled = Ending.ACCEPTED if decision is Decision.ACCEPT else Ending.REJECTED
    if reason in SETTLES_ALONE or 1 + agreeing >= wanted:
        return settled
    return Ending.DISPUTED if 1 + agreeing + differing >= JUDGEMENTS_MOST else Ending.OPEN
