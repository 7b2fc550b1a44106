"""Runs the demo: its ground, its story, and what to open next."""

import time
from pathlib import Path

from rich.console import Console

from corpus.collaborators import collaborators
from corpus.settings import Settings
from loanword.demo.cast import SignedIn
from loanword.demo.ground import BUCKET, make_home, server_over, store_under
from loanword.demo.recordings import SAMPLES, read_manifest
from loanword.demo.story import RELEASE, VERSION, Story
from loanword.prepare import prepare


def run_demo(home: Path, clips: Path | None, console: Console, *, workers: int, stay: bool) -> None:
    """The whole road once under `home`. With `stay` the servers go on until interrupted; every child is reaped."""
    began = time.monotonic()
    recordings = read_manifest(clips or SAMPLES)
    if make_home(home):
        console.print(f"Cleared away the earlier demo in {home}.", soft_wrap=True)
    with store_under(home) as store:
        settings = Settings(
            home=home,
            object_store=f"s3://{BUCKET}/voices",
            s3_endpoint_url=store.endpoint_url,
            uploads_per_minute=100_000,
            doubtful_reviews=1,  # there is one curator, who does not listen: two such would agree on anything
        )
        prepare(settings)
        with server_over(settings) as url:
            console.print(
                f"SQLite in {home / 'loanword.db'}, SeaweedFS on {store.endpoint_url}, Loanword on {url}",
                soft_wrap=True,
            )
            house = collaborators(settings)
            cast = Story(house, url, console, workers).tell(recordings)
            house.database.close()
            console.print(f"\n[bold]Done[/] in {time.monotonic() - began:.1f} s. Look at:", highlight=False)
            _say_what_to_look_at(console, home, url if stay else None, cast.curator)
            if stay:
                _until_interrupted()


def _say_what_to_look_at(console: Console, home: Path, url: str | None, curator: SignedIn) -> None:
    for path, what in (
        (home / "pulled" / VERSION / "train.csv", "what DeepSpeech and Coqui read"),
        (home / "pulled" / VERSION / "datasheet.html", "what is in the release, for people"),
        (home / "pulled" / VERSION / "consent.jsonl", "a proof of consent a clip"),
    ):
        console.print(f"   {path}  {what}", highlight=False, soft_wrap=True)
    if url is None:
        console.print("   Run it with --stay to keep the servers, and to open their pages.", highlight=False)
        return
    for page, what in (("/", "start"), ("/review", "the review console"), ("/openapi.json", "the API")):
        console.print(f"   {url}{page}  {what}", highlight=False)
    console.print(f"   Sign in as {curator.email}, password {curator.password}", highlight=False, soft_wrap=True)
    console.print(f"   The release is {RELEASE}@{VERSION}. Interrupt to stop.", highlight=False)


def _until_interrupted() -> None:
    try:
        while True:
            time.sleep(3600)
    except KeyboardInterrupt:
        return
