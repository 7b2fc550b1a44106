"""Any changed byte of a pulled release is named (TRUST target 1), in small; and one that is not would be counted."""

import random
from pathlib import Path

import pytest

from tests.trust import flips
from tests.trust.flips import chosen, flipped, measure_flips, pulled_release
from tests.trust.grounds import Ground


@pytest.mark.slow
def test_any_changed_byte_of_a_release_is_named(ground: Ground) -> None:
    result = measure_flips(ground, n=12, seed=random.randrange(10**6))

    assert result.failures == []


def test_a_change_that_is_not_named_would_be_counted(embedded: Ground, tmp_path: Path) -> None:
    chance = random.Random(1)
    with embedded.house() as house:
        pulled_release(house, 5, chance, tmp_path / "release")
    [paper, *_] = chosen(tmp_path / "release", 5, chance)
    unchanged = {path: (at, 0) for path, (at, _) in paper.items()}

    assert len(flipped(tmp_path / "release", unchanged)) == 1
    assert flips.looked_at(tmp_path / "release").sound
