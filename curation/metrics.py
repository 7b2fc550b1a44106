"""What curation tells Prometheus: counts and times of a run, and how the whole house stands. No label tells of anybody.

A run's numbers grow while it lives (`CurationMetrics`); those of the house are read from its tables when they are asked
for, once a minute at most (`HouseNumbers`).
"""

import threading
import time
from collections.abc import Iterator

import structlog
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from corpus.collaborators import Collaborators
from corpus.errors import Transient
from curation import queries
from curation.counts import BatchCounts, SetCounts

COUNTED_EVERY_S = 60.0

STEP_BUCKETS_S = (0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0, 100.0, 300.0)
"""A step of one batch: from a commit of a few rows to a large model over 32 long clips."""

UNDECIDED = "undecided"
"""The outcome of a clip that waits for the decision over all of the same audio."""

log = structlog.get_logger()


class CurationMetrics:
    """The numbers of one process that runs curation."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._clips = Counter(
            "loanword_curation_clips", "Clips by how they ended, and why.", ["outcome", "reason"], registry=registry
        )
        self._unrecorded = Counter(
            "loanword_curation_unrecorded", "Recordings of which nothing was recorded.", ["why"], registry=registry
        )
        self._redecided = Counter(
            "loanword_curation_redecided", "Clips decided before, and otherwise now.", registry=registry
        )
        self._audio = Counter("loanword_curation_audio_seconds", "Length of what was decoded.", registry=registry)
        self._steps = Histogram(
            "loanword_curation_step_seconds",
            "What one step of one batch took in its worker.",
            ["step"],
            registry=registry,
            buckets=STEP_BUCKETS_S,
        )
        self._waiting = Gauge(
            "loanword_curation_waiting", "Recordings that this run has still to do.", registry=registry
        )

    def batch(self, counts: BatchCounts) -> None:
        """One batch is done."""
        for reason, number in counts.dropped.items():
            self._clips.labels("dropped", reason).inc(number)
        for error, number in counts.failed.items():
            self._clips.labels("failed", error).inc(number)
        for why in ("withdrawn", "postponed", "elsewhere"):
            self._unrecorded.labels(why).inc(getattr(counts, why))
        for step, seconds in counts.seconds.items():
            self._steps.labels(step).observe(seconds)
        self._audio.inc(counts.audio_s)

    def sets(self, counts: SetCounts) -> None:
        """Sets of equal audio were decided."""
        self._clips.labels("kept", "").inc(counts.kept)
        for reason, number in counts.dropped.items():
            self._clips.labels("dropped", reason).inc(number)
        self._redecided.inc(counts.redecided)

    def progress(self, done: int, total: int) -> None:
        self._waiting.set(max(0, total - done))


class HouseNumbers(Collector):
    """How many recordings and clips stand where, whoever curates them. Of what may be used now alone."""

    def __init__(self, house: Collaborators) -> None:
        self._house = house
        self._turn = threading.Lock()
        self._counted: list[Metric] = []
        self._counted_at = float("-inf")

    def describe(self) -> Iterator[Metric]:
        """Nothing: or else registering would count."""
        return iter(())

    def collect(self) -> Iterator[Metric]:
        with self._turn:
            if time.monotonic() - self._counted_at > COUNTED_EVERY_S:
                self._counted, self._counted_at = self._count(), time.monotonic()
            yield from self._counted

    def _count(self) -> list[Metric]:
        reached = GaugeMetricFamily("loanword_database_up", "Whether the database could be asked.")
        try:
            numbers = self._numbers()
        except Transient as error:
            log.warning("not_counted", error=type(error).__name__)
            reached.add_metric([], 0)
            return [reached]
        reached.add_metric([], 1)
        return [reached, *numbers]

    def _numbers(self) -> list[Metric]:
        now = self._house.clock()
        with self._house.database.reading() as session:
            waiting, leased = queries.count_waiting(session, now), queries.count_leased(session, now)
            outcomes, unreviewed = queries.outcomes(session, now), queries.count_unreviewed(session, now)
        clips = GaugeMetricFamily("loanword_clips", "Clips by how they stand, and why.", labels=["outcome", "reason"])
        for (outcome, reason), number in outcomes.items():
            clips.add_metric([outcome.value if outcome else UNDECIDED, reason or ""], number)
        return [
            GaugeMetricFamily("loanword_recordings_waiting", "Recordings without a clip.", value=waiting),
            GaugeMetricFamily("loanword_recordings_leased", "Of these, those that somebody is at.", value=leased),
            GaugeMetricFamily("loanword_clips_unreviewed", "Kept clips that wait for a curator.", value=unreviewed),
            clips,
        ]
