"""The bundled aligner on the sample voices: words find their place, and score ill where they are not what is said."""

import csv
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

import loanword.samples
from corpus.audio import RATE_HZ
from corpus.speech.decoder import Decoder
from curation.alignment import PocketsphinxAligner

pytest.importorskip("pocketsphinx", reason="the extra asr is not installed")

SAMPLES = Path(loanword.samples.__file__).parent
SAID = "turn on the kitchen lights"


@pytest.fixture(scope="module")
def aligner() -> PocketsphinxAligner:
    return PocketsphinxAligner()


@pytest.fixture(scope="module")
def spoken(decoder: Decoder) -> dict[str, NDArray[np.int16]]:
    """Samples by what is said in them."""
    with (SAMPLES / "manifest.csv").open(encoding="utf-8", newline="") as rows:
        return {
            row["transcript"]: np.frombuffer(
                decoder.decode((SAMPLES / row["file"]).read_bytes(), timedelta(seconds=20)).pcm, np.int16
            )
            for row in csv.DictReader(rows)
            if row["transcript"]
        }


def test_each_word_has_its_place_in_the_clip(
    aligner: PocketsphinxAligner, spoken: dict[str, NDArray[np.int16]]
) -> None:
    clip = spoken[SAID]

    [found] = aligner.align(clip, [SAID])

    assert found is not None
    assert [word.text for word in found.words] == SAID.split()
    times = [time for word in found.words for time in (word.start_s, word.end_s)]
    assert times == sorted(times)
    assert 0 <= times[0] < times[-1] <= len(clip) / RATE_HZ


def test_silence_before_the_words_moves_them(
    aligner: PocketsphinxAligner, spoken: dict[str, NDArray[np.int16]]
) -> None:
    clip = spoken[SAID]
    hiss = np.random.default_rng(1).integers(-20, 20, RATE_HZ, dtype=np.int16)

    [before], [after] = aligner.align(clip, [SAID]), aligner.align(np.concatenate([hiss, clip]), [SAID])

    assert before is not None
    assert after is not None
    moved = [late.end_s - early.end_s for early, late in zip(before.words, after.words, strict=True)]
    assert np.median(moved) == pytest.approx(1.0, abs=0.05)


def test_what_is_said_fits_better_than_what_is_not(
    aligner: PocketsphinxAligner, spoken: dict[str, NDArray[np.int16]]
) -> None:
    said = [text for text in spoken if text.replace("'", "").replace(" ", "").isalpha()]
    others = said[1:] + said[:1]

    better = 0
    for right, wrong in zip(said, others, strict=True):
        fits, fails = aligner.align(spoken[right], [right, wrong])
        better += fits is not None and (fails is None or fits.score > fails.score)

    assert better >= 0.9 * len(said)


def test_a_word_that_no_dictionary_has_is_found_too(
    aligner: PocketsphinxAligner, spoken: dict[str, NDArray[np.int16]]
) -> None:
    [found] = aligner.align(spoken[SAID], ["turn on the kitschen lites"])

    assert found is not None
    assert found.words[3].text == "kitschen"


@pytest.mark.parametrize(
    ("samples", "label"),
    [
        pytest.param(np.zeros(0, np.int16), "hello", id="no-audio"),
        pytest.param(np.zeros(100, np.int16), "hello", id="less-than-a-frame"),
        pytest.param(np.zeros(8000, np.int16), "hello " * 200, id="more-words-than-time"),
        pytest.param(np.zeros(8000, np.int16), "'", id="no-letters"),
    ],
)
def test_what_cannot_have_been_said_is_not_aligned(
    aligner: PocketsphinxAligner, samples: NDArray[np.int16], label: str
) -> None:
    assert aligner.align(samples, [label]) == [None]


def test_words_of_other_clips_are_forgotten(spoken: dict[str, NDArray[np.int16]]) -> None:
    forgetful = PocketsphinxAligner(coined_most=1)
    for coined in ("zibbog", "zobbig"):
        forgetful.align(spoken[SAID], [coined])

    [found] = forgetful.align(spoken[SAID], [SAID])

    assert found is not None
    assert forgetful.coined == 0
