"""A backup brings nobody back (TRUST target 8), in small."""

import pytest

from tests.trust.grounds import Ground
from tests.trust.resurrection import measure_resurrection


@pytest.mark.slow
def test_a_backup_brings_nobody_back(ground: Ground) -> None:
    result = measure_resurrection(ground, n=2, seed=1)

    assert result.failures == []
    assert "went again" in result.figure
