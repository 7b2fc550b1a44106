"""Routers whose request bodies are small and whose answers are private: for JSON and forms, never for audio."""

from collections.abc import Callable, Coroutine
from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse
from fastapi.routing import APIRoute
from starlette.types import Message

from corpus.errors import TooLarge

LARGEST_BODY_BYTES = 64_000
PRIVATE = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}


def private_router() -> APIRouter:
    """A router of small bodies and answers that no cache keeps."""
    return APIRouter(route_class=SmallBodyRoute, default_response_class=PrivateJSON)


class PrivateJSON(JSONResponse):
    """JSON that no cache keeps."""

    def init_headers(self, headers: Any = None) -> None:
        super().init_headers({**PRIVATE, **(headers or {})})


class SmallBodyRoute(APIRoute):
    """Reads at most `LARGEST_BODY_BYTES` of a body, whatever its headers claim; the framework alone reads it all."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()

        async def handle_small(request: Request) -> Response:
            return await handle(await _with_body_read(request))

        return handle_small


async def _with_body_read(request: Request) -> Request:
    """The same request over a body that is in memory already. Raises `TooLarge`."""
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > LARGEST_BODY_BYTES:
            raise TooLarge(LARGEST_BODY_BYTES)
    unread = [body]

    async def receive() -> Message:
        if unread:
            return {"type": "http.request", "body": unread.pop(), "more_body": False}
        return await request.receive()

    return Request(request.scope, receive)
