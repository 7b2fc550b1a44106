"""Plots: lengths that are true, text that is escaped, and nothing that our policy would stop."""

import re
from xml.etree import ElementTree
from xml.etree.ElementTree import Element

import pytest
from hypothesis import given
from hypothesis import strategies as st

from corpus.web import plots
from corpus.web.plots import Bar, Curve


def parsed(drawn: str) -> Element:
    return ElementTree.fromstring(drawn)  # noqa: S314 our own


def test_bars_are_as_long_as_their_values() -> None:
    svg = parsed(plots.bars("b", "T", "D", [Bar("a", 40, "40 h"), Bar("b", 10, "10 h")]))

    assert [each.get("width") for each in svg.findall("rect[@class='bar']")] == ["100%", "25%"]
    assert [each.text for each in svg.findall("text")] == ["a", "40 h", "b", "10 h"]


@pytest.mark.parametrize("rows", [[], [Bar("a", 0, "0")]], ids=["none", "nothing"])
def test_bars_of_nothing_are_short(rows: list[Bar]) -> None:
    svg = parsed(plots.bars("b", "T", "D", rows))

    assert all(each.get("width") == "0%" for each in svg.findall("rect[@class='bar']"))


def test_a_plot_has_a_title_and_a_description_that_a_screen_reader_reads() -> None:
    svg = parsed(plots.bars("b", "Hours", "Bars: 3 h kept.", []))

    assert svg.get("role") == "img"
    assert svg.get("aria-labelledby") == "b-title b-desc"
    assert [(each.get("id"), each.text) for each in (*svg.findall("title"), *svg.findall("desc"))] == [
        ("b-title", "Hours"),
        ("b-desc", "Bars: 3 h kept."),
    ]


@given(st.text(st.characters(exclude_categories=["C"])))
def test_whatever_a_text_says_it_stays_a_text(text: str) -> None:
    svg = parsed(plots.bars("b", text, text, [Bar(text, 1, text)]))

    assert {each.tag for each in svg.iter()} == {"svg", "title", "desc", "rect", "text"}
    assert svg.findtext("title") == text


def test_nothing_in_a_plot_needs_leave_of_our_policy() -> None:
    drawn = plots.bars("b", "T", "D", [Bar("a", 1, "1")]) + plots.cumulative("c", "T", "D", [Curve("stop", "s", [1])])

    assert re.findall(r"style=|href=|\bon\w+=|<script|<style|<image", drawn) == []


def test_a_curve_goes_up_by_one_share_at_each_time() -> None:
    path = plots.steps([1.0, 10.0])

    (start, at_one, half, at_ten, whole, end) = (float(each) for each in re.findall(r"[HVM]([\d.]+)", path))
    assert (start, end) == (6, 96)
    assert start < at_one < at_ten < end
    assert (half, whole) == (101, 22)


@given(st.lists(st.floats(0, 10**9), min_size=1, max_size=50))
def test_a_curve_never_goes_down_and_never_leaves_its_frame(taken_s: list[float]) -> None:
    path = plots.steps(taken_s)

    across = [float(each) for each in re.findall(r"H([\d.]+)", path)]
    heights = [float(each) for each in re.findall(r"V([\d.]+)", path)]
    assert across == sorted(across)
    assert heights == sorted(heights, reverse=True)
    assert (min(across) >= 6, max(across) <= 96, heights[-1]) == (True, True, 22)


def test_a_curve_of_nothing_lies_on_the_ground() -> None:
    assert plots.steps([]) == "M6 180H96"
