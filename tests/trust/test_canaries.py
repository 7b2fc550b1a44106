"""Nothing is left of whoever took their voice back (TRUST target 7), in small; and what is left would be found."""

import random
from datetime import timedelta

import pytest

from corpus.speech.decoder import Decoder
from corpus.tables import Release
from corpus.words import ReleaseId, ReleaseState, new_id
from tests.trust.canaries import Canary, measure_whole_lives, residue
from tests.trust.grounds import Ground


@pytest.mark.slow
def test_nothing_is_left_of_people_who_took_their_voice_back(ground: Ground, decoder: Decoder) -> None:
    result = measure_whole_lives(ground, decoder, n=2, seed=random.randrange(10**6))

    assert result.failures == []


def test_a_mark_is_found_wherever_it_stands(ground: Ground) -> None:
    canary = Canary.hatch(random.Random(1))
    mark = canary.said.removeprefix("play ")
    with ground.house() as house:
        house.store.put("voices/left", f"somebody said {mark}".encode())
        (house.settings.home / "a.log").write_text(f"refused: {mark}")
        with house.database.writing() as session:
            snapshot_at = house.clock() - timedelta(days=1)
            draft = Release(
                id=ReleaseId(new_id()), name="a", version="1", state=ReleaseState.DRAFT, snapshot_at=snapshot_at
            )
            draft.policy = mark
            session.add(draft)

        found = residue(ground, house, [canary], [house.settings.home])

    places = [each.partition(" holds ")[0] for each in found]
    assert "a.log" in places
    assert "dump.sql" in places
    assert {"object-0", "left"} & set(places)
