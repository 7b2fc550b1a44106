"""The floor for uploads: our server with one route more, which reads the body, writes it to a file and fsyncs it."""

import os
import secrets
from pathlib import Path

from fastapi import APIRouter, FastAPI, Request, Response
from starlette.concurrency import run_in_threadpool

from loanword.serve import app_from_environment


def app() -> FastAPI:
    """The whole server, and `POST /bare`, which knows of no token, consent, key or row."""
    router, folder = APIRouter(), Path(os.environ["BARE_FOLDER"])

    @router.post("/bare")
    async def bare(request: Request) -> Response:
        body = b"".join([chunk async for chunk in request.stream()])
        await run_in_threadpool(_write, folder / secrets.token_hex(16), body)
        return Response(status_code=201)

    application = app_from_environment()
    application.include_router(router)
    return application


def _write(path: Path, body: bytes) -> None:
    with path.open("xb") as file:
        file.write(body)
        file.flush()
        os.fsync(file.fileno())
