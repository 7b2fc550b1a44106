"""The one rule in words, one row a rule; the property test in `tests/integration/corpus` holds the SQL equal to it."""

from datetime import timedelta

import pytest

from corpus.consent import ConsentFact, consent_for_upload, in_force, may_use
from corpus.errors import (
    CapturedBeforeConsent,
    ConsentExpired,
    ConsentNotGiven,
    ConsentRefusal,
    ConsentWithdrawn,
    NoticeOutdated,
)
from corpus.words import ConsentAct, Purpose
from tests.factories import NOW

DAY = timedelta(days=1)


def fact(
    id: int,
    act: ConsentAct = ConsentAct.GIVEN,
    *,
    purpose: Purpose = Purpose.COLLECT,
    days: float = 0,
    lasts: float | None = None,
    uploads_end: float | None = None,
) -> ConsentFact:
    """An event `days` after NOW; `lasts` and `uploads_end` are days after NOW, too."""
    return ConsentFact(
        id,
        purpose,
        act,
        NOW + days * DAY,
        None if lasts is None else NOW + lasts * DAY,
        None if uploads_end is None else NOW + uploads_end * DAY,
    )


@pytest.mark.parametrize(
    ("facts", "error"),
    [
        pytest.param([], ConsentNotGiven, id="never asked"),
        pytest.param([fact(1, purpose=Purpose.REVIEW)], ConsentNotGiven, id="agreed to another purpose alone"),
        pytest.param([fact(1, ConsentAct.REFUSED)], ConsentNotGiven, id="refused"),
        pytest.param([fact(1), fact(2, ConsentAct.WITHDRAWN, days=1)], ConsentWithdrawn, id="withdrawn"),
        pytest.param([fact(1, lasts=1)], ConsentExpired, id="ran out by the clock"),
        pytest.param([fact(1), fact(2, ConsentAct.EXPIRED, days=1)], ConsentExpired, id="declared expired"),
        pytest.param([fact(1, uploads_end=3)], NoticeOutdated, id="the notice was replaced and the grace is over"),
        pytest.param([fact(1, days=2.5)], CapturedBeforeConsent, id="recorded before consent"),
        pytest.param(
            [fact(1), fact(2, ConsentAct.WITHDRAWN, days=2.2), fact(3, days=2.4)],
            CapturedBeforeConsent,
            id="recorded before a gap in consent",
        ),
        pytest.param(
            [fact(1, lasts=2.2), fact(2, ConsentAct.RENEWED, days=2.3)],
            CapturedBeforeConsent,
            id="renewed only after it had run out",
        ),
    ],
)
def test_an_upload_without_consent_in_force_since_the_capture_is_refused(
    facts: list[ConsentFact], error: type[ConsentRefusal]
) -> None:
    with pytest.raises(error):
        consent_for_upload(facts, captured_at=NOW + 2 * DAY, now=NOW + 3 * DAY)


def test_an_upload_rests_on_the_event_in_force_when_it_was_captured() -> None:
    facts = [fact(1, lasts=5), fact(2, ConsentAct.RENEWED, days=2)]

    base = consent_for_upload(facts, captured_at=NOW + DAY, now=NOW + 3 * DAY)

    assert base.id == 1


def test_a_return_after_withdrawal_does_not_bring_old_recordings_back() -> None:
    facts = [fact(1), fact(2, ConsentAct.WITHDRAWN, days=1), fact(3, days=2)]

    assert in_force(facts, Purpose.COLLECT, NOW + 3 * DAY)
    assert not may_use(facts, 1, NOW, Purpose.COLLECT, NOW + 3 * DAY)


@pytest.mark.parametrize("missing", [Purpose.COLLECT, Purpose.REVIEW, Purpose.PUBLISH])
def test_publishing_needs_collecting_and_reviewing_too(missing: Purpose) -> None:
    granted = [purpose for purpose in (Purpose.COLLECT, Purpose.REVIEW, Purpose.PUBLISH) if purpose is not missing]
    facts = [fact(number, purpose=purpose) for number, purpose in enumerate(granted, start=1)]

    assert not may_use(facts, 1, NOW, Purpose.PUBLISH, NOW)


def test_consent_ends_at_the_moment_it_expires() -> None:
    facts = [fact(1, lasts=1)]

    assert in_force(facts, Purpose.COLLECT, NOW + DAY - timedelta(microseconds=1))
    assert not in_force(facts, Purpose.COLLECT, NOW + DAY)
