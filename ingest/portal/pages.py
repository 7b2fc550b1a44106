"""What all of `/me` shares: routes that refuse with a page, and pages that know where they are.

After a form has been taken the browser is sent on (303) to a page that says so: `?said=` names one of `SAID`, and
nothing of the person stands in an address.
"""

from collections.abc import Callable, Coroutine, Mapping
from typing import Any
from urllib.parse import quote

import structlog
from fastapi import APIRouter, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import RedirectResponse

from corpus import errors
from corpus.errors import LoanwordError
from corpus.web.pages import SECURITY_HEADERS, render
from corpus.web.problems import status_of
from corpus.web.routing import SmallBodyRoute
from ingest.portal import wording

PACKAGE = "ingest.portal"
HOME = "/me"
SAID = {
    "agreed": "Thank you. What you agreed to is in force now, and there is a receipt of it under “Receipts”.",
    "stopped": "That purpose is taken back. There is a receipt of it under “Receipts”.",
    "renamed": "The device has its new name.",
    "revoked": "The device can send nothing any more.",
    "paired": "The device is paired. It may send recordings from now on.",
    "deleted": "Deleted for good.",
    "linked": "From now on you can sign in that way too.",
    "about-saved": "Saved.",
    "about-removed": "Removed.",
}
TITLES = {404: "There is no such page", 403: "That cannot be done", 503: "Please try again in a moment"}
_log = structlog.get_logger()


class PageRoute(SmallBodyRoute):
    """A route whose refusals are pages: who is not signed in is sent to sign in, and comes back."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()

        async def handle_as_page(request: Request) -> Response:
            try:
                return await handle(request)
            except errors.Unauthenticated:
                return RedirectResponse(f"/sign-in?next={_back_to(request)}", 303, SECURITY_HEADERS)
            except RequestValidationError:
                return refusal(errors.NotFound())
            except LoanwordError as error:
                return refusal(error)

        return handle_as_page


def _back_to(request: Request) -> str:
    """Where somebody was going, a device's code included; a form that was sent is filled in again from the start."""
    if request.method != "GET":
        return HOME
    return quote(f"{request.url.path}?{request.url.query}" if request.url.query else request.url.path, safe="/")


def page_router() -> APIRouter:
    """A router of pages, of small forms, and of answers that no cache keeps."""
    return APIRouter(route_class=PageRoute, include_in_schema=False)


def page(
    template: str,
    *,
    here: str,
    said: str = "",
    status: int = 200,
    headers: Mapping[str, str] | None = None,
    **values: Any,
) -> Response:
    """A page of `/me`. `here` is the entry of the navigation that it stands under."""
    return render(
        template,
        package=PACKAGE,
        status=status,
        headers=headers,
        here=here,
        said=SAID.get(said, ""),
        wording=wording,
        **values,
    )


def onward(address: str, said: str = "") -> Response:
    """Where the browser goes after a form."""
    return RedirectResponse(f"{address}?said={said}" if said else address, 303, SECURITY_HEADERS)


def refusal(error: LoanwordError) -> Response:
    """Says what went wrong, and what to do. What went wrong inside the server is logged and not told."""
    status = status_of(type(error))
    if status >= 500:
        _log.warning("page failed", error=type(error).__name__, exc_info=error)
    told = str(error) if status < 500 or isinstance(error, errors.Transient) else "Something went wrong on our side."
    headers = {"Retry-After": "5"} if status == 503 else {}
    title = TITLES.get(status, "That did not work")
    return page("refusal.html", here="", status=status, headers=headers, title=title, message=told)
