"""Transcripts are checked when clips are made, and the doubtful go to two curators."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import pytest
from numpy.typing import NDArray

from corpus.sealed import place
from corpus.tables import Alignment as AlignmentRow
from corpus.tables import Clip
from curation.alignment import AlignedWord, Alignment
from curation.examine import Workbench
from curation.worker import curate_batch
from tests.factories import Lender, make_lender, make_utterance, voice_key, wav

FITS = Alignment((AlignedWord("turn", 0.1, 0.4, 0.2), AlignedWord("on", 0.4, 0.6, 0.1)), 0.2, -0.3, 30.0, 0.0, True)
FITS_ILL = replace(FITS, score=-2.0, worst=-5.0, total=-200.0)


@dataclass
class Answering:
    """An aligner that gives one answer, and remembers what it was asked."""

    answer: Alignment | None
    asked: list[str] = field(default_factory=list)

    def align(self, samples: NDArray[np.int16], labels: Sequence[str]) -> list[Alignment | None]:
        assert len(samples)
        self.asked += labels
        return [self.answer for _ in labels]


def speech() -> bytes:
    """Loud enough for every stage, and as unlike a tone as noise is."""
    noise = np.random.default_rng(7).normal(0, 3000, 32_000)
    return wav(noise.clip(-30_000, 30_000).astype("<i2").tobytes())


def made(
    bench: Workbench,
    aligner: Answering | None,
    transcript: str | None,
    *,
    locale: str = "en-US",
    lender: Lender | None = None,
) -> tuple[Clip, AlignmentRow | None]:
    lender = lender or make_lender(bench.house)
    utterance_id = make_utterance(bench.house, lender, body=speech(), transcript=transcript, locale=locale)
    curate_batch(replace(bench, aligner=aligner), [utterance_id])
    with bench.house.database.reading() as session:
        clip = session.query(Clip).filter_by(utterance_id=utterance_id).one()
        return clip, session.get(AlignmentRow, clip.id)


@pytest.fixture
def bench(bench: Workbench) -> Workbench:
    """Nobody is asked twice by chance."""
    house = replace(bench.house, settings=bench.house.settings.model_copy(update={"second_review_share": 0.0}))
    return replace(bench, house=house)


def test_words_that_fit_are_kept_with_their_times_and_need_one_curator(bench: Workbench) -> None:
    aligner, lender = Answering(FITS), make_lender(bench.house)

    clip, row = made(bench, aligner, "Turn on!", lender=lender)

    assert aligner.asked == ["turn on"]
    assert row is not None
    assert (row.score, row.worst) == (0.2, -0.3)
    key = voice_key(bench.house, lender.account_id)
    words = json.loads(key.open(row.words, place("alignments.words", clip.id)))
    assert words == [["turn", 0.1, 0.4, 0.2], ["on", 0.4, 0.6, 0.1]]
    assert clip.confidence is not None
    assert clip.reviews_wanted == 1


@pytest.mark.parametrize(
    ("answer", "transcript"),
    [
        pytest.param(FITS_ILL, "turn on", id="fits-ill"),
        pytest.param(None, "turn on", id="fits-nowhere"),
        pytest.param(FITS, "!!!", id="nothing-to-check"),
    ],
)
def test_doubtful_words_need_two_curators(bench: Workbench, answer: Alignment | None, transcript: str) -> None:
    clip, _ = made(bench, Answering(answer), transcript)

    assert clip.confidence is not None
    assert clip.confidence < 0.5
    assert clip.reviews_wanted == 2


@pytest.mark.parametrize(
    ("aligner", "locale"),
    [pytest.param(None, "en-US", id="no-aligner"), pytest.param(Answering(FITS), "de-DE", id="another-language")],
)
def test_what_nothing_checked_needs_one_curator_as_ever(
    bench: Workbench, aligner: Answering | None, locale: str
) -> None:
    clip, row = made(bench, aligner, "halt", locale=locale)

    assert (clip.confidence, clip.reviews_wanted, row) == (None, 1, None)


def test_a_share_of_the_sure_ones_is_heard_twice(bench: Workbench) -> None:
    settings = bench.house.settings.model_copy(update={"second_review_share": 1.0})

    clip, _ = made(replace(bench, house=replace(bench.house, settings=settings)), Answering(FITS), "turn on")

    assert clip.reviews_wanted == 2


def test_where_there_is_one_curator_nothing_waits_for_another(bench: Workbench) -> None:
    settings = bench.house.settings.model_copy(update={"doubtful_reviews": 1, "second_review_share": 1.0})

    clip, _ = made(replace(bench, house=replace(bench.house, settings=settings)), Answering(FITS_ILL), "turn on")

    assert clip.reviews_wanted == 1
