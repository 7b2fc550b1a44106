"""What an erasure removed and why it was asked for, as its row keeps it. Pure; tells of no person."""

import json
from dataclasses import asdict, dataclass, replace
from enum import StrEnum


class Reason(StrEnum):
    """Why something is erased."""

    WITHDRAWN = "withdrawn"
    DELETED = "deleted"
    CLOSED = "closed"
    RETENTION = "retention"
    """A clock of the settings has run out."""


@dataclass(frozen=True, slots=True)
class Counts:
    """What went so far. `releases` are those that held a recording, each as `name version`."""

    reason: Reason = Reason.WITHDRAWN
    purposes: tuple[str, ...] = ()
    recordings: int = 0
    same_sound: int = 0
    """Of these recordings, how many went because they are the same sound as one that was named."""
    objects: int = 0
    rows: int = 0
    tombstones: int = 0
    releases: tuple[str, ...] = ()
    drafts: tuple[str, ...] = ()
    """Versions that held one and were never published: erased like the others, and told of to nobody."""
    leaves: tuple[str, ...] = ()
    """The leaves of the withdrawal's events. Here until the journal has them, as are `digests`."""
    digests: tuple[str, ...] = ()
    """Keyed, of the recordings that were deleted."""

    def plus(self, *, recordings: int = 0, objects: int = 0, rows: int = 0) -> "Counts":
        return replace(
            self, recordings=self.recordings + recordings, objects=self.objects + objects, rows=self.rows + rows
        )

    def journaled(self) -> "Counts":
        return replace(self, leaves=(), digests=())

    def as_json(self) -> str:
        filled = {name: value for name, value in asdict(self).items() if value not in (0, (), [])}
        return json.dumps(filled, sort_keys=True, separators=(",", ":"))

    @classmethod
    def from_json(cls, text: str) -> "Counts":
        told = json.loads(text)
        lists = {name: tuple(value) for name, value in told.items() if isinstance(value, list)}
        return cls(**{**told, **lists, "reason": Reason(told.get("reason", Reason.WITHDRAWN))})
