"""Options that several commands share, and how settings are read with them."""

from pathlib import Path
from typing import Annotated

import typer

from corpus.settings import Settings

Home = Annotated[
    Path | None, typer.Option("--home", envvar="LOANWORD_HOME", help="Where state lives (default ./loanword-data).")
]
Server = Annotated[
    str, typer.Option("--server", envvar="LOANWORD_SERVER", help="The Loanword server, such as https://voices.example.")
]
AsJson = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]


def settings_for(home: Path | None) -> Settings:
    """The environment's settings, with the home that was named on the command line."""
    return Settings() if home is None else Settings(home=home)
