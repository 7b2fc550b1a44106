"""`/curation`: what curation comes to, for who may hear clips that wait; as a page, and as JSON at `/v1/curation`."""

from datetime import datetime, timedelta

from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse

from corpus.errors import Forbidden, Unauthenticated
from corpus.small_cells import FEWEST
from corpus.web.dependencies import Curator, With, caller_with
from corpus.web.kept import Kept
from corpus.web.pages import SECURITY_HEADERS, render, static_router
from corpus.web.routing import private_router
from corpus.words import Scope
from curation.report import count, drawings, wording
from curation.report.facts import Report

PACKAGE = "curation.report"
CLIPS_KEPT_FOR = timedelta(minutes=1)
SPEAKERS_KEPT_FOR = timedelta(hours=1)
"""Longer, because it takes a key of everybody who told anything; and seldom, because two counts compared tell more."""

_curator = caller_with(Scope.REVIEW)


def report_routes() -> APIRouter:
    """Once a process: what was counted is kept for a while."""
    router = private_router()
    router.include_router(static_router(PACKAGE, "/static/report"))
    clips, speakers = Kept(count.count_clips, CLIPS_KEPT_FOR), Kept(count.speakers, SPEAKERS_KEPT_FOR)

    @router.get("/v1/curation", tags=["curation"])
    def get_report(curator: Curator, house: With) -> Report:  # noqa: ARG001 it refuses who is none
        return Report(clips.get(house), speakers.get(house))

    @router.get("/curation", include_in_schema=False)
    def report_page(request: Request, house: With) -> Response:
        try:
            _curator(request, house)
        except Unauthenticated:
            return RedirectResponse("/sign-in?next=/curation", 303, SECURITY_HEADERS)
        except Forbidden:
            return render("refused.html", status=403, message="Only curators may see how curation goes.")
        told = Report(clips.get(house), speakers.get(house))
        return render(
            "report.html",
            package=PACKAGE,
            told=told.clips,
            speakers=told.speakers,
            drawn=drawings.of(told),
            words=wording,
            fewest=FEWEST,
            oldest=_days_since(told.clips.waits.oldest_for_review, told.clips.at),
        )

    return router


def _days_since(then: datetime | None, now: datetime) -> str:
    if then is None:
        return ""
    days = (now - then).days
    return "under a day" if days < 1 else f"{days} day{'s' if days > 1 else ''}"
