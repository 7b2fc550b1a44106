"""Where requests bring an upload: the threads that admit and record, and the memory for the bodies on their way."""

from functools import partial

from corpus.collaborators import Collaborators
from corpus.crew import Crew
from ingest.body import UploadMemory
from ingest.record_utterance import Admission, Announced, Arrived, Recorded, admit_each, record_each

TOGETHER = 32
"""How many uploads at most share one turn. As many bodies wait for the last of their turn."""

ADMITTING, RECORDING = 8, 24
"""Threads that each wait for a network, one upload each: together no more than the database has connections."""


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
            self._crews = _Crews(house, self.memory)
        return self._crews


class _Crews:
    """The threads for one set of collaborators."""

    def __init__(self, house: Collaborators, memory: UploadMemory) -> None:
        self.house = house
        admit, record = partial(admit_each, house), partial(record_each, house)
        if house.is_embedded:
            self.admitting = Crew(admit, threads=1, at_once=TOGETHER)
            # One disk and one writer: more threads than one would wait for the same, and for each other.
            self.recording = Crew(record, threads=1, at_once=TOGETHER, expected=lambda: memory.bodies)
        else:
            self.admitting = Crew(admit, threads=ADMITTING, at_once=1)
            self.recording = Crew(record, threads=RECORDING, at_once=1)
