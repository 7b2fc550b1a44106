"""The `loanword` command: parses, reads the settings, wires, makes one call, prints one summary.

Results go to stdout, logs and progress to stderr. Exit status: 0 done, 1 refused or failed, 2 misuse.
"""

import gc
import importlib.metadata
import os
import sys
from collections.abc import Sequence
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape

from corpus import logs
from corpus.child_process import keep_no_core_dumps
from corpus.errors import LoanwordError
from corpus.settings import PREFIX, Settings, misspelt_settings
from loanword.commands import clients, curating, demonstrating, evaluating, keeping, operating, releasing


def build() -> typer.Typer:
    """The command with all its subcommands."""
    app = typer.Typer(
        name="loanword",
        help="An opt-in open speech dataset: people lend their voices, and can take them back.",
        epilog=_settings_help(),
        no_args_is_help=True,
        rich_markup_mode="rich",
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    app.callback()(_common)
    for room in (demonstrating, operating, keeping, clients, curating, releasing, evaluating):
        room.add_to(app)
    return app


def _print_version(is_asked: bool) -> None:
    if is_asked:
        typer.echo(f"loanword {importlib.metadata.version('loanword')}")
        raise typer.Exit


def _common(
    _version: Annotated[
        bool, typer.Option("--version", help="Print the version.", callback=_print_version, is_eager=True)
    ] = False,
) -> None: ...


def main(argv: Sequence[str] | None = None) -> int:
    """Runs one command and returns its exit status. Misuse, aborted prompts and interrupts are typer's to tell."""
    logs.configure()
    keep_no_core_dumps()
    for misspelt in misspelt_settings(os.environ):
        _tell("[bold yellow]warning:[/]", misspelt)
    command = typer.main.get_command(build())
    try:
        command.main(args=None if argv is None else list(argv), prog_name="loanword")
    except LoanwordError as error:
        _tell("[bold red]error:[/]", str(error))
        return 1
    except OSError as error:
        if error.filename is None:  # a fault of ours, and no path that somebody gave
            raise
        _tell("[bold red]error:[/]", f"{error.filename}: {error.strerror}")
        return 1
    except SystemExit as ended:
        return ended.code if isinstance(ended.code, int) else int(ended.code is not None)
    return 0


def _tell(kind: str, what: str) -> None:
    Console(stderr=True).print(f"{kind} {escape(what)}", highlight=False, soft_wrap=True)


def run() -> None:
    """The command, as a process of its own.

    What is loaded by now stays until it ends: the garbage collector need not look through it again and again, which
    takes a tenth of a release's build.
    """
    gc.freeze()
    sys.exit(main())


def _settings_help() -> str:
    lines = [f"[cyan]{PREFIX}{name.upper()}[/]  {field.description}" for name, field in Settings.model_fields.items()]
    return "\n\n".join(["[bold]Settings[/], read from the environment by every command:", *lines])
