"""Without consent nothing is kept (TRUST target 2), in small; and the measurement itself can fail."""

import pytest

from tests.factories import make_lender
from tests.trust.grounds import Ground
from tests.trust.refusals import KINDS, Refusable, World, measure_refusals


@pytest.mark.slow
def test_nothing_is_kept_of_an_upload_without_consent(ground: Ground) -> None:
    result = measure_refusals(ground, n=2, seed=1)

    assert result.failures == []
    assert result.n == 2 * len(KINDS) == 14


def test_an_upload_that_is_kept_would_be_counted(embedded: Ground) -> None:
    def agreed(world: World, _chance: object) -> Refusable:
        return Refusable(make_lender(world.house).device_token, 403, "consent-not-given")

    result = measure_refusals(embedded, n=1, seed=1, kinds={"agreed": agreed})

    assert any("answered (201" in each for each in result.failures)
    assert any("utterances" in each for each in result.failures)
    assert any("/voices/" in each for each in result.failures)
