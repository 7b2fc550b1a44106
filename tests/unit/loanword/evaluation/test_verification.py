"""Voices are told apart by their embeddings, and an equal error rate says how often that goes wrong."""

import numpy as np
import pytest

from loanword.evaluation.verification import BackEnd, equal_error_rate
from loanword.evaluation.words import word_errors


@pytest.mark.parametrize(
    ("same", "different", "rate"),
    [
        pytest.param([0.8, 0.9], [0.1, 0.2], 0.0, id="told-apart"),
        pytest.param([0.1, 0.2], [0.8, 0.9], 1.0, id="always-mistaken"),
        pytest.param([0.1, 0.2, 0.3, 0.4], [0.1, 0.2, 0.3, 0.4], 0.5, id="a-coin"),
        pytest.param([0.5] * 10, [0.5] * 3, 0.5, id="no-difference-at-all"),
        pytest.param([0.3, 0.7, 0.8, 0.9], [0.1, 0.2, 0.3, 0.6], 0.25, id="one-of-four"),
        pytest.param([0.9], [0.1] * 99 + [0.95], 0.01, id="one-score-of-one-voice"),
    ],
)
def test_an_equal_error_rate(same: list[float], different: list[float], rate: float) -> None:
    assert equal_error_rate(np.array(same), np.array(different)) == pytest.approx(rate, abs=0.13)


def test_an_equal_error_rate_of_two_bells_is_that_of_theory() -> None:
    chance = np.random.default_rng(1)

    rate = equal_error_rate(chance.normal(2.0, 1.0, 20_000), chance.normal(0.0, 1.0, 20_000))

    assert rate == pytest.approx(0.1587, abs=0.01)  # the share of a normal distribution beyond one deviation


def test_a_trained_back_end_leaves_out_what_changes_within_a_voice() -> None:
    chance = np.random.default_rng(2)
    own = np.repeat(chance.normal(size=(40, 8)), 4, axis=0) + chance.normal(size=(160, 8)) * 0.1
    pieces = np.hstack([own, chance.normal(size=(160, 2)) * 20])
    speakers = [at for at in range(40) for _ in range(4)]
    trained = BackEnd.train(pieces[:120], speakers[:120], 1e-5)

    scores = trained.scores(pieces[120::4], pieces[121::4])

    assert np.argmax(scores, axis=0).tolist() == list(range(10))


@pytest.mark.parametrize(
    ("said", "heard", "errors"),
    [
        ("turn on the lights", "turn on the lights", 0),
        ("turn on the lights", "turn the light", 2),
        ("turn on the lights", "", 4),
        ("", "you", 1),
        ("a b c", "b c d", 2),
    ],
)
def test_words_that_were_heard_wrong_are_counted_at_their_fewest(said: str, heard: str, errors: int) -> None:
    assert word_errors(said.split(), heard.split()) == errors
