"""An audit of a hundred thousand consent events takes less than five seconds."""

import time

import pytest

from corpus.audit import audit
from corpus.collaborators import Collaborators
from tests.trust.long_ledger import WITHIN_S, write_ledger

EVENTS = 100_000


@pytest.mark.slow
@pytest.mark.timeout(300)  # writing them takes longer
def test_an_audit_of_a_hundred_thousand_events_takes_less_than_five_seconds(house: Collaborators) -> None:
    """Of the processor, so that what else this machine does is not counted. The report has it by the clock."""
    write_ledger(house, events=EVENTS)

    began = time.process_time()
    report = audit(house)
    took_s = time.process_time() - began

    assert report.fault is None
    assert report.events == EVENTS
    assert took_s < WITHIN_S
