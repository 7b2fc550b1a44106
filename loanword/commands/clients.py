"""What devices and engineers run against somebody's server: sign in, pair, upload, pull, verify."""

import json
import sys
from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated

import httpx
import typer

from corpus.errors import ServerRefused, Unauthenticated
from corpus.words import Scope
from export.client import proofs
from export.client.pins import user_pins_file
from export.client.prune_copy import prune_copy
from export.client.pull import PullProgress
from export.client.pull import pull as pull_release
from export.client.verify import VerifyReport
from export.client.verify import verify as verify_release
from ingest import client as uploading
from ingest.pairing.client import TIMEOUT as PAIRING_TIMEOUT
from ingest.pairing.client import Shown
from ingest.pairing.client import pair as pair_by_code
from loanword.commands.options import AsJson, Server, ServerIfAny
from loanword.commands.progress import progress_bar
from loanword.token_file import TokenFile

Token = Annotated[
    str | None,
    typer.Option("--token", envvar="LOANWORD_TOKEN", help="Instead of the one that `sign-in` or `device pair` kept."),
]
Trust = Annotated[
    str | None,
    typer.Option("--trust", help="The operator's public key: 64 hexadecimal digits, or a file that holds them."),
]
Email = Annotated[str, typer.Option(prompt="E-mail", help="The account's e-mail address.")]
Password = Annotated[str, typer.Option(prompt="Password", hide_input=True, help="Better typed than given here.")]


def add_to(app: typer.Typer) -> None:
    """Adds sign-in, device, upload, pull, verify and prune."""
    app.command("sign-in")(sign_in)
    device = typer.Typer(help="This machine as a device that uploads.", no_args_is_help=True)
    device.command("pair")(pair)
    device.callback()(lambda: None)
    app.add_typer(device, name="device")
    app.command()(upload)
    app.command()(pull)
    app.command()(verify)
    app.command()(prune)


def sign_in(
    server: Server,
    email: Email,
    password: Password,
    scope: Annotated[list[Scope], typer.Option(help="What the token is for; repeat it for several.")],
    days: Annotated[int, typer.Option(help="How long the token lasts.", min=1, max=366)] = 30,
) -> None:
    """Get a token with a password, and keep it in a private file for later commands."""
    token = _token(server, email, password, [*scope], timedelta(days=days))
    path = TokenFile.of(server, "account").write(token)
    typer.echo(f"Signed in; the token is in {path}.")


def pair(server: Server) -> None:
    """Make this machine a device of whoever types the code that is shown, and keep its token in a private file."""

    def show(shown: Shown) -> None:
        typer.echo(f"Open {shown.address} and type", err=True)
        typer.echo(f"\n    {shown.user_code}\n", err=True)
        typer.echo(f"or open {shown.address_with_code}", err=True)
        typer.echo(f"Waiting, for {shown.expires_in_s / 60:.0f} minutes at most …", err=True)

    with httpx.Client(base_url=server, timeout=PAIRING_TIMEOUT) as http:
        token = pair_by_code(http, show)
    path = TokenFile.of(server, "device").write(token)
    typer.echo(f"Paired; the device's token is in {path}.")


def upload(
    paths: Annotated[list[Path], typer.Argument(help="Recordings, or folders of them.", exists=True)],
    server: Server,
    token: Token = None,
    locale: Annotated[str | None, typer.Option(help="What is spoken, such as en-US; default the server's.")] = None,
    recorded_at_file_time: Annotated[
        bool,
        typer.Option(
            "--recorded-at-file-time", help="Say that each was recorded when its file was last changed; default now."
        ),
    ] = False,
) -> None:
    """Upload recordings, each once: what was sent before is skipped, what was interrupted goes on.

    Exit status 1 if any was refused, now or before.
    """
    kept = TokenFile.of(server, "device")
    bearer = token or kept.read()
    recordings = [
        uploading.Recording(path, locale=locale, captured_at=_changed_at(path) if recorded_at_file_time else None)
        for path in recordings_in(paths)
    ]
    fates: Counter[str] = Counter()
    with httpx.Client(base_url=server, timeout=uploading.TIMEOUT) as http, progress_bar("uploading") as progress:

        def on_sent(sent: uploading.Sent) -> None:
            before = sent.fate is uploading.Fate.REFUSED_BEFORE
            fates[(not before and sent.problem) or sent.fate.value] += 1
            if sent.refused:
                typer.echo(f"{sent.recording.path}: {sent.problem}{' (refused before)' if before else ''}", err=True)
            progress(fates.total(), len(recordings))

        spool = uploading.Spool(kept.sent_with(bearer))
        outcomes = uploading.upload_all(recordings, uploading.Uploader(http, bearer), spool, on_sent)
    for fate, count in fates.most_common():
        typer.echo(f"{count:6d} {fate}")
    if any(sent.refused for sent in outcomes):
        raise typer.Exit(1)


def recordings_in(paths: Iterable[Path]) -> list[Path]:
    """The files that are named, and those below the folders that are, hidden ones left out; sorted."""
    found = [file for path in paths for file in (path.rglob("*") if path.is_dir() else [path])]
    return sorted(file for file in found if file.is_file() and not file.name.startswith("."))


def _changed_at(file: Path) -> str:
    return datetime.fromtimestamp(file.stat().st_mtime, UTC).isoformat()


def pull(
    release: Annotated[str, typer.Argument(help="NAME, or NAME@VERSION.")],
    directory: Annotated[Path, typer.Argument(help="Where to; pulling there again resumes.", file_okay=False)],
    server: Server,
    token: Token = None,
    keep_archives: Annotated[
        bool, typer.Option("--keep-archives", help="Keep the tar files beside the clips.")
    ] = False,
    trust: Trust = None,
    as_json: AsJson = False,
) -> None:
    """Pull a release, verified and ready to train on. Interrupted, it goes on where it was.

    What was withdrawn since the last pull is removed from the folder first.
    """
    bearer = token or TokenFile.of(server, "account").read()
    with progress_bar("pulling") as progress:

        def on_progress(at: PullProgress) -> None:
            progress(at.done_bytes, at.total_bytes)

        def on_withdrawn(clips: tuple[str, ...], reported: bool) -> None:
            count = "1 clip" if len(clips) == 1 else f"{len(clips)} clips"
            unreported = "" if reported else " The server could not be told of it: pull or prune again."
            typer.echo(f"Withdrawn since, and removed from here: {count}.{unreported}", err=True)

        summary = pull_release(
            release,
            directory,
            server,
            bearer,
            on_progress,
            keep_archives,
            on_withdrawn=on_withdrawn,
            pins_file=user_pins_file(),
            trust=_key(trust),
        )
    if summary.key_is_new:
        typer.echo(f"Trusting from now on the key {proofs.key_id(summary.key)}; its fingerprint is", err=True)
        typer.echo(f"  {proofs.fingerprint(summary.key)}", err=True)
        typer.echo("Compare it with the one that the operator publishes.", err=True)
    _tell(summary.report, as_json)


def verify(
    directory: Annotated[Path, typer.Argument(help="A pulled release.", exists=True, file_okay=False)],
    trust: Trust = None,
    as_json: AsJson = False,
) -> None:
    """Check a release on this disk, needing no network: signature, digests, proofs of consent, rows, recordings."""
    _tell(verify_release(directory, trust=_key(trust), pins_file=user_pins_file()), as_json)


def prune(
    directory: Annotated[Path, typer.Argument(help="A pulled release.", exists=True, file_okay=False)],
    server: ServerIfAny = None,
    token: Token = None,
    as_json: AsJson = False,
) -> None:
    """Remove from a local copy what was withdrawn: from its CSVs, its clips and its archives."""
    bearer = (token or TokenFile.of(server, "account").read()) if server else None
    done = prune_copy(directory, server, bearer, pins_file=user_pins_file())
    if as_json:
        typer.echo(json.dumps(asdict(done), default=str, sort_keys=True))
        return
    typer.echo(f"{done.name}@{done.version} in {directory}: {len(done.clips)} withdrawn clips removed")
    for path in done.archives:
        typer.echo(f"{path} held one: its other clips lie loose now")
    if done.state != "current":
        typer.echo(f"This version is {done.state}: pull the release again, into another folder")
    typer.echo(
        "Reported to the server." if done.reported else "Not reported: give --server, or pull the release again."
    )


def _tell(report: VerifyReport, as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps(asdict(report), default=str, sort_keys=True))
    elif report.sound:
        clips = ", ".join(f"{count} {split}" for split, count in report.clips.items())
        typer.echo(f"{report.name}@{report.version} in {report.directory} is sound: {clips}")
        if report.withdrawn:
            typer.echo(f"{report.withdrawn} clips of it were withdrawn, and are not here")
        if not report.trusted:
            typer.echo(f"Signed by the key {report.key}, which nobody vouched for: give it with --trust")
    for problem in () if as_json else report.problems:
        typer.echo(str(problem), file=sys.stderr)
    if not report.sound:
        raise typer.Exit(1)


def _key(trust: str | None) -> bytes | None:
    """From 64 hexadecimal digits, or a file that holds them."""
    if trust is None:
        return None
    return proofs.parse_key(Path(trust).read_text() if Path(trust).is_file() else trust)


def _token(server: str, email: str, password: str, scopes: list[Scope], lifetime: timedelta) -> str:
    asked = {
        "email": email,
        "password": password,
        "scopes": scopes,
        "lifetime": int(lifetime.total_seconds()),
    }
    return str(_ask(server, "/v1/tokens", asked, {})["token"])


def _ask(server: str, path: str, body: dict[str, object], headers: dict[str, str]) -> dict[str, object]:
    try:
        answer = httpx.post(server.rstrip("/") + path, json=body, headers=headers, timeout=30)
    except (httpx.TransportError, httpx.InvalidURL) as error:
        raise ServerRefused(f"{server} does not answer: {error}") from error
    if answer.is_success:
        said: dict[str, object] = answer.json()
        return said
    problem = answer.json() if "json" in answer.headers.get("content-type", "") else {}
    detail = problem.get("detail", f"{server} answered {answer.status_code}.")
    raise Unauthenticated(detail) if answer.status_code == httpx.codes.UNAUTHORIZED else ServerRefused(detail)
