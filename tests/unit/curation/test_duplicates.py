"""Who keeps a clip that came more than once."""

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from corpus.words import AccountId, ClipId, UtteranceId
from curation.duplicates import Member, decide
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
