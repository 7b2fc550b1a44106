"""How sure a transcript is, and how many shall hear its clip."""

from dataclasses import replace

import pytest

from curation.alignment import AlignedWord, Alignment
from curation.confidence import SURE, Evidence, confidence, differing, over_others, reviews_wanted


def alignment(*, score: float = 0.2, worst: float = -1.0, outside: float = 0.05, is_whole: bool = True) -> Alignment:
    return Alignment((AlignedWord("stop", 0.1, 0.5, score),), score, worst, 20.0, outside, is_whole)


FITS = alignment()


def test_where_nothing_was_checked_nobody_can_tell() -> None:
    assert confidence(Evidence()) is None


@pytest.mark.parametrize(
    "worse",
    [
        pytest.param(Evidence(alignment(worst=-6.0), was_aligned=True, differing=0.0), id="a-stretch-fits-worse"),
        pytest.param(Evidence(alignment(outside=0.9), was_aligned=True, differing=0.0), id="speech-left-over"),
        pytest.param(Evidence(alignment(is_whole=False), was_aligned=True, differing=0.0), id="a-word-has-no-place"),
        pytest.param(Evidence(None, was_aligned=True, differing=0.0), id="no-word-has-a-place"),
        pytest.param(Evidence(FITS, was_aligned=True, differing=0.2), id="heard-otherwise"),
        pytest.param(Evidence(FITS, was_aligned=True), id="heard-by-nobody-else"),
        pytest.param(
            Evidence(FITS, was_aligned=True, differing=0.2, over_others=-20.0), id="the-others-words-fit-better"
        ),
    ],
)
def test_what_speaks_against_a_transcript_makes_it_less_sure(worse: Evidence) -> None:
    best, less = confidence(Evidence(FITS, was_aligned=True, differing=0.0)), confidence(worse)

    assert best is not None
    assert less is not None
    assert 0 < less < best < 1


def test_whose_words_fit_better_is_believed() -> None:
    hard = Evidence(alignment(worst=-3.0), was_aligned=True, differing=0.2)
    wins, loses = (confidence(replace(hard, over_others=nats)) or 0.0 for nats in (30.0, -30.0))

    assert wins >= SURE > loses
    assert over_others(FITS, [replace(FITS, total=50.0), None, replace(FITS, total=10.0)]) == -30.0
    assert over_others(FITS, [None]) == 0.0


@pytest.mark.parametrize("differs", [0.0, 1.0])
def test_another_recogniser_is_believed_without_an_aligner(differs: float) -> None:
    sure = confidence(Evidence(differing=differs))

    assert sure is not None
    assert (sure >= SURE) == (differs == 0)


@pytest.mark.parametrize(
    ("heard", "expected"),
    [
        pytest.param(["turn on the lights"], 0.0, id="the-same"),
        pytest.param(["turn off the lights"], 0.25, id="one-word"),
        pytest.param(["turn the lights"], 0.25, id="one-less"),
        pytest.param(["please turn on the lights"], 0.25, id="one-more"),
        pytest.param(["nothing alike", "turn on the light"], 0.25, id="the-nearest"),
        pytest.param([""], 1.0, id="nothing"),
    ],
)
def test_words_that_differ_are_counted_for_each_word(heard: list[str], expected: float) -> None:
    assert differing("turn on the lights", heard) == expected


@pytest.mark.parametrize(
    ("sure", "doubtful", "is_sampled", "wanted"),
    [
        pytest.param(0.9, 2, False, 1, id="sure"),
        pytest.param(0.9, 2, True, 2, id="sure-and-sampled"),
        pytest.param(0.1, 2, False, 2, id="doubtful"),
        pytest.param(0.1, 1, False, 1, id="doubtful-with-one-curator"),
        pytest.param(0.9, 1, True, 1, id="sampled-with-one-curator"),
        pytest.param(None, 2, True, 1, id="not-checked"),
    ],
)
def test_the_doubtful_and_the_sampled_are_heard_twice(
    sure: float | None, doubtful: int, is_sampled: bool, wanted: int
) -> None:
    assert reviews_wanted(sure, doubtful, is_sampled=is_sampled) == wanted
