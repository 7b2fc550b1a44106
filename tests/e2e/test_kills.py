"""A server that dies at any moment loses nothing that it acknowledged."""

from pathlib import Path

import pytest

from tests.e2e import kills


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_a_dozen_kills_under_upload_lose_nothing_and_double_nothing(tmp_path: Path) -> None:
    tally = kills.run(12, tmp_path / "home", seed=12)

    assert tally.kills == 12
    assert tally.acknowledged > 12
    assert tally.cut_off >= 12
    assert tally.faults == []
