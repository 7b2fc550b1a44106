"""Who leaves a release is gone from it, and from its copies (TRUST targets 6 and 24), in small."""

import pytest

from tests.trust.grounds import Ground
from tests.trust.leaving import measure_copies, measure_erasing


@pytest.mark.slow
def test_an_account_is_erased_and_its_release_cut_anew(ground: Ground) -> None:
    assert measure_erasing(ground, 20, seed=1).failures == []


@pytest.mark.slow
def test_copies_lose_who_left_and_are_not_pulled_once_replaced(ground: Ground) -> None:
    assert measure_copies(ground, 2, seed=1).failures == []
