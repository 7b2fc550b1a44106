"""What an operator runs: database, accounts, notices, the server, the sweep."""

from datetime import timedelta
from pathlib import Path
from typing import Annotated

import typer

from corpus import database
from corpus.collaborators import Collaborators, collaborators
from corpus.errors import BadRequest, UnknownAccount
from corpus.identity import accounts, queries
from corpus.identity.links import LIFETIME, LONGEST_LIFETIME, make_link
from corpus.settings import read_settings
from corpus.words import AccountId, ConsentActor, ConsentMethod, Role
from export.recut import recut_waiting
from export.state import refresh_states
from ingest.close_account import close_account
from ingest.erase import Erased
from ingest.erasures.retention import Expired
from ingest.give_consent import consent_states
from ingest.own import queries as own_queries
from ingest.publish_notice import publish_notice
from ingest.sweep import Swept
from ingest.sweep import sweep as sweep_store
from ingest.withdraw import withdraw
from loanword import catch_up
from loanword.commands.options import Home, MetricsPort
from loanword.commands.releasing import recut_line
from loanword.prepare import prepare
from loanword.serve import serve as serve_until_interrupted

HERE = "http://127.0.0.1:8000"
"""Where `loanword serve` listens unless it is told otherwise."""


def add_to(app: typer.Typer) -> None:
    """Adds serve, database, account, consent and sweep."""
    app.command()(serve)
    app.command()(sweep)
    database_app = typer.Typer(help="The database's schema, and the home around it.", no_args_is_help=True)
    database_app.command("upgrade")(upgrade)
    database_app.command("check")(check)
    app.add_typer(database_app, name="database")
    account_app = typer.Typer(help="Accounts.", no_args_is_help=True)
    account_app.command("add")(add_account)
    account_app.command("link")(link_account)
    account_app.command("withdraw")(withdraw_account)
    app.add_typer(account_app, name="account")
    consent_app = typer.Typer(help="Consent notices.", no_args_is_help=True)
    consent_app.command("publish")(publish)
    consent_app.callback()(lambda: None)
    app.add_typer(consent_app, name="consent")


def serve(
    home: Home = None,
    host: Annotated[str, typer.Option(help="The address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="The port to listen on.", min=1, max=65_535)] = 8000,
    workers: Annotated[int, typer.Option(help="Server processes.", min=1)] = 1,
    metrics_port: MetricsPort = None,
) -> None:
    """Serve the API, the review console and the release catalogue."""

    def on_ready() -> None:
        authority = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
        typer.echo(f"Serving on http://{authority} (interrupt to stop)", err=True)

    serve_until_interrupted(read_settings(home), host, port, workers=workers, metrics_port=metrics_port, ready=on_ready)


def upgrade(home: Home = None) -> None:
    """Make or update the database, and make a master key where there never was one."""
    settings = read_settings(home)
    prepare(settings)
    typer.echo(f"The database is up to date; the master key is {settings.resolved_master_key_file()}.")


def check(home: Home = None) -> None:
    """Tell whether the database is up to date; exit status 1 if not."""
    settings = read_settings(home)
    missing = database.pending_migrations(settings.resolved_database_url())
    for revision in missing:
        typer.echo(f"missing: {revision}")
    if missing:
        typer.echo("Run `loanword database upgrade`.", err=True)
        raise typer.Exit(1)
    typer.echo("The database is up to date.")


def add_account(
    email: Annotated[str, typer.Argument(help="The person's e-mail address.")],
    role: Annotated[list[Role], typer.Option(help="A role; repeat it for several.")],
    home: Home = None,
    password_stdin: Annotated[
        bool, typer.Option("--password-stdin", help="Read the password from standard input.")
    ] = False,
    link: Annotated[
        bool, typer.Option("--link", help="Give no password; print a one-time link for signing in instead.")
    ] = False,
) -> None:
    """Add an account, or a role to one that exists. Asks for the password."""
    opened = collaborators(read_settings(home))
    lookup = accounts.email_lookup(opened.master, email)
    with opened.database.reading() as session:
        known = queries.account_id_of(session, lookup)
    is_new = known is None
    if known is None:
        hashed = None if link else accounts.hash_password(_typed_password(password_stdin))
        identity = accounts.new_identity(opened.keyring)
        with opened.database.writing() as session:
            known = accounts.add_account(
                session,
                master=opened.master,
                identity=identity,
                email=email,
                password_hash=hashed,
                role=role[0],
                now=opened.clock(),
            )
    with opened.database.writing() as session:
        for each in role:
            accounts.add_role(session, known, each)
    if not is_new:
        roles = " and ".join(dict.fromkeys(role))
        typer.echo(f"This account was there: it is {roles} now, besides what it was; its password stays.", err=True)
    typer.echo(_new_link(opened, known, LIFETIME) if link else known)


def _typed_password(from_stdin: bool) -> str:
    if from_stdin:
        return typer.get_text_stream("stdin").readline().rstrip("\n")
    typed: str = typer.prompt("Password", hide_input=True, confirmation_prompt=True)
    return typed


def link_account(
    email: Annotated[str, typer.Argument(help="The person's e-mail address.")],
    home: Home = None,
    minutes: Annotated[
        int, typer.Option(help="How long the link is good.", min=1, max=int(LONGEST_LIFETIME.total_seconds()) // 60)
    ] = int(LIFETIME.total_seconds()) // 60,
) -> None:
    """Print a one-time link that signs its reader in, whether they have a password or not. Older ones end."""
    opened = collaborators(read_settings(home))
    typer.echo(_new_link(opened, _account_of(opened, email), timedelta(minutes=minutes)))


def withdraw_account(
    email: Annotated[str, typer.Argument(help="The person's e-mail address.")],
    home: Home = None,
    close: Annotated[
        bool, typer.Option("--close", help="Close the account too, and print where its certificate will be.")
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would go, and let it be.")] = False,
) -> None:
    """Take a person's voice back in their stead: the same as if they did it, and as final. The log names the operator.

    The server, or `loanword sweep`, erases what is left.
    """
    settings = read_settings(home)
    house = collaborators(settings) if dry_run else catch_up.opened(settings)
    account_id = _account_of(house, email)
    with house.database.reading() as session:
        recordings = own_queries.counts(session, account_id, house.clock()).recordings
    in_force = [state.purpose for state in consent_states(house, account_id) if state.in_force]
    would = "would be " if dry_run else ""
    typer.echo(f"{recordings} recordings {would}withdrawn; {would}taken back: {', '.join(in_force) or 'nothing'}")
    if close:
        typer.echo("the account would be closed" if dry_run else "the account is being closed")
    if dry_run:
        return
    if close:
        typer.echo(close_account(house, account_id, ConsentMethod.OPERATOR, ConsentActor.OPERATOR))
    else:
        withdraw(house, account_id, method=ConsentMethod.OPERATOR, actor=ConsentActor.OPERATOR)


def _account_of(opened: Collaborators, email: str) -> AccountId:
    with opened.database.reading() as session:
        known = queries.account_id_of(session, accounts.email_lookup(opened.master, email))
    if known is None:
        raise UnknownAccount
    return known


def _new_link(opened: Collaborators, account_id: AccountId, lifetime: timedelta) -> str:
    if not opened.settings.public_url:
        typer.echo(f"LOANWORD_PUBLIC_URL is not set: the link is for a server at {HERE}.", err=True)
    return f"{(opened.settings.public_url or HERE).rstrip('/')}/sign-in/{make_link(opened, account_id, lifetime)}"


def publish(
    file: Annotated[
        Path, typer.Argument(help="The notice's exact wording, as UTF-8 text.", exists=True, dir_okay=False)
    ],
    locale: Annotated[str, typer.Option(help="The wording's language, such as en-US.")],
    version: Annotated[str | None, typer.Option(help="Default: the file's first line, or its SHA-256.")] = None,
    home: Home = None,
) -> None:
    """Publish a consent notice. Uploads under older ones end after the grace period."""
    opened = collaborators(read_settings(home))
    try:
        wording = file.read_text("utf-8")
    except UnicodeDecodeError as error:
        raise BadRequest(f"{file} is no text in UTF-8.") from error
    published = publish_notice(opened, wording, locale=locale, version=version)
    typer.echo(f"{published.version} {published.locale} sha256:{published.wording_sha256}")


def sweep(
    home: Home = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would go, and let it be.")] = False,
) -> None:
    """Finish withdrawals, cut anew what they touched, and erase stored objects that no row names.

    Exit status 1 if a row's object is missing.
    """
    settings = read_settings(home)
    house = collaborators(settings) if dry_run else catch_up.opened(settings)
    swept = sweep_store(house, dry_run=dry_run)
    for line in sweep_lines(swept, dry_run=dry_run):
        typer.echo(line)
    if not dry_run:
        for recut in recut_waiting(house):
            typer.echo(recut_line(recut))
        refresh_states(house)
    if swept.missing:
        raise typer.Exit(1)


def sweep_lines(swept: Swept, *, dry_run: bool) -> list[str]:
    """What a sweep found, for people."""
    lines, erased = [], swept.erased
    if erased != Erased():
        lines.append(
            f"{erased.utterances:6d} utterances of withdrawn people erased, with {erased.objects} objects; "
            f"{erased.finished} withdrawals are finished"
        )
    if swept.expired != Expired():
        lines.append(
            f"{swept.expired.originals:6d} originals and {swept.expired.recordings} recordings reached their time"
        )
    if swept.keys:
        lines.append(f"{swept.keys:6d} account keys that no row names {'would be erased' if dry_run else 'erased'}")
    if swept.orphans:
        lines.append(f"{len(swept.orphans):6d} objects that no row names {'would be erased' if dry_run else 'erased'}")
    lines += [f"would be erased: {key}" for key in swept.orphans if dry_run]
    if swept.young:
        lines.append(
            f"{swept.young:6d} objects that no row names yet left alone: uploads under way, or for the next sweep"
        )
    lines += [f"not ours, move it away: {key}" for key in swept.foreign]
    lines += [f"MISSING, a row names it: {key}" for key in swept.missing]
    return lines or ["Nothing to sweep."]
