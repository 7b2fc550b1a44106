"""What may be told in public of what was counted."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from corpus.words import ReleaseState
from ingest.transparency.facts import DAY_S, SAMPLES_AN_HOUR, Counted, Sound, Taken, tell
from ingest.transparency.page import NO_BREAK, hours, in_words, lasting, of_many

COUNTED = Counted(
    at=datetime(2026, 3, 1, 12, tzinfo=UTC),
    opted_in=37,
    withdrawn=12,
    closed=11,
    kept=Sound(5 * SAMPLES_AN_HOUR, 30),
    released=Sound(2 * SAMPLES_AN_HOUR, 20),
    stops=Taken([0.01 * n for n in range(1, 13)], people=12),
    erasures=Taken([float(n) for n in range(1, 13)], people=12),
    releases={ReleaseState.CURRENT: 1, ReleaseState.REVOKED: 2},
    recuts=3,
    tombstones=4,
    copies_to_clean=6,
    copies_reported=5,
    head=None,
)


def test_what_is_of_many_is_told_as_it_is() -> None:
    told = tell(COUNTED)

    assert (told.people.opted_in, told.people.withdrawn, told.people.closed) == (37, 12, 11)
    assert (told.hours.kept, told.hours.released) == (5.0, 2.0)
    assert (told.taking_back.stop.count, told.taking_back.erase.longest_s) == (12, 12.0)
    assert (told.taking_back.stop.median_s, told.taking_back.erase.median_s) == (0.065, 6.5)
    assert (told.releases.current, told.releases.superseded, told.releases.revoked) == (1, 0, 2)


@pytest.mark.parametrize("few", [0, 1, 10])
def test_a_count_of_fewer_than_eleven_is_not_told_and_nobody_is_as_few_as_ten(few: int) -> None:
    told = tell(replace(COUNTED, opted_in=few, withdrawn=few, closed=few, kept=Sound(SAMPLES_AN_HOUR, few)))

    assert told.people == replace(told.people, opted_in=None, withdrawn=None, closed=None)
    assert told.hours.kept is None
    assert in_words(None) == "fewer than 11"
    assert "fewer than 11" in hours(None)


def test_durations_of_few_are_rounded_up_to_days_and_not_counted() -> None:
    told = tell(replace(COUNTED, stops=Taken([0.02] * 10, 10), erasures=Taken([3.0, DAY_S + 1], 2))).taking_back

    assert (told.stop.count, told.stop.median_s, told.stop.longest_s) == (None, DAY_S, DAY_S)
    assert told.erase.longest_s == 2 * DAY_S
    assert lasting(told.stop.longest_s, told.stop) == "less than a day"
    assert lasting(told.erase.longest_s, told.erase) == "less than 2 days"


def test_a_few_people_who_erase_often_are_few() -> None:
    told = tell(replace(COUNTED, erasures=Taken([1.0] * 50, people=10))).taking_back

    assert (told.erase.count, told.erase.longest_s, told.erase.rounded_to_days) == (None, DAY_S, True)


@pytest.mark.parametrize(("closed", "told"), [(1, False), (2, True)], ids=["ten-left", "eleven-left"])
def test_how_many_clips_were_withdrawn_is_told_of_many_people_alone(closed: int, told: bool) -> None:
    releases = tell(replace(COUNTED, withdrawn=9, closed=closed)).releases

    clips = (releases.recuts, releases.tombstones, releases.copies_to_clean, releases.copies_reported)
    assert clips == ((3, 4, 6, 5) if told else (None,) * 4)
    assert of_many(None) == "not told: fewer than 11 people left"


def test_where_nothing_was_measured_nothing_is_told() -> None:
    told = tell(replace(COUNTED, stops=Taken([], 0))).taking_back

    assert lasting(told.stop.median_s, told.stop) == "not measured yet"


@pytest.mark.parametrize(
    ("taken_s", "written"),
    [(0.023, "23 ms"), (1.25, "1.2 s"), (90, "1.5 min"), (5400, "1.5 h"), (172_800, "2.0 days")],
)
def test_durations_of_many_are_written_as_people_say_them(taken_s: float, written: str) -> None:
    assert lasting(taken_s, tell(COUNTED).taking_back.stop).replace(NO_BREAK, " ") == written
