"""What routes ask FastAPI for: the collaborators, and who is calling.

A caller shows a bearer token, or, on a page, the session cookie that holds one. A cookie alone never changes anything:
a request that is not a GET must then also come from our own pages (`Origin` or `Sec-Fetch-Site`).
"""

import ipaddress
from collections.abc import Callable
from typing import Annotated
from urllib.parse import parse_qs, urlsplit

from fastapi import Depends, Request

from corpus.collaborators import Collaborators
from corpus.errors import BadBody, Forbidden
from corpus.identity import tokens
from corpus.identity.openid import OpenIdProvider
from corpus.identity.sign_in import PasswordChecks
from corpus.identity.tokens import Caller
from corpus.words import Scope

SESSION_COOKIE = "loanword_session"
FORM = "application/x-www-form-urlencoded"
MOST_FIELDS = 20


async def get_collaborators(request: Request) -> Collaborators:
    """Asynchronous although it waits for nothing: FastAPI sends what is not to another thread, for each request."""
    found: Collaborators = request.app.state.collaborators
    return found


With = Annotated[Collaborators, Depends(get_collaborators)]


def shown_token(request: Request) -> str | None:
    """The token that a request shows, or None. Raises `Forbidden` where another site borrowed our cookie."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer" and token:
        return token.strip()
    cookie = request.cookies.get(SESSION_COOKIE)
    if cookie and request.method not in {"GET", "HEAD"} and not from_our_own_page(request):
        raise Forbidden("This request came from another site.")
    return cookie


def caller_with(scope: Scope | None) -> Callable[[Request, Collaborators], Caller]:
    """A dependency that resolves to the caller, or refuses: a known token with this scope (None: with any)."""

    def resolve(request: Request, collaborators: With) -> Caller:
        token = shown_token(request)
        with collaborators.database.reading() as session:
            return tokens.caller(
                session, master=collaborators.master, token=token, scope=scope, now=collaborators.clock()
            )

    return resolve


def get_password_checks(request: Request) -> PasswordChecks:
    found: PasswordChecks = request.app.state.password_checks
    return found


def get_openid(request: Request) -> OpenIdProvider | None:
    found: OpenIdProvider | None = request.app.state.openid
    return found


async def form_fields(request: Request) -> dict[str, str]:
    """The fields of a small form sent from one of our own pages, the first of each name; nothing is spooled to disk.

    The route bounds the body (`corpus.web.routing`).
    """
    if not from_our_own_page(request):
        raise Forbidden("This request came from another site.")
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != FORM:
        raise BadBody(f"Send the form as {FORM}.")
    try:
        parsed = parse_qs((await request.body()).decode(), keep_blank_values=True, max_num_fields=MOST_FIELDS)
    except ValueError as error:
        raise BadBody from error
    return {name: values[0] for name, values in parsed.items()}


def client_address(request: Request, collaborators: With) -> str | None:
    """Where a request comes from: an IPv4 address, or an IPv6 network of /64, which is one customer's.

    None where that cannot be known: behind a proxy that the settings do not tell of, all come from this machine.
    """
    shown = request.client.host if request.client else ""
    proxies = collaborators.settings.proxies
    if proxies:
        passed_on = [each.strip() for each in ",".join(request.headers.getlist("x-forwarded-for")).split(",")]
        shown = passed_on[-proxies] if len(passed_on) >= proxies else ""
    try:
        address = ipaddress.ip_address(shown)
    except ValueError:
        return None
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped is None:
            return None if address.is_loopback else str(ipaddress.ip_network((address, 64), strict=False))
        address = address.ipv4_mapped
    return None if address.is_loopback else str(address)


ClientAddress = Annotated[str | None, Depends(client_address)]
FormFields = Annotated[dict[str, str], Depends(form_fields)]
OpenId = Annotated[OpenIdProvider | None, Depends(get_openid)]
Checks = Annotated[PasswordChecks, Depends(get_password_checks)]
AnyCaller = Annotated[Caller, Depends(caller_with(None))]
AccountHolder = Annotated[Caller, Depends(caller_with(Scope.ACCOUNT))]
Curator = Annotated[Caller, Depends(caller_with(Scope.REVIEW))]
Engineer = Annotated[Caller, Depends(caller_with(Scope.PULL))]


def from_our_own_page(request: Request) -> bool:
    """Whether the browser says so. `Sec-Fetch-Site` is missing on plain http, where `Origin` must do."""
    site = request.headers.get("sec-fetch-site")
    if site is not None:
        return site == "same-origin"
    origin = request.headers.get("origin")
    return origin is not None and urlsplit(origin).netloc == request.headers.get("host")
