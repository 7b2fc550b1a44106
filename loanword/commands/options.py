"""Options that several commands share."""

from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

import typer


def _server_address(address: str | None) -> str | None:
    """Raises `BadParameter` for what is no server's address."""
    if address is None or _is_http(address):
        return address
    raise typer.BadParameter(
        f"{address!r} is no server's address: it begins with https:// (or http://), such as https://voices.example."
    )


def _is_http(address: str) -> bool:
    try:
        parts = urlsplit(address)
        return parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:  # the port, or the brackets of an IPv6 address
        return False


Home = Annotated[
    Path | None, typer.Option("--home", envvar="LOANWORD_HOME", help="Where state lives (default ./loanword-data).")
]
Server = Annotated[
    str,
    typer.Option(
        "--server",
        envvar="LOANWORD_SERVER",
        callback=_server_address,
        help="The Loanword server, such as https://voices.example.",
    ),
]
ServerIfAny = Annotated[
    str | None,
    typer.Option(
        "--server",
        envvar="LOANWORD_SERVER",
        callback=_server_address,
        help="Ask it what was withdrawn since, and report to it.",
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]
MetricsPort = Annotated[
    int | None,
    typer.Option("--metrics-port", help="Serve numbers for Prometheus at 127.0.0.1 on this port.", min=1, max=65535),
]
