"""What a recording's state is called."""

import pytest

from corpus.words import Decision, Outcome, RejectReason
from ingest.own.state import ClipState, Progress, state_of

KEPT = Progress(measured=True, outcome=Outcome.KEPT, may_be_reviewed=True)


@pytest.mark.parametrize(
    ("progress", "state"),
    [
        pytest.param(Progress(measured=False), ClipState.WAITING, id="just-arrived"),
        pytest.param(Progress(measured=True), ClipState.COMPARED, id="not-decided-yet"),
        pytest.param(Progress(True, Outcome.DROPPED, "too_short"), ClipState.DROPPED, id="dropped"),
        pytest.param(
            Progress(True, Outcome.DROPPED, "shared_across_accounts"), ClipState.QUARANTINED, id="somebody-else-s-too"
        ),
        pytest.param(Progress(True, Outcome.FAILED, "undecodable"), ClipState.FAILED, id="failed"),
        pytest.param(Progress(True, Outcome.KEPT), ClipState.KEPT, id="nobody-may-listen"),
        pytest.param(KEPT, ClipState.QUEUED, id="in-the-queue"),
        pytest.param(
            Progress(True, Outcome.KEPT, leased=True, may_be_reviewed=True), ClipState.IN_REVIEW, id="being-heard"
        ),
        pytest.param(
            Progress(True, Outcome.KEPT, decision=Decision.ACCEPT, may_be_reviewed=True),
            ClipState.ACCEPTED,
            id="accepted",
        ),
        pytest.param(
            Progress(True, Outcome.KEPT, None, Decision.REJECT, RejectReason.CUT_OFF), ClipState.REJECTED, id="rejected"
        ),
        pytest.param(
            Progress(True, Outcome.KEPT, None, Decision.REJECT, RejectReason.PERSONAL_DATA),
            ClipState.QUARANTINED,
            id="something-personal",
        ),
        pytest.param(
            Progress(True, Outcome.DROPPED, "duplicate", Decision.ACCEPT), ClipState.ACCEPTED, id="review-comes-last"
        ),
    ],
)
def test_the_state_is_where_the_way_has_come_to(progress: Progress, state: ClipState) -> None:
    assert state_of(progress) is state


def test_the_curators_reason_goes_before_the_stages() -> None:
    progress = Progress(True, Outcome.DROPPED, "duplicate", Decision.REJECT, RejectReason.CUT_OFF)

    assert progress.why() == "cut_off"
