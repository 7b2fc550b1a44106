"""The report's words and plots."""

from xml.etree import ElementTree

import pytest

from corpus.web import plots
from corpus.web.plots import Column
from curation.report.facts import Bin, rounded_hours
from curation.report.wording import between, in_words, share

HOUR_SAMPLES = 3600 * 16_000


@pytest.mark.parametrize(
    ("hours", "told"), [(0.04, 0.0), (0.26, 0.3), (1.26, 1.3), (12.6, 13), (126, 130), (1264, 1300)]
)
def test_hours_of_people_have_two_digits(hours: float, told: float) -> None:
    assert rounded_hours(round(hours * HOUR_SAMPLES)) == told


@pytest.mark.parametrize(
    ("slug", "written"),
    [
        ("too_quiet", "too quiet"),
        ("18_29", "18–29"),
        ("60_or_older", "60 or older"),
        (None, "not told, or not told apart"),
    ],
)
def test_reasons_and_answers_are_written_as_people_read_them(slug: str | None, written: str) -> None:
    assert in_words(slug) == written


def test_a_bin_says_what_it_holds() -> None:
    bins = [Bin(None, 0.3, 0, 0), Bin(-70, -60, 0, 0), Bin(20, None, 0, 0)]

    assert [between(each) for each in bins] == ["below 0.3", "−70 to −60", "20 and more"]


def test_a_share_of_nothing_is_a_dash() -> None:
    assert (share(1, 8), share(0, 0)) == ("12.5 %", "–")


def test_columns_are_stacked_from_the_ground_and_the_highest_fills_the_plot() -> None:
    svg = ElementTree.fromstring(  # noqa: S314 our own
        plots.columns("c", "T", "D", [Column("0", (3, 1), "four"), Column("1", (1, 0), "one")], ("kept", "not-kept"))
    )

    lengths = [
        [(each.get("class"), float(each.get("y", "")), float(each.get("height", ""))) for each in stack.findall("rect")]
        for stack in svg.findall("g")
    ]
    whole = plots.CURVE_PX - plots.TOP_PX
    assert lengths[0] == [
        ("column kept", plots.TOP_PX + whole / 4, whole * 3 / 4),
        ("column not-kept", plots.TOP_PX, whole / 4),
    ]
    assert lengths[1][0] == ("column kept", plots.CURVE_PX - whole / 4, whole / 4)
    assert [stack.findtext("title") for stack in svg.findall("g")] == ["four", "one"]


@pytest.mark.parametrize(("of_bins", "places"), [(True, ["0%", "45%"]), (False, ["22.5%", "67.5%"])])
def test_a_bins_edge_stands_under_its_left_side_and_a_day_under_its_middle(of_bins: bool, places: list[str]) -> None:
    rows = [Column("1", (1,), "one"), Column("2", (1,), "one")]
    svg = ElementTree.fromstring(plots.columns("c", "T", "D", rows, ("kept",), of_bins=of_bins))  # noqa: S314

    assert [each.get("x") for each in svg.findall("text") if each.text in ("1", "2")] == places


def test_columns_of_nothing_lie_on_the_ground() -> None:
    svg = ElementTree.fromstring(plots.columns("c", "T", "D", [Column("0", (0,), "none")], ("kept",)))  # noqa: S314

    assert [each.get("height") for each in svg.findall("g/rect")] == ["0"]
