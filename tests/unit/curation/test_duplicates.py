"""Who keeps a clip that came more than once."""

from dataclasses import replace
from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from corpus.words import AccountId, ClipId, UtteranceId
from curation.duplicates import Member, decide, sets
from curation.verdict import Drop, DropReason, Keep
from tests.factories import NOW


def member(name: str, *, account: str = "ada", minute: int = 0, published: int | None = None) -> Member:
    return Member(
        ClipId(f"clip-{name}"),
        AccountId(account),
        UtteranceId(f"utterance-{name}"),
        NOW + timedelta(minutes=minute),
        None if published is None else NOW + timedelta(minutes=published),
    )


groups = st.lists(
    st.builds(
        member,
        st.integers(0, 99).map(lambda number: f"{number:02}"),
        account=st.sampled_from(["ada", "bo"]),
        minute=st.integers(0, 3),
        published=st.none() | st.integers(1, 4),
    ),
    unique_by=lambda each: each.clip_id,
    max_size=6,
)


def test_a_single_clip_is_kept() -> None:
    assert decide([member("a")]) == {"clip-a": Keep()}


def test_within_an_account_the_earliest_stays() -> None:
    verdicts = decide([member("a", minute=5), member("b", minute=1), member("c", minute=3)])

    duplicate = Drop(DropReason.DUPLICATE)
    assert verdicts == {"clip-a": duplicate, "clip-b": Keep(), "clip-c": duplicate}


def test_of_two_that_came_at_once_the_id_decides() -> None:
    assert decide([member("b"), member("a")])[ClipId("clip-a")] == Keep()


def test_across_accounts_nobody_keeps_it() -> None:
    verdicts = decide([member("a"), member("b", account="bo"), member("c")])

    assert set(verdicts.values()) == {Drop(DropReason.SHARED_ACROSS_ACCOUNTS)}
    assert len(verdicts) == 3


def test_what_was_kept_is_decided_again_when_another_account_brings_the_same() -> None:
    first, second = member("a"), member("b", account="bo", minute=1)

    assert decide([first])[first.clip_id] == Keep()
    assert decide([first, second])[first.clip_id] == Drop(DropReason.SHARED_ACROSS_ACCOUNTS)
    assert decide([first])[first.clip_id] == Keep()


SHARED = Drop(DropReason.SHARED_ACROSS_ACCOUNTS)


def test_what_was_published_before_another_account_sent_it_stays_with_who_had_it() -> None:
    verdicts = decide(
        [member("a", published=10), member("b", account="bo", minute=10), member("c", account="cy", minute=20)]
    )

    assert verdicts == {"clip-a": Keep(), "clip-b": SHARED, "clip-c": SHARED}


def test_the_same_twice_from_who_had_published_it_is_a_duplicate_still() -> None:
    verdicts = decide([member("a", published=10), member("b", account="bo", minute=11), member("c", minute=12)])

    assert verdicts == {"clip-a": Keep(), "clip-b": SHARED, "clip-c": Drop(DropReason.DUPLICATE)}


def test_what_came_from_another_account_before_it_was_published_is_nobodys() -> None:
    verdicts = decide(
        [member("a", published=10), member("b", account="bo", minute=9), member("c", account="cy", minute=20)]
    )

    assert set(verdicts.values()) == {SHARED}


def test_what_two_accounts_published_is_nobodys() -> None:
    assert set(decide([member("a", published=1), member("b", account="bo", minute=2, published=3)]).values()) == {
        SHARED
    }


@given(groups, st.integers(0, 3))
def test_who_sends_what_was_published_takes_it_from_nobody(group: list[Member], later: int) -> None:
    """However many copies come after a publication, they change no verdict of the others."""
    published = [each.published_at for each in group if each.published_at is not None]
    if not published or len({each.account_id for each in group}) > 1:
        return
    copies = [member(f"copy-{n}", account=f"copier-{n}", minute=4 + n) for n in range(later)]

    verdicts = decide([*group, *copies])

    assert {each.clip_id: verdicts[each.clip_id] for each in group} == decide(group)
    assert {verdicts[each.clip_id] for each in copies} <= {SHARED}


@given(groups, st.randoms(use_true_random=False))
def test_the_order_of_arrival_changes_no_verdict(group: list[Member], random: object) -> None:
    shuffled = list(group)
    random.shuffle(shuffled)  # type: ignore[attr-defined]

    assert decide(shuffled) == decide(group)


@given(groups)
def test_every_clip_gets_one_verdict_and_one_account_at_most_keeps_one(group: list[Member]) -> None:
    verdicts = decide(group)

    assert set(verdicts) == {each.clip_id for each in group}
    kept = [each for each in group if verdicts[each.clip_id] == Keep()]
    assert len(kept) <= 1
    if len({each.account_id for each in group}) == 1 or not group:
        assert len(kept) == min(1, len(group))
    if len({each.account_id for each in group}) > 1 and kept:
        assert {each.account_id for each in group if each.published_at} == {kept[0].account_id}


@given(groups)
def test_deciding_again_over_what_was_kept_changes_nothing(group: list[Member]) -> None:
    verdicts = decide(group)
    kept = [each for each in group if verdicts[each.clip_id] == Keep()]

    assert decide(kept) == {each.clip_id: Keep() for each in kept}


# The best of several


def test_within_an_account_the_best_stays_though_it_came_later() -> None:
    worse, better = member("a", minute=1), replace(member("b", minute=5), quality=30.0)

    assert decide([worse, better]) == {"clip-a": Drop(DropReason.DUPLICATE), "clip-b": Keep()}


def test_what_was_published_stays_though_a_better_one_came() -> None:
    published, better = member("a", published=2), replace(member("b", minute=5), quality=30.0)

    assert decide([published, better])[ClipId("clip-a")] == Keep()


# What hangs together


clips = st.lists(st.tuples(st.integers(0, 9), st.integers(0, 5)), unique_by=lambda each: each[0], max_size=10)
ties = st.lists(st.tuples(st.integers(0, 11), st.integers(0, 11)), max_size=12)


def named(of: list[tuple[int, int]], pairs: list[tuple[int, int]]) -> list[frozenset[ClipId]]:
    return sets(
        [(ClipId(str(clip)), str(digest)) for clip, digest in of],
        [(ClipId(str(one)), ClipId(str(other))) for one, other in pairs],
    )


def test_a_bridge_that_goes_lets_its_two_banks_fall_apart() -> None:
    chain = [(1, 2), (2, 3)]

    assert named([(1, 1), (2, 2), (3, 3)], chain) == [{"1", "2", "3"}]
    assert sorted(named([(1, 1), (3, 3)], chain), key=min) == [{"1"}, {"3"}]


def test_equal_sound_ties_what_no_pair_does() -> None:
    assert sorted(named([(1, 7), (2, 7), (3, 8), (4, 9)], [(2, 3)]), key=min) == [{"1", "2", "3"}, {"4"}]


@given(clips, ties, st.randoms(use_true_random=False))
def test_sets_part_the_clips_and_their_order_does_not_matter(
    of: list[tuple[int, int]], pairs: list[tuple[int, int]], random: object
) -> None:
    found = named(of, pairs)
    random.shuffle(of)  # type: ignore[attr-defined]
    random.shuffle(pairs)  # type: ignore[attr-defined]

    assert set(named(of, pairs)) == set(found)
    assert sorted(clip for each in found for clip in each) == sorted(str(clip) for clip, _ in of)
    of_clip = {clip: each for each in found for clip in each}
    tied = [(ClipId(str(one)), ClipId(str(other))) for one, other in pairs]
    assert all(of_clip[one] == of_clip[other] for one, other in tied if one in of_clip and other in of_clip)
