"""Where requests bring an upload: the threads that admit and record, and the memory for the bodies on their way."""

from functools import partial

from corpus.collaborators import Collaborators
from corpus.crew import Crew
from ingest.body import UploadMemory
from ingest.record_utterance import Admission, Announced, Arrived, Recorded, admit_each, record_each

TOGETHER = 32
"""How many uploads at most share one turn. As many bodies wait for the last of their turn."""


class Desk:
    """One a process: it counts the bodies that the process holds."""

    def __init__(self) -> None:
        self.memory = UploadMemory()
        self._crews: _Crews | None = None

    async def admit(self, house: Collaborators, announced: Announced) -> Admission:
        return await self._crews_of(house).admitting.ask(announced)

    async def record(self, house: Collaborators, arrived: Arrived) -> Recorded:
        return await self._crews_of(house).recording.ask(arrived)

    def _crews_of(self, house: Collaborators) -> "_Crews":
        """Made for the first request, which is the first to bring the collaborators."""
        if self._crews is None or self._crews.house is not house:
            self._crews = _Crews(house)
        return self._crews


class _Crews:
    """Few threads where all wait for one disk, and many where each waits for a network."""

    def __init__(self, house: Collaborators) -> None:
        self.house = house
        embedded = house.is_embedded
        self.admitting = Crew(
            partial(admit_each, house), threads=1 if embedded else 8, at_once=TOGETHER if embedded else 1
        )
        self.recording = Crew(
            partial(record_each, house), threads=4 if embedded else 24, at_once=TOGETHER if embedded else 1
        )
