"""What a steward runs: `loanword release`."""

import json
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from corpus.collaborators import Collaborators, collaborators
from corpus.settings import read_settings
from export import policy as policies
from export.build import ReleaseSummary, build_release
from export.policy import Policy
from export.publish import list_releases, publish_release, show_release
from export.queries import ReleaseFacts
from export.recipients import mail, recipients
from export.recut import Recut, recut_release, revoke_release
from export.state import refresh_states
from loanword.catch_up import opened
from loanword.commands.options import AsJson, Home
from loanword.commands.progress import progress_bar

Name = Annotated[str, typer.Argument(help="The release's name: lower case letters, digits, dots and dashes.")]
Version = Annotated[str, typer.Option("--version", help="The release's version, such as 1 or 2026.3.")]


def add_to(app: typer.Typer) -> None:
    """Adds release build, list, show, publish, recut, revoke and recipients."""
    release = typer.Typer(help="Releases: build, publish, cut anew, revoke; and who has them.", no_args_is_help=True)
    release.command()(build)
    release.command("list")(list_all)
    release.command()(show)
    release.command()(publish)
    release.command()(recut)
    release.command()(revoke)
    release.command("recipients")(list_recipients)
    app.add_typer(release, name="release")


def build(
    name: Name,
    version: Version,
    home: Home = None,
    policy: Annotated[
        Path | None, typer.Option(help="A TOML file: split shares, minimum speakers, durations, licence.")
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what the release would hold, and make none.")] = False,
    as_json: AsJson = False,
) -> None:
    """Build a draft from all clips that are reviewed and consented to. The same draft again is the same bytes."""
    house = _opened(home, dry_run=dry_run)
    chosen = Policy() if policy is None else policies.read(policy)
    with progress_bar("building") as on_progress:
        summary = build_release(house, name, version, chosen, dry_run=dry_run, on_progress=on_progress)
    if as_json:
        typer.echo(json.dumps(asdict(summary), default=str, sort_keys=True))
        return
    for line in release_lines(summary):
        typer.echo(line)


def publish(name: Name, version: Version, home: Home = None) -> None:
    """Check a draft whole, ask everyone's consent once more, and make it the current version."""
    _tell([publish_release(opened(read_settings(home)), name, version)], as_json=False)


def recut(name: Name, version: Version, home: Home = None, as_json: AsJson = False) -> None:
    """Cut a version anew without the voices that were withdrawn. `serve` and `sweep` do it by themselves."""
    house = opened(read_settings(home))
    with progress_bar("cutting anew") as on_progress:
        made = recut_release(house, name, version, on_progress)
    refresh_states(house)
    typer.echo(json.dumps(asdict(made), sort_keys=True) if as_json else recut_line(made))


def revoke(
    name: Name,
    version: Version,
    reason: Annotated[str, typer.Option(help="Why, for everyone to read: it stays in the ledger. Name no person.")],
    home: Home = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be revoked, and let it be.")] = False,
) -> None:
    """End a version for good and erase its files. Nobody can pull it any more, and clients say so."""
    house = _opened(home, dry_run=dry_run)
    facts = show_release(house, name, version).facts
    typer.echo(f"{name}@{version}  {facts.state}  {facts.clips} clips{'  would be revoked' if dry_run else ''}")
    if not dry_run:
        revoke_release(house, name, version, reason)
        refresh_states(house)
        typer.echo("revoked")


def list_recipients(name: Name, home: Home = None, as_json: AsJson = False) -> None:
    """List who pulled a release, what they report to have removed, and a mail to each who has not reported it."""
    found = recipients(collaborators(read_settings(home)), name)
    if as_json:
        typer.echo(json.dumps([asdict(each) for each in found], default=str, sort_keys=True))
        return
    for each in found:
        pulled = each.pulled
        reported = f"reported up to serial {pulled.acknowledged_serial}" if pulled.acknowledged_serial else "no report"
        who, what = each.email or "(account closed)", f"{name}@{pulled.version} r{pulled.revision}"
        gone = f"{pulled.withdrawn} clips withdrawn, {pulled.unacknowledged} not reported removed"
        typer.echo(f"{who}  {what}  last pulled {pulled.last_at:%Y-%m-%d}  {gone}  {reported}")
    for each in found:
        if each.email and each.pulled.unacknowledged:
            typer.echo(f"\n{mail(each, name)}", nl=False)


def recut_line(made: Recut) -> str:
    """What a re-cut made, for people."""
    whole = f"{made.name}@{made.version}"
    if made.revision is None:
        return f"{whole}: nobody is left in it, and it is revoked"
    return (
        f"{whole} is revision {made.revision}: {made.clips} clips; "
        f"{made.archives_kept} archives kept as they were, {made.archives_made} made anew"
    )


def list_all(home: Home = None, as_json: AsJson = False) -> None:
    """List every version of every release."""
    _tell(list_releases(collaborators(read_settings(home))), as_json)


def show(name: Name, version: Version, home: Home = None) -> None:
    """Show one version, with its counts and its policy, as JSON."""
    view = show_release(collaborators(read_settings(home)), name, version)
    typer.echo(json.dumps(asdict(view), default=str, indent=2, sort_keys=True))


def release_lines(summary: ReleaseSummary) -> list[str]:
    """What a build made, for people."""
    lines = [
        f"{split.value:>5}: {counted.clips} clips, {counted.duration_s / 60:.1f} min, {counted.speakers} speakers"
        for split, counted in summary.counts.items()
    ]
    lines += [f"left out, {reason}: {count}" for reason, count in sorted(summary.left_out.items())]
    lines += [f"warning, {warning.name}: {warning.message}" for warning in summary.warnings]
    whole = f"{summary.name}@{summary.version}: {summary.shards} archives, {summary.size_bytes / 1e6:.1f} MB in all"
    return [*lines, f"{whole} (nothing was made)" if summary.dry_run else whole]


def _opened(home: Path | None, *, dry_run: bool) -> Collaborators:
    """A dry run looks at the database as it is: what a restored one has forgotten happens again in a real one."""
    settings = read_settings(home)
    return collaborators(settings) if dry_run else opened(settings)


def _tell(releases: list[ReleaseFacts], as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps([asdict(facts) for facts in releases], default=str))
        return
    for facts in releases:
        published = _day(facts.published_at)
        typer.echo(
            f"{facts.name}@{facts.version}  {facts.state}  {facts.clips} clips  {facts.speakers} speakers  {published}"
        )


def _day(moment: datetime | None) -> str:
    return f"published {moment:%Y-%m-%d}" if moment else "not published"
