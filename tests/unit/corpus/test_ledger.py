"""The tree of RFC 9162: grown leaf by leaf it is what one pass gives, and its proofs prove what they say alone."""

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from corpus import ledger


def leaves(count: int) -> list[str]:
    return [ledger.leaf_hash("00" * 32, {"number": number}) for number in range(count)]


ALL = leaves(65)
SIZES = st.integers(min_value=1, max_value=len(ALL))


def test_the_empty_tree_has_the_hash_of_nothing() -> None:
    assert ledger.root([]) == hashlib.sha256(b"").hexdigest()


def test_two_leaves_hash_to_one_node() -> None:
    left, right = ALL[:2]

    expected = hashlib.sha256(b"\x01" + bytes.fromhex(left) + bytes.fromhex(right)).hexdigest()
    assert ledger.root([left, right]) == expected


def test_a_tree_of_three_is_two_and_one() -> None:
    assert ledger.root(ALL[:3]) == ledger.node_hash(ledger.node_hash(ALL[0], ALL[1]), ALL[2])


@given(size=SIZES, data=st.data())
def test_every_leaf_is_proven_at_its_own_place_and_at_no_other(size: int, data: st.DataObject) -> None:
    index = data.draw(st.integers(0, size - 1))
    path = ledger.Tree(ALL[:size]).inclusion(index)
    root = ledger.root(ALL[:size])

    proven = [at for at in range(-1, size + 1) if ledger.includes(ALL[index], at, size, path, root)]
    assert proven == [index]


@given(size=SIZES, data=st.data())
def test_what_follows_known_peaks_is_proven_without_the_leaves_before(size: int, data: st.DataObject) -> None:
    before = data.draw(st.integers(0, size - 1))
    index = data.draw(st.integers(before, size - 1))
    peaks = ledger.grow([], 0, ALL[:before])
    partial = ledger.Tree(ALL[before:size], before=peaks, size_before=before)

    assert partial.inclusion(index) == ledger.Tree(ALL[:size]).inclusion(index)
    assert ledger.root_of(ledger.grow(peaks, before, ALL[before:size])) == ledger.root(ALL[:size])


@given(second=SIZES, data=st.data())
def test_a_beginning_is_consistent_and_a_rewritten_one_is_not(second: int, data: st.DataObject) -> None:
    first = data.draw(st.integers(1, second))
    changed = data.draw(st.integers(0, first - 1))
    rewritten = [*ALL[:changed], "ff" * 32, *ALL[changed + 1 : first]]
    path = ledger.Tree(ALL[:second]).consistency(first)
    root = ledger.root(ALL[:second])

    assert ledger.is_consistent(first, ledger.root(ALL[:first]), second, root, path)
    assert not ledger.is_consistent(first, ledger.root(rewritten), second, root, path)


@given(size=SIZES, data=st.data())
def test_a_path_with_one_hash_changed_added_or_taken_away_proves_nothing(size: int, data: st.DataObject) -> None:
    index = data.draw(st.integers(0, size - 1))
    path = ledger.Tree(ALL[:size]).inclusion(index)
    root = ledger.root(ALL[:size])
    wrong = [[*path, ALL[0]]]
    if path:
        at = data.draw(st.integers(0, len(path) - 1))
        wrong += [path[:-1], [*path[:at], "ff" * 32, *path[at + 1 :]]]

    assert not any(ledger.includes(ALL[index], index, size, each, root) for each in wrong)


def test_the_order_of_keys_changes_no_commitment() -> None:
    assert ledger.leaf_hash("ab" * 32, {"a": 1, "b": None}) == ledger.leaf_hash("ab" * 32, {"b": None, "a": 1})


def test_a_content_has_no_number_that_can_be_written_in_two_ways() -> None:
    with pytest.raises(ValueError, match="Out of range float"):
        ledger.canonical({"number": float("nan")})
