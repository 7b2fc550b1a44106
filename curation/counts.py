"""What a curation run counts: all that was seen ended kept, dropped for a reason, or failed with an error."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class BatchCounts:
    """What became of one batch, before the whole set was looked at."""

    passed: int = 0
    dropped: Counter[str] = field(default_factory=Counter)
    failed: Counter[str] = field(default_factory=Counter)
    withdrawn: int = 0
    """No longer usable when it was claimed or committed: nothing was recorded."""
    postponed: int = 0
    """Something was out of reach for a moment: nothing was recorded, and a later run tries again."""
    elsewhere: int = 0
    """Another worker was faster, or is at it."""
    audio_s: float = field(default=0.0, compare=False)
    """The length of what was decoded."""
    seconds: Mapping[str, float] = field(default_factory=dict, compare=False)
    """What each step took in its worker, by the wall clock."""

    @property
    def total(self) -> int:
        seen = self.passed + self.dropped.total() + self.failed.total()
        return seen + self.withdrawn + self.postponed + self.elsewhere

    def __add__(self, other: "BatchCounts") -> "BatchCounts":
        return BatchCounts(
            passed=self.passed + other.passed,
            dropped=self.dropped + other.dropped,
            failed=self.failed + other.failed,
            withdrawn=self.withdrawn + other.withdrawn,
            postponed=self.postponed + other.postponed,
            elsewhere=self.elsewhere + other.elsewhere,
            audio_s=self.audio_s + other.audio_s,
            seconds={
                step: self.seconds.get(step, 0.0) + other.seconds.get(step, 0.0)
                for step in {**self.seconds, **other.seconds}
            },
        )


@dataclass(frozen=True, slots=True)
class SetCounts:
    """What became of clips when the sets of equal audio were decided."""

    kept: int = 0
    dropped: Counter[str] = field(default_factory=Counter)
    redecided: int = 0
    """Decided before, and otherwise: a copy came in, or a voice was withdrawn."""

    def __add__(self, other: "SetCounts") -> "SetCounts":
        return SetCounts(
            kept=self.kept + other.kept,
            dropped=self.dropped + other.dropped,
            redecided=self.redecided + other.redecided,
        )


@dataclass(frozen=True, slots=True)
class CurationCounts:
    """A whole run. What an earlier run left undecided is seen by the run that decides it."""

    batches: BatchCounts
    sets: SetCounts
    rejudged: int = 0
    """Clips of earlier runs whose measures or rules had changed; not among those seen."""

    @property
    def kept(self) -> int:
        return self.sets.kept

    @property
    def dropped(self) -> Counter[str]:
        """By reason."""
        return self.batches.dropped + self.sets.dropped

    @property
    def failed(self) -> Counter[str]:
        """By error."""
        return self.batches.failed

    @property
    def seen(self) -> int:
        return self.kept + self.dropped.total() + self.failed.total()
