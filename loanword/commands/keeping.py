"""What keeps an installation whole over the years: the audit, backup and restore, and the rotation of keys."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from corpus.audit import AuditReport, audit
from corpus.collaborators import collaborators
from corpus.rotate_keys import next_signing_key, prepare_signing_key, rotate_master_key, rotate_signing_key
from corpus.settings import read_settings
from corpus.signing import fingerprint_of
from ingest.sweep import sweep
from loanword.backup import back_up, restore
from loanword.commands.options import Home


def add_to(app: typer.Typer) -> None:
    """Adds audit, backup, restore and keys."""
    app.command("audit")(audit_command)
    app.command("backup")(backup_command)
    app.command("restore")(restore_command)
    keys_app = typer.Typer(help="The master key and the signing key.", no_args_is_help=True)
    keys_app.command("rotate")(rotate)
    keys_app.callback()(lambda: None)
    app.add_typer(keys_app, name="keys")


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


def backup_command(
    folder: Annotated[Path, typer.Argument(help="An empty folder, or one to make.", file_okay=False)],
    home: Home = None,
    with_objects: Annotated[
        bool, typer.Option("--objects", help="Copy the stored objects too, not their list alone.")
    ] = False,
) -> None:
    """Back up the database and a list of the objects; no key is in it. A server may go on running."""
    backed = back_up(collaborators(read_settings(home)), folder, with_objects=with_objects)
    copied = "copied" if backed.with_objects else "listed"
    typer.echo(
        f"Backed up into {backed.folder}: {backed.leaves} leaves of the ledger, {backed.objects} objects {copied}."
    )
    typer.echo("No key is in it: keep copies of the master key and the signing key elsewhere.", err=True)


def restore_command(
    folder: Annotated[Path, typer.Argument(help="A folder that `loanword backup` made.", exists=True, file_okay=False)],
    home: Home = None,
    force: Annotated[bool, typer.Option("--force", help="Put it in the place of a database in use.")] = False,
) -> None:
    """Restore a backup, with no server running. What was withdrawn or erased since stays so."""
    restored = restore(read_settings(home), folder, force=force)
    typer.echo(f"Restored: {restored.objects} objects put back.")
    typer.echo("Everybody must sign in again. Devices that were revoked since the backup must be revoked again.")
    if restored.leaves_from_outside:
        typer.echo(
            f"{restored.leaves_from_outside} leaves of the ledger are newer than the backup, and came back without "
            "what they said: who agreed since must be asked again."
        )
    if restored.erasures_again:
        typer.echo(f"{restored.erasures_again} withdrawals and deletions since the backup happened again.")
    if restored.missing:
        typer.echo(f"{restored.missing} objects are missing that the backup's list names: erased since, or lost.")


def rotate(
    home: Home = None,
    signing: Annotated[bool, typer.Option("--signing", help="A new signing key, endorsed by the one before.")] = False,
    master: Annotated[bool, typer.Option("--master", help="A new wrapping key for every account's keys.")] = False,
    lost: Annotated[
        bool, typer.Option("--lost", help="The signing key is lost or has leaked: it endorses nothing, and ends.")
    ] = False,
) -> None:
    """Rotate keys. What was sealed still opens, and what was signed still holds; interrupted, run it again."""
    if not (signing or master) or (lost and not signing):
        raise typer.BadParameter("Say --signing or --master, or both; --lost goes with --signing.")
    settings = read_settings(home)
    path = settings.resolved_signing_key_file()
    if lost:
        prepare_signing_key(path)
        opened = collaborators(settings.model_copy(update={"signing_key_file": next_signing_key(path)}))
    else:
        opened = collaborators(settings)
    if signing:
        public_key = rotate_signing_key(opened, path, lost=lost)
        typer.echo(f"The signing key is now {public_key}: restart the servers.")
        typer.echo(f"Its fingerprint is {fingerprint_of(bytes.fromhex(public_key))}.")
    if lost:
        typer.echo(
            "Whoever pinned the old one must pin this one by hand: tell them, by a way that they trust.", err=True
        )
    if master:
        typer.echo(f"{rotate_master_key(opened)} account keys are wrapped by a new key.")
        typer.echo(f"Copy {settings.resolved_master_key_file()} anew to its safe place.", err=True)


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
