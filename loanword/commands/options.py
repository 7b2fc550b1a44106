"""Options that several commands share."""

from pathlib import Path
from typing import Annotated

import typer

Home = Annotated[
    Path | None, typer.Option("--home", envvar="LOANWORD_HOME", help="Where state lives (default ./loanword-data).")
]
Server = Annotated[
    str, typer.Option("--server", envvar="LOANWORD_SERVER", help="The Loanword server, such as https://voices.example.")
]
AsJson = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]
MetricsPort = Annotated[
    int | None,
    typer.Option("--metrics-port", help="Serve numbers for Prometheus at 127.0.0.1 on this port.", min=1, max=65535),
]
