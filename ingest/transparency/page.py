"""`/transparency`: what our promises come to, as a page and as JSON. Public: it tells of nobody."""

from dataclasses import dataclass
from datetime import timedelta

from fastapi import APIRouter, Response
from markupsafe import Markup

from corpus.small_cells import FEWEST
from corpus.web import plots
from corpus.web.dependencies import With
from corpus.web.kept import Kept
from corpus.web.pages import render
from corpus.web.plots import Bar, Curve
from ingest.transparency.count import KEPT_FOR, count
from ingest.transparency.facts import Counted, Durations, Transparency, tell

PACKAGE = "ingest.transparency"
NO_BREAK = "\u00a0"
CACHED = {"Cache-Control": f"public, max-age={int(KEPT_FOR.total_seconds())}"}


@dataclass(frozen=True, slots=True)
class Plots:
    """None where a plot would show what the table does not tell."""

    people: Markup | None
    hours: Markup | None
    times: Markup | None
    copies: Markup | None


def transparency_routes() -> APIRouter:
    """Once a process: what was counted is kept for a minute."""
    router, counts = APIRouter(), Kept(count, KEPT_FOR)

    @router.get("/v1/transparency", tags=["transparency"])
    def get_transparency(house: With, response: Response) -> Transparency:
        response.headers.update(CACHED)
        return tell(counts.get(house))

    @router.get("/transparency", include_in_schema=False)
    def transparency_page(house: With) -> Response:
        counted = counts.get(house)
        told = tell(counted)
        return render(
            "transparency.html",
            package=PACKAGE,
            headers=CACHED,
            told=told,
            plots=_plots(counted, told),
            count=in_words,
            lasting=lasting,
            hours=hours,
            of_many=of_many,
        )

    return router


def in_words(count: int | None) -> str:
    return f"fewer than {FEWEST}" if count is None else f"{count:,}"


def hours(length: float | None) -> str:
    return f"not told: of fewer than {FEWEST} people" if length is None else f"{length:,.1f} h"


def of_many(count: int | None) -> str:
    """Of clips and versions, which are not people: nothing at all would tell as much as a few."""
    return f"not told: fewer than {FEWEST} people left" if count is None else f"{count:,}"


def lasting(taken_s: float | None, of: Durations) -> str:
    """A duration as people say it; None where nothing was measured."""
    if taken_s is None:
        return "not measured yet"
    if of.rounded_to_days:
        days = timedelta(seconds=taken_s).days
        return "less than a day" if days == 1 else f"less than {days} days"
    for unit_s, unit in ((86_400, "days"), (3600, "h"), (60, "min"), (1, "s")):
        if taken_s >= unit_s:
            return f"{taken_s / unit_s:.1f}{NO_BREAK}{unit}"
    return f"{1000 * taken_s:.0f}{NO_BREAK}ms"


def _plots(counted: Counted, told: Transparency) -> Plots:
    """Drawn from the counts, and only where all of them are told."""
    return Plots(
        people=_bars(
            "people", "People", {"lend now": told.people.opted_in, "have taken it back": told.people.withdrawn}
        ),
        hours=_bars("hours", "Hours", {"kept now": told.hours.kept, "in current releases": told.hours.released}, " h"),
        times=_times(counted, told),
        copies=_bars(
            "copies",
            "Withdrawn clips in copies that others pulled",
            {"to remove": told.releases.copies_to_clean, "reported removed": told.releases.copies_reported},
        )
        if told.releases.copies_to_clean
        else None,
    )


def _bars(name: str, title: str, rows: dict[str, float | None], unit: str = "") -> Markup | None:
    shown = {label: value for label, value in rows.items() if value is not None}
    if len(shown) < len(rows):
        return None
    drawn = [Bar(label, value, f"{value:,}{unit}") for label, value in shown.items()]
    described = "; ".join(f"{row.written} {row.label}" for row in drawn)
    return plots.bars(name, title, f"Bars: {described}.", drawn)


def _times(counted: Counted, told: Transparency) -> Markup | None:
    stop, erase = told.taking_back.stop, told.taking_back.erase
    if stop.count is None or erase.count is None:
        return None
    description = (
        f"Two curves from none to all. Half of the withdrawals were stopped within {lasting(stop.median_s, stop)}, all "
        f"within {lasting(stop.longest_s, stop)}; half were erased within {lasting(erase.median_s, erase)}, all within "
        f"{lasting(erase.longest_s, erase)}."
    )
    curves = [Curve("stop", "stopped", counted.stops.each_s), Curve("erase", "erased", counted.erasures.each_s)]
    return plots.cumulative("times", "Share of withdrawals that were through within a time", description, curves)
