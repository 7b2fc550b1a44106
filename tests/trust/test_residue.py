"""Nothing of who left is found anywhere, and the search would find it."""

import random

from corpus.speech.decoder import Decoder
from tests.trust.grounds import Ground
from tests.trust.residue import MovableClock, leave, live, markers_of, measure_residue, residue


def test_nothing_is_left_of_who_left(ground: Ground, decoder: Decoder) -> None:
    result = measure_residue(ground, decoder, 4, seed=7)

    assert result.failures == []


def test_the_search_finds_all_that_is_there_before_anybody_leaves(ground: Ground, decoder: Decoder) -> None:
    """In files and objects, in rows, and what only a release holds in the clear."""
    with ground.house(MovableClock()) as house:
        canaries = live(house, decoder, 2, random.Random(8))

        found = residue(ground, house, markers_of(canaries))

    kinds = {line.split()[0] for line in found}
    assert {"audio", "words", "account", "utterance", "pcm", "body", "clip"} <= kinds


def test_the_search_finds_one_planted_byte_string(embedded: Ground, decoder: Decoder) -> None:
    clock = MovableClock()
    with embedded.house(clock) as house:
        canaries = live(house, decoder, 2, random.Random(9))
        leave(house, clock, canaries)
        nonce = next(value for what, value in canaries[0].sealed.items() if what.startswith("words"))
        (house.settings.home / "forgotten.tmp").write_bytes(b"..." + nonce + b"...")

        found = residue(embedded, house, markers_of(canaries))

    assert len(found) == 1
    assert found[0].endswith("in the file forgotten.tmp")
