"""What one measurement found."""

from collections.abc import Sequence
from dataclasses import dataclass

RULE_OF_THREE = 3
"""Where n tries brought no failure, the rate of failures is below 3/n with 95 % confidence.

(J. A. Hanley and A. Lippman-Hand, "If nothing goes wrong, is everything all right?", JAMA 249, 1983.)
"""


def bound(failures: int, n: int) -> str:
    """The rate of failures that n tries leave possible, in per cent; none where there were failures."""
    return "–" if failures or not n else f"{min(1.0, RULE_OF_THREE / n):.2%}".replace("%", " %")


@dataclass(frozen=True, slots=True)
class Result:
    """One target on one ground. `failures` says of each, in words, what went wrong."""

    target: str
    tried: str
    ground: str
    n: int
    seed: int
    failures: Sequence[str]
    figure: str = ""
    """What was measured beside the count, with its unit."""

    @property
    def bound(self) -> str:
        return bound(len(self.failures), self.n)
