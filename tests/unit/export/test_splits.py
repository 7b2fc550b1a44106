"""Speakers stand in one split, for good."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from corpus.words import AccountId, Split
from export.policy import DEFAULT_SHARES
from export.splits import assign, in_hmac_order, split_at

KEY = bytes(32)
NO_MINIMUM: dict[Split, int] = {}

speakers = st.sets(st.text("0123456789abcdef", min_size=1, max_size=6).map(AccountId), max_size=40)
minimums = st.dictionaries(st.sampled_from(Split), st.integers(0, 6))


@given(speakers, minimums)
def test_every_speaker_has_exactly_one_split(who: set[AccountId], minimum: dict[Split, int]) -> None:
    placed = assign(who, {}, key=KEY, shares=DEFAULT_SHARES, min_speakers=minimum)

    assert placed.keys() == who


@given(speakers, speakers, minimums)
def test_adding_speakers_moves_nobody(old: set[AccountId], new: set[AccountId], minimum: dict[Split, int]) -> None:
    before = assign(old, {}, key=KEY, shares=DEFAULT_SHARES, min_speakers=minimum)

    after = assign(old | new, before, key=KEY, shares=DEFAULT_SHARES, min_speakers=minimum)

    assert {who: after[who] for who in old} == before


@given(speakers, speakers)
def test_without_a_minimum_nobody_moves_even_when_nothing_was_remembered(
    old: set[AccountId], new: set[AccountId]
) -> None:
    before = assign(old, {}, key=KEY, shares=DEFAULT_SHARES, min_speakers=NO_MINIMUM)

    after = assign(old | new, {}, key=KEY, shares=DEFAULT_SHARES, min_speakers=NO_MINIMUM)

    assert {who: after[who] for who in old} == before


@given(st.permutations([AccountId(f"{number:032x}") for number in range(20)]), minimums)
def test_the_order_of_input_changes_nothing(who: list[AccountId], minimum: dict[Split, int]) -> None:
    placed = assign(who, {}, key=KEY, shares=DEFAULT_SHARES, min_speakers=minimum)

    assert placed == assign(sorted(who), {}, key=KEY, shares=DEFAULT_SHARES, min_speakers=minimum)


@given(speakers, minimums)
def test_a_minimum_is_met_while_there_are_new_speakers(who: set[AccountId], minimum: dict[Split, int]) -> None:
    placed = Counter(assign(who, {}, key=KEY, shares=DEFAULT_SHARES, min_speakers=minimum).values())

    missing = {split: wanted - placed[split] for split, wanted in minimum.items() if placed[split] < wanted}
    assert not missing or sum(minimum.values()) > len(who)


def test_a_minimum_moves_nobody_who_is_assigned() -> None:
    assigned = {AccountId("a"): Split.TRAIN, AccountId("b"): Split.TRAIN}

    placed = assign(assigned, assigned, key=KEY, shares=DEFAULT_SHARES, min_speakers={Split.TEST: 1})

    assert placed == assigned


def test_minimums_are_filled_dev_first_then_test_then_train() -> None:
    who = [AccountId(str(number)) for number in range(3)]
    only_train = {Split.TRAIN: 1.0, Split.DEV: 0.0, Split.TEST: 0.0}

    placed = assign(who, {}, key=KEY, shares=only_train, min_speakers=dict.fromkeys(Split, 1))

    assert [placed[speaker] for speaker in in_hmac_order(who, KEY)] == [Split.DEV, Split.TEST, Split.TRAIN]


def test_the_shares_come_out_as_asked() -> None:
    who = [AccountId(f"{number:032x}") for number in range(20_000)]

    placed = Counter(assign(who, {}, key=KEY, shares=DEFAULT_SHARES, min_speakers=NO_MINIMUM).values())

    assert placed[Split.TRAIN] / len(who) == pytest.approx(0.8, abs=0.01)
    assert placed[Split.TEST] / len(who) == pytest.approx(0.1, abs=0.01)


def test_another_key_gives_other_places() -> None:
    who = [AccountId(f"{number:032x}") for number in range(200)]

    first, second = (
        assign(who, {}, key=key, shares=DEFAULT_SHARES, min_speakers=NO_MINIMUM) for key in (KEY, b"\1" * 32)
    )

    assert first != second


@pytest.mark.parametrize(
    ("position", "shares", "split"),
    [
        pytest.param(0.0, DEFAULT_SHARES, Split.TRAIN, id="the-beginning"),
        pytest.param(0.8, DEFAULT_SHARES, Split.DEV, id="a-border-belongs-to-the-next"),
        pytest.param(0.9999999, DEFAULT_SHARES, Split.TEST, id="the-end"),
        pytest.param(0.0, {Split.TRAIN: 0.0, Split.DEV: 0.5, Split.TEST: 0.5}, Split.DEV, id="no-share-holds-nobody"),
        pytest.param(1 - 2**-52, {Split.TRAIN: 1 / 3, Split.DEV: 2 / 3 - 1e-12, Split.TEST: 0.0}, Split.DEV, id="hair"),
    ],
)
def test_a_position_falls_on_the_shares_end_to_end(position: float, shares: dict[Split, float], split: Split) -> None:
    assert split_at(position, shares) is split
