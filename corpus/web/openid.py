"""Signing in by way of an OpenID provider: there and back, and what the browser keeps meanwhile.

The browser keeps a sealed cookie, Lax because it comes back from another site. The session's own cookie is Strict, and
would not come along on a way that began there: so the way back ends at a page, which goes on by itself.
"""

import base64
import json
from dataclasses import asdict, dataclass
from datetime import timedelta
from typing import Annotated

import structlog
from cryptography.fernet import Fernet, InvalidToken
from fastapi import Query, Request, Response
from fastapi.responses import RedirectResponse

from corpus.collaborators import Collaborators
from corpus.errors import (
    IdentityTaken,
    LoanwordError,
    NotFound,
    Overloaded,
    ProviderRefused,
    ProviderUnavailable,
    Unauthenticated,
)
from corpus.identity.external import enter_by_provider, link_identity
from corpus.identity.openid import OpenIdProvider, Question
from corpus.web.dependencies import AccountHolder, FormFields, OpenId, With
from corpus.web.pages import SECURITY_HEADERS, local_path, render
from corpus.web.problems import status_of
from corpus.web.routing import private_router
from corpus.web.sessions import LANDING, is_over_tls, landing, let_in
from corpus.words import AccountId

ADDRESS = "/sign-in/oidc"
CALLBACK = ADDRESS + "/callback"
LINKED = "/me/about-you?said=linked"
LIFETIME = timedelta(minutes=10)
LONGEST = 4096
# The callback's address holds a code: see corpus/web/links.py.
HEADERS = {"Referrer-Policy": "strict-origin"}
Text = Annotated[str, Query(max_length=LONGEST)]
_log = structlog.get_logger()

router = private_router()


@dataclass(frozen=True, slots=True)
class Errand:
    """Why a browser was sent to the provider. With an account, to link it: the session that asked is named."""

    question: Question
    onward: str
    account_id: AccountId | None = None
    token_id: str = ""


@router.get(ADDRESS, include_in_schema=False)
def send(request: Request, house: With, openid: OpenId, next: Text = "") -> Response:
    provider = _there(openid)
    errand = Errand(Question.new(), _elsewhere(next))
    try:
        address = provider.address(errand.question, _redirect_uri(request, house), house.clock())
    except (ProviderUnavailable, Overloaded) as refusal:
        return _sorry(refusal, provider, errand.onward)
    return _with_errand(RedirectResponse(address, 303, {**SECURITY_HEADERS, **HEADERS}), errand, request, house)


@router.post(ADDRESS + "/link", include_in_schema=False)
def send_to_link(
    fields: FormFields,  # noqa: ARG001 it refuses other sites
    request: Request,
    caller: AccountHolder,
    house: With,
    openid: OpenId,
) -> Response:
    """A page, and no redirection: our policy lets no form lead to another site, be it by a detour."""
    provider = _there(openid)
    errand = Errand(Question.new(), LINKED, caller.account_id, caller.token_id)
    try:
        address = provider.address(errand.question, _redirect_uri(request, house), house.clock())
    except (ProviderUnavailable, Overloaded) as refusal:
        return _sorry(refusal, provider, LANDING)
    return _with_errand(render("onward.html", headers=HEADERS, onward=address), errand, request, house)


@router.get(CALLBACK, include_in_schema=False)
def come_back(
    request: Request, house: With, openid: OpenId, code: Text = "", state: Text = "", error: Text = "", iss: Text = ""
) -> Response:
    provider = _there(openid)
    errand = _errand(request, house)
    answer: Response
    try:
        if errand is None or state != errand.question.state or not provider.is_answer_of(iss) or error or not code:
            raise ProviderRefused
        person = provider.person(code, errand.question, _redirect_uri(request, house), house.clock())
        if errand.account_id is not None:
            link_identity(house, errand.account_id, errand.token_id, person)
            answer = render("onward.html", headers=HEADERS, onward=errand.onward)
        else:
            entered = enter_by_provider(house, person)
            page = render("onward.html", headers=HEADERS, onward=errand.onward or landing(entered))
            answer = let_in(page, entered, request, house)
    except (ProviderRefused, ProviderUnavailable, Overloaded, IdentityTaken, Unauthenticated) as refusal:
        _log.warning("no sign-in by the provider", error=type(refusal).__name__, cause=type(refusal.__cause__).__name__)
        answer = _sorry(refusal, provider, errand.onward if errand else "")
    answer.delete_cookie(_cookie(request, house), path="/", secure=is_over_tls(request, house), httponly=True)
    return answer


def _elsewhere(onward: str) -> str:
    """Empty for who came from nowhere in particular: they land where their roles say."""
    return "" if onward == LANDING else local_path(onward, "")


def _there(openid: OpenIdProvider | None) -> OpenIdProvider:
    if openid is None:
        raise NotFound
    return openid


def _sorry(refusal: LoanwordError, provider: OpenIdProvider, onward: str) -> Response:
    return render(
        "sign_in.html",
        status=status_of(type(refusal)),
        headers=HEADERS,
        next=onward or LANDING,
        email="",
        message=str(refusal),
        provider=provider.name,
    )


def _redirect_uri(request: Request, house: Collaborators) -> str:
    return (house.settings.public_url or str(request.base_url)).rstrip("/") + CALLBACK


def _with_errand(answer: Response, errand: Errand, request: Request, house: Collaborators) -> Response:
    told = json.dumps(asdict(errand)).encode()
    sealed = _seal(house).encrypt_at_time(told, int(house.clock().timestamp())).decode()
    answer.set_cookie(
        _cookie(request, house),
        sealed,
        max_age=int(LIFETIME.total_seconds()),
        path="/",
        secure=is_over_tls(request, house),
        httponly=True,
        samesite="lax",
    )
    return answer


def _errand(request: Request, house: Collaborators) -> Errand | None:
    sealed = request.cookies.get(_cookie(request, house), "")
    try:
        told = json.loads(
            _seal(house).decrypt_at_time(
                sealed, int(LIFETIME.total_seconds()), current_time=int(house.clock().timestamp())
            )
        )
    except (InvalidToken, ValueError):  # a letter that is not ASCII is the second
        return None
    return Errand(**told | {"question": Question(**told["question"])})


def _seal(house: Collaborators) -> Fernet:
    return Fernet(base64.urlsafe_b64encode(house.master.derive("openid errand")))


def _cookie(request: Request, house: Collaborators) -> str:
    """With the prefix no sister site can set it for us; browsers take that over TLS alone."""
    return "__Host-loanword_oidc" if is_over_tls(request, house) else "loanword_oidc"
