"""Taking a voice back is no more work than lending it, and the count would notice if it were."""

import pytest

from tests.e2e.portal import Effort
from tests.trust.effort import faults, figure, measure_effort
from tests.trust.grounds import Ground


@pytest.mark.browser
def test_taking_back_is_no_more_work_than_lending(embedded: Ground) -> None:
    results = list(measure_effort(embedded, 1, seed=1))
    if not results:
        pytest.skip("no Chromium on this machine")

    assert results[0].failures == []
    assert results[0].figure == "to agree: 2 ticks and 1 click; to take back: 1 tick and 1 click"


@pytest.mark.parametrize(
    ("opting_in", "opting_out", "found"),
    [
        pytest.param(Effort(2, 1), Effort(1, 1), 0, id="less"),
        pytest.param(Effort(2, 1), Effort(2, 1), 0, id="as-much"),
        pytest.param(Effort(1, 1), Effort(2, 1), 1, id="more"),
        pytest.param(Effort(3, 1), Effort(0, 3), 1, id="too-many-clicks"),
    ],
)
def test_more_work_is_noticed(opting_in: Effort, opting_out: Effort, found: int) -> None:
    assert len(faults(opting_in, opting_out)) == found
    assert figure(Effort(2, 1), Effort(0, 2)) == "to agree: 2 ticks and 1 click; to take back: 0 ticks and 2 clicks"
