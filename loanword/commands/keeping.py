"""What keeps an installation whole over the years: the audit, backup and restore, and the rotation of keys."""

import json
from dataclasses import asdict
from typing import Annotated

import typer

from corpus.audit import AuditReport, audit
from corpus.collaborators import collaborators
from corpus.settings import read_settings
from ingest.sweep import sweep
from loanword.commands.options import Home


def add_to(app: typer.Typer) -> None:
    """Adds audit."""
    app.command("audit")(audit_command)


def audit_command(
    home: Home = None,
    ledger_only: Annotated[bool, typer.Option("--ledger-only", help="Do not compare database and store.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the report as JSON.")] = False,
) -> None:
    """Recompute the ledger, compare database and store, and name the first thing that does not fit (exit status 1)."""
    opened = collaborators(read_settings(home))
    report = audit(opened)
    fault = report.fault
    if fault is None and not ledger_only:
        swept = sweep(opened, dry_run=True)
        fault = next((f"object {key}: a row names it, and it is missing" for key in swept.missing), None)
        fault = fault or next((f"object {key}: no row names it" for key in (*swept.orphans, *swept.foreign)), None)
    if as_json:
        typer.echo(json.dumps({**asdict(report), "fault": fault}))
    else:
        typer.echo(summary(report))
        typer.echo(f"DOES NOT FIT: {fault}" if fault else "All of it fits.")
    if fault:
        raise typer.Exit(1)


def summary(report: AuditReport) -> str:
    """What was looked at, for people."""
    lines = [
        f"{report.leaves:8d} leaves: {report.events} consent events, {report.entries} other entries",
        f"{report.heads:8d} signed heads, {report.copies} of them outside the database; {report.keys} signing keys",
    ]
    if report.erased:
        lines.append(f"{report.erased:8d} consent events were erased when their accounts were closed")
    if report.lost:
        lines.append(f"{report.lost:8d} leaves came back in a restore without what they said: nothing rests on them")
    return "\n".join(lines)
