"""The combined server: every room's routes in one application, and the work that goes on behind them."""

import asyncio
import os
import socket
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from datetime import timedelta

import structlog
import uvicorn
from fastapi import APIRouter, FastAPI
from fastapi.responses import HTMLResponse, Response
from prometheus_client import CollectorRegistry
from starlette.concurrency import run_in_threadpool

import curation.report.page
import curation.review.api
import export.catalogue.api
import ingest.app
from corpus import head_copies, logs
from corpus.child_process import keep_no_core_dumps
from corpus.collaborators import Collaborators, collaborators
from corpus.errors import Misconfigured, StoreError, Transient
from corpus.settings import NONE, PREFIX, Settings, read_settings
from corpus.web import links, openid, pages, sessions
from corpus.web.app import build_app
from curation.metrics import HouseNumbers
from export.recut import recut_waiting
from export.state import refresh_states
from ingest.api.desk import Desk
from ingest.api.utterances import straight_route
from ingest.erase import finish_erasures
from ingest.erasures.retention import keep_clocks
from ingest.forget import forget_expired
from loanword.catch_up import catch_up
from loanword.metrics import metrics_served

SWEEP_EVERY = timedelta(minutes=1)
_log = structlog.get_logger()


def serve(
    settings: Settings,
    host: str,
    port: int,
    *,
    workers: int,
    metrics_port: int | None = None,
    ready: Callable[[], None] = lambda: None,
) -> None:
    """Serves until interrupted, and numbers for Prometheus beside it where a port is named.

    `ready` is called just before it listens.

    Before the port opens, the ledger is whole, what a restored database has forgotten of withdrawals happens again, and
    those that a crash cut short end. Raises `LedgerBroken`, `JournalUnreadable`, or a `StoreError` while the store
    cannot tell of either; and `Misconfigured` where the address cannot be listened on.
    """
    if port == metrics_port:
        raise Misconfigured("--port and --metrics-port are one port: name two.")
    _check_free(host, port)
    opened = collaborators(settings)
    catch_up(opened)
    _erase(opened)
    opened.database.close()
    os.environ.update(as_environment(settings))  # uvicorn's workers are new processes, and read it there
    with _numbers_served(settings, metrics_port):
        ready()
        uvicorn.run(
            "loanword.serve:app_from_environment",
            factory=True,
            host=host,
            port=port,
            workers=workers,
            log_level="warning",
            server_header=False,
            date_header=True,
            proxy_headers=False,
            timeout_graceful_shutdown=10,
        )


def _check_free(host: str, port: int) -> None:
    """Said before the work and in our words; uvicorn would end the process with a status of its own."""
    try:
        ways = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        for family, kind, protocol, _, address in ways:
            with socket.socket(family, kind, protocol) as probe:
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                if family == socket.AF_INET6:
                    probe.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
                probe.bind(address)
    except (OSError, UnicodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "there is no such host"
        raise Misconfigured(
            f"{host} cannot be listened on at port {port}: {reason}. Name another with --host and --port."
        ) from error


@contextmanager
def _numbers_served(settings: Settings, port: int | None) -> Iterator[None]:
    """In this process, which outlives its workers: they are read from the tables, and are the same in all."""
    if port is None:
        yield
        return
    house, registry = collaborators(settings), CollectorRegistry()
    registry.register(HouseNumbers(house))
    try:
        with metrics_served(registry, port):
            yield
    finally:
        house.database.close()


def app_from_environment() -> FastAPI:
    logs.configure()
    keep_no_core_dumps()
    return create_app(collaborators(read_settings()))


def create_app(opened: Collaborators) -> FastAPI:
    """The application over collaborators that are already open."""
    desk = Desk()
    routers = [
        ingest.app.routes(desk),
        _start_page(),
        sessions.router,
        openid.router,
        links.router,
        pages.router,
        curation.review.api.router,
        curation.report.page.report_routes(),
        export.catalogue.api.routes(),
    ]
    app = build_app(opened, routers, first=[straight_route(desk)])
    app.router.lifespan_context = _with_erasures_behind
    return app


def as_environment(settings: Settings) -> dict[str, str]:
    """The `LOANWORD_…` variables that give these settings in another process."""
    given = settings.model_dump(mode="json", exclude_unset=True)
    words = {name: NONE if value is None else str(value) for name, value in given.items()}
    return {f"{PREFIX}{name.upper()}": word for name, word in words.items()}


def _start_page() -> APIRouter:
    router = APIRouter(include_in_schema=False)

    @router.get("/")
    def start() -> HTMLResponse:
        return pages.render("start.html", package="loanword")

    @router.get("/healthz")
    def healthy() -> Response:
        return Response("ok\n", media_type="text/plain")

    return router


@asynccontextmanager
async def _with_erasures_behind(app: FastAPI) -> AsyncIterator[None]:
    # Beside one another: a large release takes minutes to be cut anew, and no erasure waits for it.
    tasks = [asyncio.create_task(_keep_at(act, app.state.collaborators)) for act in (_erase, _recut)]
    yield
    for task in tasks:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
    app.state.collaborators.database.close()


async def _keep_at(act: Callable[[Collaborators], None], opened: Collaborators) -> None:
    while True:
        await asyncio.sleep(SWEEP_EVERY.total_seconds())
        await run_in_threadpool(act, opened)


def _erase(opened: Collaborators) -> None:
    """One attempt; the next comes in a minute. Whatever goes wrong, people must still be able to withdraw."""
    _attempt(opened, finish_erasures, keep_clocks, _empty_log, head_copies.copy_heads, forget_expired)


def _empty_log(opened: Collaborators) -> None:
    opened.database.empty_log()


def _recut(opened: Collaborators) -> None:
    """Cuts anew what people have left, and keeps the signed states fresh and copied."""
    _attempt(opened, recut_waiting, refresh_states)


def _attempt(opened: Collaborators, *acts: Callable[[Collaborators], object]) -> None:
    for act in acts:
        try:
            act(opened)
        except (StoreError, Transient) as error:  # its kind alone: a store's message names the object, and so a person
            _log.warning("what goes on behind has to wait", act=act.__name__, error=type(error).__name__)
        except Exception as error:  # broad: a bug in one must not end the others, nor erasing
            _log.exception("what goes on behind has failed", act=act.__name__, error=type(error).__name__)
