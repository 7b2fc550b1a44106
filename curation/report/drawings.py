"""The plots of the curation report, each of the same records as the table beside it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from corpus.demographics import Field
from corpus.web import plots
from corpus.web.plots import Bar, Column
from curation.report.facts import Because, Clips, Histogram, Report, Told
from curation.report.measures import Measure
from curation.report.wording import FIELDS, MEASURES, between, in_words, number, share, size

KEPT, NOT_KEPT = "kept", "not-kept"


@dataclass(frozen=True, slots=True)
class Drawings:
    """None, or no entry, where there is nothing to draw."""

    dropped: Markup | None
    failed: Markup | None
    rejected: Markup | None
    days: Markup | None
    sets: Markup | None
    measures: Mapping[Measure, Markup]
    fields: Mapping[Field, Markup]


def of(told: Report) -> Drawings:
    clips = told.clips
    return Drawings(
        dropped=_because("dropped", "Clips by why they were dropped", clips.outcomes.dropped_because),
        failed=_because("failed", "Clips by the error that they failed with", clips.outcomes.failed_with),
        rejected=_because("rejected", "Judgements by why curators rejected a clip", clips.reviews.rejected_because),
        days=_days(clips),
        sets=_sets(clips),
        measures={each.measure: _histogram(each) for each in clips.histograms if any(_counts(each))},
        fields={each.field: _field(each) for each in told.speakers.fields if each.answers},
    )


def _because(name: str, title: str, reasons: Sequence[Because]) -> Markup | None:
    whole = sum(each.clips for each in reasons)
    rows = [Bar(in_words(each.reason), each.clips, f"{each.clips:,} · {share(each.clips, whole)}") for each in reasons]
    return _bars(name, title, rows)


def _bars(name: str, title: str, rows: list[Bar]) -> Markup | None:
    if not rows:
        return None
    described = "; ".join(f"{row.label}: {row.written}" for row in rows)
    return plots.bars(name, title, f"Bars. {described}.", rows)


def _histogram(of: Histogram) -> Markup:
    title, unit = MEASURES[of.measure]
    rows = [
        Column(
            "" if each.begins is None else number(each.begins),
            (each.kept, each.not_kept),
            f"{between(each)} {unit}: {each.kept:,} kept, {each.not_kept:,} not kept",
        )
        for each in of.bins
    ]
    most = max(of.bins, key=lambda each: each.kept + each.not_kept)
    description = f"Columns of clips by {unit}. Most lie at {between(most)}. The numbers stand in the table below."
    return plots.columns(f"measure-{of.measure.value}", f"{title}, {unit}", description, rows, (KEPT, NOT_KEPT))


def _counts(of: Histogram) -> list[int]:
    return [each.kept + each.not_kept for each in of.bins]


def _days(clips: Clips) -> Markup | None:
    rows = [
        Column(
            f"{each.day.day}",
            (each.kept, each.dropped + each.failed + each.undecided),
            f"{each.day:%-d %B}: {each.kept:,} kept, {each.dropped + each.failed + each.undecided:,} not kept",
        )
        for each in clips.days
    ]
    if not any(sum(row.parts) for row in rows):
        return None
    whole = sum(round(sum(row.parts)) for row in rows)
    description = f"Columns, a day each: {whole:,} clips measured in {len(rows)} days."
    return plots.columns("days", "Clips measured a day", description, rows, (KEPT, NOT_KEPT), of_bins=False)


def _sets(clips: Clips) -> Markup | None:
    return _bars(
        "sets",
        "Sets of clips of the same audio, by size",
        [Bar(f"{size(each)} clips", each.sets, f"{each.sets:,}") for each in clips.sets],
    )


def _field(of: Told) -> Markup:
    rows = [Bar(in_words(each.answer), each.hours, f"{number(each.hours)} h") for each in of.answers]
    drawn = _bars(f"field-{of.field.value}", f"Hours kept, by {FIELDS[of.field].lower()}", rows)
    assert drawn is not None
    return drawn
