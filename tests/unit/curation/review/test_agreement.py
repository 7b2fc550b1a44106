"""What judgements come to: an agreement, a rejection, a dispute, or one opinion more."""

import pytest

from corpus.words import Decision, RejectReason
from curation.review.agreement import Ending, ending

ACCEPT, REJECT = Decision.ACCEPT, Decision.REJECT


@pytest.mark.parametrize(
    ("decision", "wanted", "agreeing", "differing", "ends"),
    [
        pytest.param(ACCEPT, 1, 0, 0, Ending.ACCEPTED, id="sure-and-accepted"),
        pytest.param(REJECT, 1, 0, 0, Ending.REJECTED, id="sure-and-rejected"),
        pytest.param(ACCEPT, 2, 0, 0, Ending.OPEN, id="doubtful-and-heard-once"),
        pytest.param(ACCEPT, 2, 1, 0, Ending.ACCEPTED, id="two-heard-the-same"),
        pytest.param(REJECT, 2, 1, 0, Ending.REJECTED, id="two-rejected"),
        pytest.param(ACCEPT, 2, 0, 1, Ending.OPEN, id="two-differ"),
        pytest.param(ACCEPT, 2, 1, 1, Ending.ACCEPTED, id="the-third-sides-with-one"),
        pytest.param(REJECT, 2, 1, 1, Ending.REJECTED, id="two-of-three-rejected"),
        pytest.param(ACCEPT, 2, 0, 2, Ending.DISPUTED, id="three-heard-three-things"),
        pytest.param(REJECT, 2, 0, 2, Ending.DISPUTED, id="two-transcripts-and-a-rejection"),
    ],
)
def test_curators_agree_or_another_is_asked(
    decision: Decision, wanted: int, agreeing: int, differing: int, ends: Ending
) -> None:
    reason = RejectReason.OTHER if decision is REJECT else None

    assert ending(decision, reason, wanted=wanted, agreeing=agreeing, differing=differing) is ends


@pytest.mark.parametrize(
    "reason", [RejectReason.CHILD_OR_BYSTANDER, RejectReason.PERSONAL_DATA, RejectReason.SECOND_SPEAKER]
)
def test_one_curator_is_enough_to_protect_somebody(reason: RejectReason) -> None:
    assert ending(REJECT, reason, wanted=2, agreeing=0, differing=1) is Ending.REJECTED
