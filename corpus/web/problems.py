"""Refusals as RFC 9457 problem+json: the one table from error type to HTTP status.

A problem's `type` is stable, and is what a client should branch on: `urn:loanword:problem:<error name in kebab case>`.
An error missing from the table takes the status of its nearest base class there.
"""

import math
import re
from collections.abc import Mapping

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from corpus import errors

STATUS_OF: dict[type[errors.LoanwordError], int] = {
    errors.LoanwordError: 500,
    errors.Unauthenticated: 401,
    errors.LinkSpent: 410,
    errors.Forbidden: 403,
    errors.BadRequest: 400,
    errors.UploadTimedOut: 408,
    errors.NotFound: 404,
    errors.Conflict: 409,
    errors.IdempotencyKeyReused: 422,
    errors.TooLarge: 413,
    errors.NotAudio: 415,
    errors.RateLimited: 429,
    errors.RangeUnsatisfiable: 416,
    errors.RecordingDeleted: 410,
    errors.ReleaseWithdrawn: 410,
    errors.ReleaseSuperseded: 410,
    errors.KeyDestroyed: 403,
    errors.Transient: 503,
}

TYPE_PREFIX = "urn:loanword:problem:"
MEDIA_TYPE = "application/problem+json"
_log = structlog.get_logger()


def status_of(error: type[errors.LoanwordError]) -> int:
    return next(STATUS_OF[base] for base in error.__mro__ if base in STATUS_OF)


def problem_type(error: type[errors.LoanwordError]) -> str:
    return TYPE_PREFIX + re.sub(r"(?<=[a-z])(?=[A-Z])", "-", error.__name__).lower()


def problem(error: errors.LoanwordError) -> JSONResponse:
    """The response for an error. What went wrong inside the server is logged and not told."""
    status = status_of(type(error))
    detail = str(error) if status < 500 or isinstance(error, errors.Transient) else "Something went wrong on our side."
    headers = {"Cache-Control": "no-store"}
    retry_after = getattr(error, "retry_after", None)
    if retry_after is not None:
        headers["Retry-After"] = str(max(1, math.ceil(retry_after.total_seconds())))
    if isinstance(error, errors.RangeUnsatisfiable):
        headers["Content-Range"] = f"bytes */{error.size_bytes}"
    if status == 401:
        headers["WWW-Authenticate"] = "Bearer"
    more = {"certificate": error.certificate} if isinstance(error, errors.ClosingUnfinished) else {}
    return _answer(problem_type(type(error)), type(error).__name__, status, detail, headers, more)


def install(app: FastAPI) -> None:
    """Answers every refusal, ours and the framework's, with problem+json."""
    app.add_exception_handler(errors.LoanwordError, _loanword_error)
    app.add_exception_handler(RequestValidationError, _validation_error)
    app.add_exception_handler(HTTPException, _http_error)
    app.add_exception_handler(Exception, _unexpected)


async def _loanword_error(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, errors.LoanwordError)
    if status_of(type(error)) >= 500:
        _log.warning("request failed", route=_route(request), error=type(error).__name__, exc_info=error)
    return problem(error)


async def _validation_error(_request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)
    places = [".".join(str(part) for part in fault["loc"]) + ": " + fault["msg"] for fault in error.errors()]
    return _answer(TYPE_PREFIX + "bad-request", "BadRequest", 400, "; ".join(places), {"Cache-Control": "no-store"})


async def _http_error(_request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)
    return _answer("about:blank", str(error.detail), error.status_code, str(error.detail), dict(error.headers or {}))


async def _unexpected(request: Request, error: Exception) -> JSONResponse:
    _log.error("unexpected error", route=_route(request), error=type(error).__name__, exc_info=error)
    return problem(errors.LoanwordError())


def _route(request: Request) -> str:
    """The pattern of the path, for the path itself may hold a secret, or name a recording."""
    return str(getattr(request.scope.get("route"), "path", ""))


def _answer(
    kind: str, title: str, status: int, detail: str, headers: dict[str, str], more: Mapping[str, str] | None = None
) -> JSONResponse:
    spaced = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", title)
    body = {"type": kind, "title": spaced, "status": status, "detail": detail, **(more or {})}
    return JSONResponse(body, status, headers, MEDIA_TYPE)
