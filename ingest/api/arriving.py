"""A body that is on its way, and how to refuse it unread.

A server that closes a connection with unread bytes resets it, and the reset may overtake the answer: the client then
learns nothing, not even to stop. So the refusal is sent whole and at once, with `Connection: close`; a little of what
still arrives is thrown away; then the connection is closed (RFC 9112, section 9.6, "lingering close").
"""

import asyncio
from contextlib import suppress
from datetime import timedelta

from starlette.responses import Response
from starlette.types import Message, Receive, Scope, Send

LINGER = timedelta(seconds=2)
LINGER_BYTES = 1_000_000


class Arriving:
    """The receiving end of a request, which knows whether its body was begun and ended."""

    def __init__(self, receive: Receive, *, expects_continue: bool) -> None:
        self._receive = receive
        self._expects_continue = expects_continue
        self.begun = self.ended = False

    async def receive(self) -> Message:
        """The next message of the server. It is this call that lets the server say `100 Continue`."""
        self.begun = True
        message = await self._receive()
        self.ended = message["type"] != "http.request" or not message.get("more_body", False)
        return message

    async def discard(self) -> None:
        """Throws away what arrives: not for long, not much, and nothing where the client still waits for leave."""
        if self._expects_continue and not self.begun:
            return
        size_bytes = 0
        with suppress(TimeoutError):
            async with asyncio.timeout(LINGER.total_seconds()):
                while not self.ended and size_bytes < LINGER_BYTES:
                    size_bytes += len((await self.receive()).get("body", b""))


class RefusalOfUnread(Response):
    """Sends a refusal at once, and closes the connection a little later."""

    def __init__(self, refusal: Response, arriving: Arriving) -> None:
        refusal.headers["Connection"] = "close"
        super().__init__(refusal.body, refusal.status_code)
        self.raw_headers = refusal.raw_headers
        self._arriving = arriving

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        await send({"type": "http.response.body", "body": self.body, "more_body": True})
        await self._arriving.discard()
        await send({"type": "http.response.body", "body": b"", "more_body": False})
