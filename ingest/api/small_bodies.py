"""Bounds the JSON bodies of a route: the framework itself reads however much is sent, before it asks who sends it."""

from collections.abc import Callable, Coroutine, Mapping
from typing import Any

from fastapi import Request, Response
from fastapi.routing import APIRoute
from starlette.types import Message

from corpus.errors import BadBody, LoanwordError, TooLarge
from corpus.web.problems import problem
from ingest.api.arriving import Arriving, RefusalOfUnread
from ingest.body import announced_size

MOST_BYTES = 65_536


class SmallBodyRoute(APIRoute):
    """A route whose body is read, and found small, before anything else sees it."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handler = super().get_route_handler()

        async def with_small_body(request: Request) -> Response:
            arriving = Arriving(request.receive, expects_continue=request.headers.get("expect", "") != "")
            try:
                body = await _read(request.headers, arriving)
            except LoanwordError as error:
                return RefusalOfUnread(problem(error), arriving)

            async def replay() -> Message:
                return {"type": "http.request", "body": body, "more_body": False}

            return await handler(Request(request.scope, replay))

        return with_small_body


async def _read(headers: Mapping[str, str], arriving: Arriving) -> bytes:
    announced_size(headers, MOST_BYTES)
    body, more = b"", True
    while more:
        message = await arriving.receive()
        if message["type"] != "http.request":
            raise BadBody("The body was cut short.")
        body += message.get("body", b"")
        more = message.get("more_body", False)
        if len(body) > MOST_BYTES:
            raise TooLarge(MOST_BYTES)
    return body
