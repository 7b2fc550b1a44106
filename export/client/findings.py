"""Collects what is wrong with a release: all of it counted, the first few named."""

from dataclasses import dataclass, field
from threading import Lock


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong, and in which file."""

    path: str
    fault: str

    def __str__(self) -> str:
        return f"{self.path}: {self.fault}"


@dataclass(slots=True)
class Findings:
    """Any thread may add to it."""

    limit: int
    named: list[Problem] = field(default_factory=list)
    count: int = 0
    _lock: Lock = field(default_factory=Lock)

    def add(self, path: str, *faults: str) -> None:
        if faults:
            with self._lock:
                self.count += len(faults)
                self.named.extend(Problem(path, fault) for fault in faults[: self.limit - len(self.named)])
