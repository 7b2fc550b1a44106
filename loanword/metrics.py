"""Numbers for Prometheus, on a port of their own: never on the one that people reach."""

from collections.abc import Iterator
from contextlib import contextmanager

from prometheus_client import CollectorRegistry, start_http_server

from corpus.errors import Misconfigured


@contextmanager
def metrics_served(registry: CollectorRegistry, port: int | None, host: str = "127.0.0.1") -> Iterator[None]:
    """Answers `GET /metrics` there meanwhile, or nothing where no port is named.

    Raises `Misconfigured` where the port is taken. There is no sign-in: whoever reaches the port reads the numbers.
    """
    if port is None:
        yield
        return
    try:
        server, thread = start_http_server(port, host, registry)
    except OSError as error:
        raise Misconfigured(f"Metrics cannot be served at {host}:{port}: {error.strerror}.") from error
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
