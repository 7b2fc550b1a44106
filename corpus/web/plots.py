"""Plots as SVG that stands in the page: no script, no style of its own, colours and sizes from the page's style sheet.

Lengths across are percentages, and text keeps its size, so that a plot is as readable on a phone as on a desk. Each
has a title and a description; the numbers stand in a table beside it.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import count
from xml.etree import ElementTree
from xml.etree.ElementTree import Element, SubElement

from markupsafe import Markup

BAR_PX, LABEL_PX, GAP_PX = 22, 20, 12
CURVE_PX, AXIS_PX, TOP_PX = 180, 28, 22
_COLUMNS_END, _COLUMN_SHARE = 90.0, 0.86
"""Columns leave room at the right for the text of heights, and each leaves some of its own to part it from the next."""
_LEFT, _RIGHT = 6.0, 96.0
"""Where a curve begins and ends, in percent of the width: the ticks' text needs room."""


@dataclass(frozen=True, slots=True)
class Bar:
    """One length, how it is called, and how it is written."""

    label: str
    value: float
    written: str


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a histogram, its parts stacked from the ground up.

    `label` is written under it, or under its left edge where that is where a bin begins; `written` shows where somebody
    points at it.
    """

    label: str
    parts: Sequence[float]
    written: str


@dataclass(frozen=True, slots=True)
class Tick:
    """A mark of a time axis."""

    at_s: float
    written: str


@dataclass(frozen=True, slots=True)
class Curve:
    """How long each of many things took. `name` is a class of the style sheet too."""

    name: str
    label: str
    taken_s: Sequence[float]


TICKS = (
    Tick(0.01, "10 ms"),
    Tick(0.1, "0.1 s"),
    Tick(1, "1 s"),
    Tick(10, "10 s"),
    Tick(60, "1 min"),
    Tick(900, "15 min"),
    Tick(3600, "1 h"),
    Tick(86_400, "1 day"),
)


def bars(name: str, title: str, description: str, rows: Sequence[Bar]) -> Markup:
    """Horizontal bars, the longest as wide as the plot. `name` is unique in the page."""
    each_px = LABEL_PX + BAR_PX + GAP_PX
    svg = _svg(name, title, description, len(rows) * each_px - GAP_PX)
    longest = max((row.value for row in rows), default=0.0)
    for row, top_px in zip(rows, count(0, each_px), strict=False):
        share = row.value / longest if longest > 0 else 0.0
        _text(svg, "0", top_px + LABEL_PX - 6, row.label, "start")
        _text(svg, "100%", top_px + LABEL_PX - 6, row.written, "end")
        _rect(svg, top_px + LABEL_PX, "track", "100%")
        _rect(svg, top_px + LABEL_PX, "bar", _percent(100 * share))
    return _markup(svg)


def columns(
    name: str, title: str, description: str, rows: Sequence[Column], series: Sequence[str], *, of_bins: bool = True
) -> Markup:
    """Columns side by side, the highest as high as the plot. `series` are classes of the style sheet, one a part."""
    svg = _svg(name, title, description, CURVE_PX + AXIS_PX)
    highest = max((sum(row.parts) for row in rows), default=0.0)
    for share in (0.0, 0.5, 1.0):
        SubElement(svg, "line", {"class": "grid", "x1": "0", "x2": "100%", "y1": _px(_y(share)), "y2": _px(_y(share))})
        if share and highest > 1:
            _text(svg, "100%", _y(share) - 5, f"{share * highest:,g}", "end", "level")
    room = _COLUMNS_END / max(1, len(rows))
    for number, row in enumerate(rows):
        stack, ground = SubElement(svg, "g"), 0.0
        SubElement(stack, "title").text = row.written
        for kind, part in zip(series, row.parts, strict=True):
            share = part / highest if highest > 0 else 0.0
            place = {
                "x": _percent(number * room + room * (1 - _COLUMN_SHARE) / 2),
                "width": _percent(room * _COLUMN_SHARE),
            }
            upright = {"y": _px(_y(ground + share)), "height": _px(_y(ground) - _y(ground + share))}
            SubElement(stack, "rect", {"class": f"column {kind}", **place, **upright})
            ground += share
        at = number * room if of_bins else (number + 0.5) * room
        _text(svg, _percent(at), CURVE_PX + 18, row.label, "middle", "minor" if number % 2 else "major")
    return _markup(svg)


def cumulative(name: str, title: str, description: str, curves: Sequence[Curve]) -> Markup:
    """The share that was done within each time, on a logarithmic axis of time. `name` is unique in the page."""
    svg = _svg(name, title, description, CURVE_PX + AXIS_PX)
    for share in (0, 50, 100):
        y_px = _y(share / 100)
        SubElement(svg, "line", {"class": "grid", "x1": "0", "x2": "100%", "y1": _px(y_px), "y2": _px(y_px)})
        if share:
            _text(svg, "100%", y_px - 5, f"{share} %", "end", "level")
    for shown, tick in enumerate(TICKS):
        x = _percent(_x(tick.at_s))
        SubElement(svg, "line", {"class": "grid", "x1": x, "x2": x, "y1": _px(TOP_PX), "y2": _px(CURVE_PX)})
        _text(svg, x, CURVE_PX + 18, tick.written, "middle", "minor" if shown % 2 else "major")
    for curve in curves:
        frame = {"x": "0", "y": "0", "width": "100%", "height": _px(CURVE_PX), "viewBox": f"0 0 100 {CURVE_PX}"}
        inner = SubElement(svg, "svg", {**frame, "preserveAspectRatio": "none", "aria-hidden": "true"})
        SubElement(inner, "path", {"class": f"curve {curve.name}", "d": steps(curve.taken_s)})
    return _markup(svg)


def steps(taken_s: Sequence[float]) -> str:
    """The path of a curve: up by one share at each time, and on to the right end."""
    path, done = [f"M{_LEFT:g} {_y(0):g}"], 0.0
    for number, each_s in enumerate(sorted(taken_s), 1):
        done = number / len(taken_s)
        path.append(f"H{_x(each_s):g}V{_y(done):g}")
    return "".join([*path, f"H{_RIGHT:g}"])


def _x(at_s: float) -> float:
    """In percent of the width. What lies beyond an end of the axis is drawn at that end."""
    first, last = math.log10(TICKS[0].at_s), math.log10(TICKS[-1].at_s)
    share = (math.log10(max(at_s, TICKS[0].at_s)) - first) / (last - first)
    return round(_LEFT + (_RIGHT - _LEFT) * min(share, 1.0), 2)


def _y(share: float) -> float:
    return round(TOP_PX + (CURVE_PX - TOP_PX) * (1 - share), 2)


def _svg(name: str, title: str, description: str, height_px: int) -> Element:
    labelled = {"role": "img", "aria-labelledby": f"{name}-title {name}-desc"}
    svg = Element("svg", {"class": "plot", "width": "100%", "height": _px(max(0, height_px)), **labelled})
    SubElement(svg, "title", {"id": f"{name}-title"}).text = title
    SubElement(svg, "desc", {"id": f"{name}-desc"}).text = description
    return svg


def _rect(svg: Element, y_px: float, kind: str, width: str) -> None:
    place = {"x": "0", "y": _px(y_px), "width": width, "height": _px(BAR_PX), "rx": "4"}
    SubElement(svg, "rect", {"class": kind, **place})


def _text(svg: Element, x: str, y_px: float, text: str, anchor: str, kind: str = "major") -> None:
    SubElement(svg, "text", {"class": kind, "x": x, "y": _px(y_px), "text-anchor": anchor}).text = text


def _percent(share: float) -> str:
    return f"{round(share, 2):g}%"


def _px(length: float) -> str:
    return f"{length:g}"


def _markup(svg: Element) -> Markup:
    return Markup(ElementTree.tostring(svg, encoding="unicode"))  # noqa: S704 — ElementTree has escaped every text
