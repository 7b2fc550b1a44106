"""The review console: one page over the review API, and its script and style."""

from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse

from corpus.errors import Forbidden, Unauthenticated
from corpus.web.dependencies import With, caller_with
from corpus.web.pages import SECURITY_HEADERS, render, static_router
from corpus.words import RejectReason, Scope

PACKAGE = "curation.review"
REASONS = {
    RejectReason.NOT_SPEECH: "Not speech",
    RejectReason.UNINTELLIGIBLE: "Unintelligible",
    RejectReason.CUT_OFF: "Cut off",
    RejectReason.WRONG_LANGUAGE: "Wrong language",
    RejectReason.SECOND_SPEAKER: "Second speaker",
    RejectReason.CHILD_OR_BYSTANDER: "Child or bystander",
    RejectReason.PERSONAL_DATA: "Personal data",
    RejectReason.OTHER: "Other",
}
"""As the buttons say them; the number key of a reason is its place here."""

router = APIRouter()
router.include_router(static_router(PACKAGE, "/static/review"))
_curator = caller_with(Scope.REVIEW)


@router.get("/review", include_in_schema=False)
def review_page(request: Request, house: With) -> Response:
    try:
        _curator(request, house)
    except Unauthenticated:
        return RedirectResponse("/sign-in?next=/review", 303, SECURITY_HEADERS)
    except Forbidden:
        return render("refused.html", status=403, message="Only curators may listen to clips that wait for review.")
    return render("review.html", package=PACKAGE, reasons=REASONS)
