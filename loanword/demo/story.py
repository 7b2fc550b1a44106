"""Tells the demo on its running ground: each step, what happened in it, how often and how long it took."""

import shutil
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import httpx
from rich.console import Console

from corpus.collaborators import Collaborators
from corpus.errors import DemoFailed
from corpus.words import Split
from curation.executors import ProcessPool
from curation.run import Watcher, curate
from export.build import ReleaseSummary, build_release
from export.client import proofs
from export.client.prune_copy import prune_copy
from export.client.pull import PullSummary, pull
from export.client.verify import verify
from export.policy import Policy
from export.publish import publish_release
from export.queries import assigned_splits
from export.recipients import recipients
from export.recut import recut_release
from ingest.publish_notice import publish_notice
from loanword.commands.curating import curation_lines
from loanword.commands.progress import progress_bar
from loanword.commands.releasing import recut_line, release_lines
from loanword.demo.cast import Cast, assemble
from loanword.demo.curator import review_all
from loanword.demo.devices import STORED, Answered, upload_all, upload_one
from loanword.demo.recordings import Recording

NOTICE = Path(__file__).parent.parent / "notices" / "en-US.md"
RELEASE, VERSION = "demo", "1"
POLICY = Policy(
    name=RELEASE,
    min_speakers={Split.DEV: 1, Split.TEST: 1},
    licence_id="CC0-1.0",
    licence_text="The demo's built-in samples are synthesised and free to use: CC0-1.0.",
)

Say = Callable[[str], None]


class Story:
    """The steps of the demo, and what they share."""

    def __init__(self, house: Collaborators, url: str, console: Console, workers: int) -> None:
        self._house, self._url, self._console, self._workers = house, url, console, workers
        self._client = httpx.Client(base_url=url, timeout=60)
        self._steps = 0
        self._pulled = house.settings.home / "pulled" / VERSION
        self._copy = house.settings.home / "pulled" / "copy"

    def tell(self, recordings: Sequence[Recording]) -> Cast:
        """Runs every step; returns who played. Raises `DemoFailed` where a step does not end as it must."""
        cast = self._agree(recordings)
        self._upload(cast)
        self._curate()
        self._review(cast)
        first = self._release(cast)
        self._withdraw(cast)
        self._recut(first, cast)
        self._follow(cast)
        return cast

    def _agree(self, recordings: Sequence[Recording]) -> Cast:
        with self._step("People agree, or do not") as say:
            notice = publish_notice(self._house, NOTICE.read_text("utf-8"), locale="en-US")
            cast = assemble(self._house, self._client, recordings, notice)
            say(f"notice {notice.version} ({notice.locale}) is published, its wording's SHA-256 on record")
            say(f"{len(cast.lenders)} people opted in to collect, review and publish; each paired a device")
            say("1 person was asked and did not agree; a device of theirs is paired all the same")
        return cast

    def _upload(self, cast: Cast) -> None:
        with self._step("Devices upload, over HTTP") as say:
            began = time.monotonic()
            answered = upload_all(self._url, cast)
            answers = Counter(each.answer for each in answered)
            rate = len(answered) / (time.monotonic() - began)
            say(f"{len(answered)} recordings sent, {rate:.0f} a second: {_listed(answers)}")
            first = next(each for each in answered if each.answer == STORED)
            self._check_retry(cast, first)
            say("a retry under the same idempotency key got the first answer again")
            self._send_copy(cast, first.recording)
            say("a copy of it under another name was stored as an utterance of its own: a duplicate to be found")
            refused = upload_one(self._client, cast.refuser, first.recording)
            say(f"the device of the person who did not agree was refused before its body was read: {refused.answer}")
            _must(refused.answer == "consent-not-given", "an upload without consent was not refused")

    def _check_retry(self, cast: Cast, first: Answered) -> None:
        again = upload_one(self._client, cast.lenders[first.recording.speaker], first.recording)
        _must(again.utterance_id == first.utterance_id, "a retry got another id")

    def _send_copy(self, cast: Cast, recording: Recording) -> None:
        copy = self._house.settings.home / f"copy-of-{recording.path.name}"
        shutil.copyfile(recording.path, copy)
        copied = upload_one(self._client, cast.lenders[recording.speaker], replace(recording, path=copy))
        _must(copied.answer == STORED, "a copy was not stored")
        copy.unlink()

    def _curate(self) -> None:
        with self._step("Curation decodes, measures and judges") as say:
            with (
                progress_bar("   curating", self._console, unit="clips") as on_progress,
                ProcessPool(self._house.settings, self._workers) as pool,
            ):
                counts = curate(self._house, pool, watcher=Watcher(on_progress=on_progress))
            for line in curation_lines(counts):
                say(line)
            _must(counts.kept > 0, "no clip was kept")

    def _review(self, cast: Cast) -> None:
        with self._step("A curator reviews, through the API") as say:
            judgements = review_all(self._client, cast.curator.token)
            say(f"{judgements.total()} clips heard over HTTP: {_listed(judgements)}")
            say("this curator does not listen: it accepts with the transcripts that came with the recordings")

    def _release(self, cast: Cast) -> ReleaseSummary:
        with self._step(f"Release {RELEASE}@{VERSION} is built, published, pulled and verified") as say:
            summary = build_release(self._house, RELEASE, VERSION, POLICY)
            publish_release(self._house, RELEASE, VERSION)
            for line in release_lines(summary):
                say(line)
            pulled = self._pull(self._pulled, cast)
            say(f"pulled and verified in {self._pulled}: signature, ledger, a proof of consent a clip")
            say(f"its key is pinned; its fingerprint begins {proofs.fingerprint(pulled.key)[:19]}")
            shutil.copytree(self._pulled, self._copy)
            say(f"a colleague copied the folder, to {self._copy}")
        return summary

    def _pull(self, directory: Path, cast: Cast) -> PullSummary:
        pins_file = self._house.settings.home / "pins.json"  # not in the configuration of whoever runs the demo
        pulled = pull(RELEASE, directory, self._url, cast.engineer.token, pins_file=pins_file)
        _must(pulled.report.sound, f"{directory} is not sound: {pulled.report.problems}")
        return pulled

    def _withdraw(self, cast: Cast) -> None:
        with self._step("One person withdraws everything") as say:
            speaker = self._leaver(cast)
            leaver, lent = cast.lenders[speaker], sum(each.speaker == speaker for each in cast.recordings)
            began = time.monotonic()
            self._client.post("/v1/consent/withdraw", json={}, headers=leaver.as_owner).raise_for_status()
            say(f"the answer took {(time.monotonic() - began) * 1000:.0f} ms: gate closed, key destroyed")
            again = upload_one(self._client, leaver, cast.recordings[0])
            say(f"their device was told to stop: {again.answer}; their {lent} recording(s) are being erased")
            _must(again.answer == "consent-withdrawn", "an upload after a withdrawal was not refused")
            gone = self._client.get(f"/v1/releases/{RELEASE}/{VERSION}/files/train.csv", headers=cast.as_engineer)
            say(f"{RELEASE}@{VERSION}, which held their voice, is served no more: HTTP {gone.status_code}")
            _must(gone.status_code == httpx.codes.GONE, "a release with a withdrawn voice was served")
            tombstones = self._tombstones(cast)
            _must(tombstones != [], "a withdrawn clip has no tombstone")
            say(f"{len(tombstones)} of their clips have a signed tombstone: {tombstones[0]}")

    def _leaver(self, cast: Cast) -> str:
        """Somebody of the training split, which has others left: a small demo's dev and test may rest on one person."""
        with self._house.database.reading() as session:
            splits = assigned_splits(session, RELEASE)
        return cast.leaver([account_id for account_id, split in splits.items() if split is Split.TRAIN])

    def _tombstones(self, cast: Cast) -> list[str]:
        answer = self._client.get(f"/v1/releases/{RELEASE}/tombstones.csv", headers=cast.as_engineer)
        return answer.raise_for_status().text.splitlines()[1:]

    def _recut(self, first: ReleaseSummary, cast: Cast) -> None:
        with self._step(f"{RELEASE}@{VERSION} is cut anew without them") as say:
            say("the server does this by itself within a minute; here it is asked for at once")
            made = recut_release(self._house, RELEASE, VERSION)
            say(recut_line(made))
            before = sum(split.clips for split in first.counts.values())
            say(f"it had {before} clips, and has {made.clips}; nobody else changed their split")
            _must(made.clips == before - len(self._tombstones(cast)), "the withdrawn voice is still there")

    def _follow(self, cast: Cast) -> None:
        with self._step("Those who have it follow") as say:
            pulled = self._pull(self._pulled, cast)
            size = f"{pulled.downloaded_bytes / 1e6:.2f} MB"
            say(f"the next pull into the same folder removed {len(pulled.withdrawn)} clips and loaded {size}:")
            say(f"it is revision {pulled.revision} now, and verified")
            before = verify(self._copy)
            say(f"the colleague's copy is sound for who knows nothing newer: {before.sound}")
            pruned = prune_copy(self._copy, self._url, cast.engineer.token)
            say(f"`loanword prune` took {len(pruned.clips)} clips out of it, and reported that to the server")
            after = verify(self._copy)
            _must(
                after.sound and after.withdrawn == len(pruned.clips) > 0, f"{self._copy} is not sound: {after.problems}"
            )
            say("what is left of it verifies: the signed set, minus exactly the clips with tombstones")
            waiting = [each for each in recipients(self._house, RELEASE) if each.pulled.unacknowledged]
            _must(waiting == [], "a recipient has not reported")
            say("every recipient on record has reported; a report is their word, and no proof")

    @contextmanager
    def _step(self, title: str) -> Iterator[Say]:
        self._steps += 1
        self._console.print(f"\n[bold]{self._steps}. {title}[/]")
        began = time.monotonic()
        yield lambda line: self._console.print(f"   {line}", highlight=False, soft_wrap=True)
        self._console.print(f"   [dim]{time.monotonic() - began:.1f} s[/]", highlight=False)


def _listed(counts: Counter[str]) -> str:
    return ", ".join(f"{count} {what}" for what, count in counts.most_common())


def _must(holds: bool, otherwise: str) -> None:
    if not holds:
        raise DemoFailed(f"The demo failed: {otherwise}.")
