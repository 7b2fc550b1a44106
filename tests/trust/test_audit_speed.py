"""An audit of a hundred thousand consent events takes less than five seconds (TRUST target 9): here a tenth of both."""

import time

import pytest

from corpus.audit import audit
from corpus.collaborators import Collaborators
from tests.trust.long_ledger import WITHIN_S, write_ledger

SHARE = 0.1
EVENTS = round(100_000 * SHARE)


@pytest.mark.slow
def test_an_audit_of_ten_thousand_events_takes_less_than_half_a_second(house: Collaborators) -> None:
    """Of the processor, so that what else this machine does is not counted. The report has it in full, by the clock."""
    write_ledger(house, events=EVENTS)

    began = time.process_time()
    report = audit(house)
    took_s = time.process_time() - began

    assert report.fault is None
    assert report.events == EVENTS
    assert took_s < WITHIN_S * SHARE
