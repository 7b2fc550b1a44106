"""The sum of what became of all that was seen."""

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from curation.counts import BatchCounts, CurationCounts, SetCounts

small = st.integers(0, 20)
reasons = st.dictionaries(st.sampled_from(["silent", "too_long", "clipped"]), st.integers(1, 9)).map(Counter)
batches = st.builds(
    BatchCounts, passed=small, dropped=reasons, failed=reasons, withdrawn=small, postponed=small, elsewhere=small
)


@given(st.lists(batches, max_size=5))
def test_the_total_of_a_sum_is_the_sum_of_the_totals(each: list[BatchCounts]) -> None:
    assert sum(each, BatchCounts()).total == sum(batch.total for batch in each)


def test_what_is_kept_dropped_or_failed_was_seen() -> None:
    batch = BatchCounts(passed=5, dropped=Counter(silent=2), failed=Counter(Undecodable=1), withdrawn=4)

    counts = CurationCounts(batch, SetCounts(kept=3, dropped=Counter(duplicate=2)))

    assert counts.dropped == {"silent": 2, "duplicate": 2}
    assert counts.seen == 3 + 4 + 1
