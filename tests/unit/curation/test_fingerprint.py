"""A fingerprint finds a clip again in another form, and says nothing of it without the secret."""

from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st

import loanword.samples
from curation.fingerprint import ASKED, GROUP_FRAMES, KEPT, ORDERS, PATCH_FRAMES, fingerprint, group_cosines
from curation.near_duplicates import LAG_TICKS, LONELY_MOST, ranked, seal
from tests.unit.curation.sounds import Samples, silence, tone

SAMPLES = Path(loanword.samples.__file__).parent


def speech(name: str) -> Samples:
    samples, _ = soundfile.read(SAMPLES / name, dtype="int16")
    return np.asarray(samples, dtype=np.int16)


LIGHTS, LIBRARY = speech("ash-turn-on-the-kitchen-lights.wav"), speech("elm-what-time-does-the-library-close.wav")


def in_common(stored: Samples, asked: Samples) -> int:
    return len(np.intersect1d(fingerprint(stored).kept.values, fingerprint(asked).asked.values))


@pytest.mark.parametrize(
    ("other", "least"),
    [
        pytest.param(LIGHTS, KEPT, id="itself"),
        pytest.param((LIGHTS / 8).astype(np.int16), KEPT - 2, id="18-db-quieter"),
        pytest.param(np.concatenate([silence(0.237), LIGHTS]), KEPT - 4, id="later-by-no-whole-frame"),
        pytest.param(LIGHTS[3_000:-3_000], 8, id="trimmed"),
        pytest.param(
            np.interp(np.arange(0, len(LIGHTS) - 1, 1.01), np.arange(len(LIGHTS)), LIGHTS).astype(np.int16),
            8,
            id="one-per-cent-faster",
        ),
        pytest.param(
            (LIGHTS + np.random.default_rng(1).normal(0, LIGHTS.std() / 10, len(LIGHTS))).astype(np.int16),
            5,
            id="20-db-of-noise",
        ),
    ],
)
def test_a_clip_in_another_form_asks_for_what_was_kept_of_it(other: Samples, least: int) -> None:
    assert in_common(LIGHTS, other) >= least


def test_clipping_by_16_db_leaves_five_of_sixteen_on_average() -> None:
    every = [speech(path.name) for path in sorted(SAMPLES.glob("*.wav"))]
    spoken = [samples for samples in every if samples.any()]

    common = [in_common(each, np.clip(each * 6.0, -32_768, 32_767).astype(np.int16)) for each in spoken]

    assert np.mean(common) >= 5


def test_another_clip_does_not() -> None:
    assert in_common(LIGHTS, LIBRARY) <= 1


@pytest.mark.parametrize("samples", [silence(1.0), silence(0.0), silence(0.01)], ids=["silent", "empty", "10-ms"])
def test_what_does_not_sound_has_no_fingerprint(samples: Samples) -> None:
    found = fingerprint(samples)

    assert len(found.kept.values) == len(found.asked.values) == 0


def test_of_the_longest_clip_no_more_is_kept_than_of_others() -> None:
    assert len(fingerprint(np.tile(LIGHTS, 5)).kept.values) <= KEPT
    assert len(fingerprint(tone(10.0)).kept.values) <= KEPT


def test_of_the_longest_clip_no_more_is_asked_than_of_others() -> None:
    loud = fingerprint(np.concatenate([LIGHTS, LIBRARY] * 5))

    assert len(loud.asked.values) <= 3 * ASKED
    assert np.all(np.diff(loud.asked.values.astype(np.int64)) > 0)


@pytest.mark.parametrize("name", sorted(path.name for path in SAMPLES.glob("*.wav")))
def test_whatever_is_kept_of_a_clip_is_asked_of_the_same(name: str) -> None:
    found = fingerprint(speech(name))

    assert set(found.kept.values.tolist()) <= set(found.asked.values.tolist())


def test_of_what_a_clip_repeats_the_first_place_is_asked() -> None:
    repeated = fingerprint(np.tile(LIGHTS, 5))
    asked = dict(zip(repeated.asked.values.tolist(), repeated.asked.ticks.tolist(), strict=True))

    ticks = [
        (asked[value], tick)
        for value, tick in zip(repeated.kept.values.tolist(), repeated.kept.ticks.tolist(), strict=True)
        if value in asked
    ]

    assert len(ticks) > KEPT / 2
    assert all(first <= tick for first, tick in ticks)


def test_places_lie_half_a_hop_apart_in_the_order_of_time() -> None:
    cosines = group_cosines().reshape(GROUP_FRAMES + PATCH_FRAMES, ORDERS, 2 * GROUP_FRAMES)
    weights = np.square(cosines[:, 0])

    centres = np.arange(len(weights)) @ weights / weights.sum(axis=0)

    assert np.diff(centres) == pytest.approx(0.5, abs=0.01)


def test_buckets_of_two_secrets_have_nothing_in_common() -> None:
    kept = fingerprint(LIGHTS).kept.values

    ours, theirs = seal(kept, b"a" * 32), seal(kept, b"b" * 32)

    assert len(set(ours.tolist())) == len(kept)
    assert not set(ours.tolist()) & set(theirs.tolist())


# What is compared first


def test_hits_that_agree_about_the_lag_come_before_as_many_that_do_not() -> None:
    asked = {1: 10, 2: 20, 3: 30, 4: 10, 5: 20, 6: 30}

    hits = [(1, 7, 5), (2, 7, 15), (3, 7, 25), (4, 8, 0), (5, 8, 19), (6, 8, 2)]

    assert ranked(asked, hits) == [7, 8]


def test_a_rare_hash_counts_more_than_one_that_all_share() -> None:
    asked = {1: 0, 2: 0}

    assert ranked(asked, [(1, 4, 0), (1, 5, 0), (1, 6, 0), (2, 6, 0)])[0] == 6


def test_of_many_that_share_one_hash_alone_a_few_are_worth_a_comparison() -> None:
    asked = dict.fromkeys(range(12), 0)
    lonely = [(bucket, 100 + bucket, 0) for bucket in range(10)]
    two = [(10, 7, 0), (11, 7, 0)]

    assert ranked(asked, [*lonely, *two]) == [7, *range(100, 100 + LONELY_MOST)]


def test_nothing_found_ranks_nobody() -> None:
    assert ranked({1: 0}, []) == []


@given(
    st.lists(st.tuples(st.integers(0, 9), st.integers(1, 5), st.integers(0, 12)), unique_by=lambda hit: hit[:2]),
    st.lists(st.integers(0, 12), min_size=10, max_size=10),
)
def test_the_best_window_of_lags_counts(hits: list[tuple[int, int, int]], ticks: list[int]) -> None:
    crowd = Counter(bucket for bucket, _, _ in hits)

    def agreeing(of: int) -> list[list[float]]:
        lags = [(ticks[bucket] - tick, 1 / crowd[bucket]) for bucket, found, tick in hits if found == of]
        return [[weight for lag, weight in lags if 0 <= lag - first <= LAG_TICKS] for first, _ in lags]

    order = sorted({of for _, of, _ in hits}, key=lambda of: (-round(max(map(sum, agreeing(of))), 9), of))
    lonely = [of for of in order if max(map(len, agreeing(of))) == 1]

    assert ranked(dict(enumerate(ticks)), hits) == [of for of in order if of not in lonely[LONELY_MOST:]]
