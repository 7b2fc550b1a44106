"""The page of a one-time link: a button, and nothing that looks at the link before it is pressed."""

from typing import Annotated

from fastapi import Path, Request, Response
from fastapi.responses import RedirectResponse

from corpus.errors import LinkSpent
from corpus.identity.links import LONGEST_SECRET, enter_by_link
from corpus.web.dependencies import FormFields, With
from corpus.web.pages import SECURITY_HEADERS, render
from corpus.web.problems import status_of
from corpus.web.routing import private_router
from corpus.web.sessions import landing, let_in

ADDRESS = "/sign-in/{secret}"
# The origin alone, and never the path with its secret. Not no-referrer: the form would then carry `Origin: null`, and
# over plain http nothing else shows that it is ours.
HEADERS = {"Referrer-Policy": "strict-origin", "X-Robots-Tag": "noindex"}
Secret = Annotated[str, Path(max_length=LONGEST_SECRET)]

router = private_router()


@router.get(ADDRESS, include_in_schema=False)
def link_page(secret: Secret) -> Response:  # noqa: ARG001 it is looked at when the button is pressed
    return render("sign_in_link.html", headers=HEADERS, message="")


@router.post(ADDRESS, include_in_schema=False)
def enter(secret: Secret, fields: FormFields, request: Request, house: With) -> Response:  # noqa: ARG001 `fields` refuses other sites
    try:
        entered = enter_by_link(house, secret)
    except LinkSpent as refusal:
        status = status_of(LinkSpent)
        return render("sign_in_link.html", status=status, headers=HEADERS, message=str(refusal))
    return let_in(RedirectResponse(landing(entered), 303, {**SECURITY_HEADERS, **HEADERS}), entered, request, house)
