"""A withdrawal races everything that is done with a voice (TRUST target 3), in small; and a broken gate is noticed."""

import random

import pytest

from corpus.speech.decoder import Decoder
from tests.trust.gates import GATES
from tests.trust.grounds import Ground
from tests.trust.interleavings import KINDS, Kind, interleave, measure_interleavings

BY_NAME = {kind.name: kind for kind in KINDS}
each_kind = pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)


@each_kind
def test_after_a_withdrawal_nothing_more_is_done_with_a_voice(ground: Ground, decoder: Decoder, kind: Kind) -> None:
    result = measure_interleavings(ground, decoder, kind, n=3, seed=random.randrange(10**6))

    assert result.failures == []


def test_the_withdrawal_comes_at_many_moments(embedded: Ground, decoder: Decoder) -> None:
    tally = interleave(embedded, decoder, BY_NAME["upload"], n=24, seed=1)

    assert tally.ends.keys() == {"done", "refused"}
    assert len(set(map(tuple, tally.orders))) > 18


@pytest.mark.parametrize("name", ["upload", "review"])
def test_a_seed_gives_the_same_order_again(ground: Ground, decoder: Decoder, name: str) -> None:
    first, again = (interleave(ground, decoder, BY_NAME[name], n=3, seed=7).orders for _ in range(2))

    assert first == again


MISSED_WITHOUT = {
    "upload": "a recording is stored",
    "curation": "a clip is made of it",
    "review": "a curator accepts a clip",
    "build": "a release is finished",
    "publish": "a release is published",
    "download": "a download begins",
}


@each_kind
def test_without_a_gate_some_race_is_lost(embedded: Ground, decoder: Decoder, kind: Kind) -> None:
    [gate] = [gate for gate in GATES if gate.name == MISSED_WITHOUT[kind.name]]

    with gate.mutant.applied():
        lost = any(interleave(embedded, decoder, kind, n=6, seed=seed).failures for seed in range(10))

    assert lost
