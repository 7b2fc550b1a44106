"""What was published is called back from everybody who has it (TRUST target 24), in small."""

import random

import pytest

from tests.trust.grounds import Ground
from tests.trust.recalls import measure_recalls


@pytest.mark.slow
def test_a_published_voice_is_called_back_from_everybody(ground: Ground) -> None:
    result = measure_recalls(ground, n=40, seed=random.randrange(10**6))

    assert result.failures == []
