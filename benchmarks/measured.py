"""How a figure is taken and shown: rounds of ours and of the floor by turns, and the ratio pair by pair."""

import statistics
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Compared:
    """Rates of ours and of a floor, measured in turns (A B A B …), so that a machine's drift meets both."""

    ours: tuple[float, ...]
    floor: tuple[float, ...]

    @property
    def ratios(self) -> list[float]:
        return [a / b for a, b in zip(self.ours, self.floor, strict=True)]

    def line(self, unit: str) -> str:
        low, middle, high = min(self.ratios), statistics.median(self.ratios), max(self.ratios)
        return (
            f"ours {statistics.median(self.ours):.1f} {unit}, floor {statistics.median(self.floor):.1f} {unit}, "
            f"ratio {middle:.2f} (of {len(self.ratios)} rounds: {low:.2f} to {high:.2f})"
        )


def by_turns(ours: Callable[[], float], floor: Callable[[], float], rounds: int) -> Compared:
    """Runs both once uncounted, then by turns. Each call returns a rate."""
    floor(), ours()
    pairs = [(ours(), floor()) for _ in range(rounds)]
    return Compared(tuple(pair[0] for pair in pairs), tuple(pair[1] for pair in pairs))
