"""Whatever is changed in the ledger behind our back, an audit finds; what nobody changed, it passes."""

from corpus.audit import audit
from corpus.collaborators import Collaborators
from tests.trust.tampering import TAMPERINGS, live, tampered

TIMES_EACH = 3


def test_an_audit_finds_every_tampering_with_the_ledger(house: Collaborators) -> None:
    live(house, seed=1)

    reports = list(tampered(house, TIMES_EACH * len(TAMPERINGS), seed=2))

    assert [did for did, report in reports if report.fault is None] == []
    assert audit(house).fault is None


def test_an_audit_counts_what_it_looked_at(house: Collaborators) -> None:
    live(house, seed=1)

    report = audit(house)

    assert report.fault is None
    assert report.leaves == report.events + report.entries
    assert (report.entries, report.keys, report.lost) == (2, 1, 0)
    assert report.heads == report.copies > 12
    assert report.erased > 0
