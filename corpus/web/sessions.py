"""Signing in: tokens for programs, and for people a page that keeps a token in a cookie which no script can read."""

from datetime import datetime, timedelta
from typing import Annotated

from fastapi import Request, Response
from fastapi.responses import RedirectResponse
from pydantic import BaseModel, ConfigDict, Field

from corpus.collaborators import Collaborators
from corpus.errors import LoanwordError, Overloaded, RateLimited, Unauthenticated
from corpus.identity import accounts, queries, tokens
from corpus.identity.openid import OpenIdProvider
from corpus.identity.sign_in import sign_in
from corpus.identity.tokens import SESSION_LIFETIME, Entered
from corpus.web import problems
from corpus.web.dependencies import (
    SESSION_COOKIE,
    AnyCaller,
    Checks,
    ClientAddress,
    FormFields,
    OpenId,
    With,
    shown_token,
)
from corpus.web.pages import SECURITY_HEADERS, local_path, render
from corpus.web.routing import PRIVATE, private_router
from corpus.words import AccountId, Role, Scope

LANDING = "/me"
"""Where who signs in arrives, unless they came from elsewhere: everyone may lend a voice."""
TOKEN_LIFETIME = timedelta(days=30)
LONGEST_TOKEN_LIFETIME = timedelta(days=366)

router = private_router()


class TokenRequest(BaseModel):
    """Who asks, and what the token shall be good for."""

    model_config = ConfigDict(extra="forbid")

    email: Annotated[str, Field(max_length=accounts.LONGEST_EMAIL)]
    password: Annotated[str, Field(max_length=accounts.LONGEST_PASSWORD)]
    scopes: Annotated[list[Scope], Field(min_length=1, max_length=len(Scope))]
    lifetime: Annotated[
        timedelta,
        Field(gt=timedelta(0), le=LONGEST_TOKEN_LIFETIME, description="Seconds, or as ISO 8601: `PT12H`, `P30D`."),
    ] = TOKEN_LIFETIME


class TokenAnswer(BaseModel):
    """A token, shown this once."""

    token: str
    expires_at: datetime


@router.post("/v1/tokens", status_code=201)
def make_token(asked: TokenRequest, house: With, checks: Checks, client: ClientAddress) -> TokenAnswer:
    account_id = sign_in(house, checks, asked.email, asked.password, client)
    return _issue(house, account_id, asked.scopes, asked.lifetime)


@router.delete("/v1/tokens/current", status_code=204)
def revoke_current_token(caller: AnyCaller, house: With) -> Response:
    with house.database.writing() as session:
        queries.revoke_token(session, caller.token_id, house.clock())
    return Response(status_code=204, headers=PRIVATE)


@router.get("/sign-in", include_in_schema=False)
def sign_in_page(openid: OpenId, next: str = LANDING) -> Response:
    return _form(local_path(next, LANDING), openid)


@router.post("/sign-in", include_in_schema=False)
def sign_in_by_form(
    fields: FormFields, request: Request, house: With, checks: Checks, client: ClientAddress, openid: OpenId
) -> Response:
    email, onward = fields.get("email", ""), local_path(fields.get("next", LANDING), LANDING)
    try:
        account_id = sign_in(house, checks, email, fields.get("password", ""), client)
    except (Unauthenticated, RateLimited, Overloaded) as refusal:
        return _sign_in_again(refusal, email, onward, openid)
    with house.database.writing() as session:
        entered = tokens.enter(session, master=house.master, account_id=account_id, now=house.clock())
    return let_in(RedirectResponse(onward, 303, SECURITY_HEADERS), entered, request, house)


def let_in(answer: Response, entered: Entered, request: Request, house: Collaborators) -> Response:
    """The answer, with the cookie of somebody who has just signed in."""
    answer.set_cookie(
        SESSION_COOKIE,
        entered.token,
        max_age=int(SESSION_LIFETIME.total_seconds()),
        path="/",
        secure=is_over_tls(request, house),
        httponly=True,
        samesite="strict",
    )
    return answer


def is_over_tls(request: Request, house: Collaborators) -> bool:
    """Whether the browser speaks TLS, to us or to the proxy before us."""
    return request.url.scheme == "https" or house.settings.is_public_over_tls()


def landing(entered: Entered) -> str:
    """Where somebody arrives who came from nowhere in particular: who only curates, among the clips that wait."""
    only_curates = Role.CONTRIBUTOR not in entered.roles and entered.roles & tokens.ROLES_FOR[Scope.REVIEW]
    return "/review" if only_curates else LANDING


@router.post("/sign-out", include_in_schema=False)
def sign_out(fields: FormFields, request: Request, house: With) -> Response:  # noqa: ARG001 `fields` refuses other sites
    """Signing out twice, or after the session ran out, is signing out."""
    now = house.clock()
    with house.database.writing() as session:
        try:
            caller = tokens.caller(session, master=house.master, token=shown_token(request), scope=None, now=now)
            queries.revoke_token(session, caller.token_id, now)
        except Unauthenticated:
            pass
    answer = RedirectResponse("/sign-in", 303, SECURITY_HEADERS)
    answer.delete_cookie(SESSION_COOKIE, path="/")
    return answer


def _issue(house: Collaborators, account_id: AccountId, scopes: list[Scope], lifetime: timedelta) -> TokenAnswer:
    with house.database.writing() as session:
        now = house.clock()
        token = tokens.issue_token(
            session, master=house.master, account_id=account_id, scopes=scopes, now=now, lifetime=lifetime
        )
    return TokenAnswer(token=token, expires_at=now + lifetime)


def _sign_in_again(refusal: LoanwordError, email: str, onward: str, openid: OpenIdProvider | None) -> Response:
    """The form once more, saying why, with the status and headers of the same refusal elsewhere."""
    as_problem = problems.problem(refusal)
    headers = {
        name: as_problem.headers[name] for name in ("retry-after", "www-authenticate") if name in as_problem.headers
    }
    return _form(onward, openid, email=email, message=str(refusal), status=as_problem.status_code, headers=headers)


def _form(
    onward: str,
    openid: OpenIdProvider | None,
    *,
    email: str = "",
    message: str = "",
    status: int = 200,
    headers: dict[str, str] | None = None,
) -> Response:
    return render(
        "sign_in.html",
        status=status,
        headers=headers,
        next=onward,
        email=email[: accounts.LONGEST_EMAIL],
        message=message,
        provider=openid.name if openid else "",
    )
