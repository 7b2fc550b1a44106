"""What a steward runs: `loanword release`."""

import json
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from corpus.collaborators import collaborators
from corpus.settings import read_settings
from export import policy as policies
from export.build import ReleaseSummary, build_release
from export.policy import Policy
from export.publish import list_releases, publish_release, show_release
from export.queries import ReleaseFacts
from loanword.commands.options import AsJson, Home
from loanword.commands.progress import progress_bar

Name = Annotated[str, typer.Argument(help="The release's name: lower case letters, digits, dots and dashes.")]
Version = Annotated[str, typer.Option("--version", help="The release's version, such as 1 or 2026.3.")]


def add_to(app: typer.Typer) -> None:
    """Adds release build, list, show and publish."""
    release = typer.Typer(help="Releases: build a draft, look at it, publish it.", no_args_is_help=True)
    release.command()(build)
    release.command("list")(list_all)
    release.command()(show)
    release.command()(publish)
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
    house = collaborators(read_settings(home))
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
    _tell([publish_release(collaborators(read_settings(home)), name, version)], as_json=False)


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
