"""What shows it all: `loanword demo`."""

import os
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from loanword.demo.run import run_demo


def add_to(app: typer.Typer) -> None:
    """Adds demo."""
    app.command()(demo)


def demo(
    home: Annotated[
        Path, typer.Option(help="A folder for the demo alone; an earlier demo in it is cleared away.")
    ] = Path("loanword-demo"),
    clips: Annotated[
        Path | None,
        typer.Option(
            help="A folder of recordings with a manifest.csv (file, transcript, speaker).", exists=True, file_okay=False
        ),
    ] = None,
    workers: Annotated[int, typer.Option(help="Curation workers.", min=1)] = min(4, os.cpu_count() or 1),
    stay: Annotated[
        bool, typer.Option("--stay", help="Keep the servers until interrupted, to open their pages.")
    ] = False,
) -> None:
    """Run the whole road once on real components: upload, curate, review, release, pull, verify, withdraw."""
    run_demo(home.absolute(), clips, Console(), workers=workers, stay=stay)
