"""Target 7: what is left anywhere of people who took their voice back. They are canaries: each leaves marks to find.

Every canary lives the whole life on a real server: a device sends a recording with what it understood, it is curated,
heard and written down by a curator, released and downloaded, taken home, and taken back. After the last look of its
erasure the marks are searched for: in every byte of every file of the house and its servers (write-ahead logs, volumes
and logs among them), in a dump of the database, and in every version of every object.
"""

import hashlib
import random
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import numpy as np

from corpus.collaborators import Collaborators
from corpus.s3 import S3Connection
from corpus.speech.decoder import Decoder
from corpus.words import Scope
from curation.examine import Workbench
from curation.executors import Inline
from curation.run import curate
from export.build import build_release
from export.publish import publish_release
from ingest.erase import LATE_WRITERS, finish_erasures
from ingest.pair_device import pair_device
from tests.e2e.server import running
from tests.factories import make_account, make_clip, make_lender, make_token, opt_in, wav
from tests.trust.gates import NAME, ONE_SHARD, VERSION, WORDS
from tests.trust.grounds import Ground
from tests.trust.refusals import bearer
from tests.trust.results import Result
from tests.trust.stock import files_that_hold
from tests.trust.stopping import Staff, hire

TARGET = "7"
SAMPLES = 16_000
WINDOW_BYTES = 48
LETTERS = "bcdfghjklmnpqrstvwxz"


@dataclass(frozen=True, slots=True)
class Canary:
    """One person, and the marks that only this one leaves."""

    email: str
    device: str
    said: str
    """What the device understood."""
    written: str
    """What the curator wrote down."""
    body: bytes
    """A recording that also says something of its own in its header, as some recorders do."""
    comment: str
    pcm: bytes

    @classmethod
    def hatch(cls, chance: random.Random) -> "Canary":
        def word() -> str:
            return "".join(chance.choices(LETTERS, k=16))

        noise = np.frombuffer(chance.randbytes(2 * SAMPLES), "<i2") // 8
        pcm = noise.astype("<i2").tobytes()
        said, written, comment = f"play {word()}", f"play {word()}", word()
        return cls(f"{word()}@example.org", word(), said, written, commented(wav(pcm), comment), comment, pcm)

    def marks(self) -> Iterator[bytes]:
        """Its words, pieces of its sound, and plain digests of it.

        The digest of the WAV file that a release made of it is no mark: its tombstone tells the world to delete that.
        """
        texts = (self.said, self.written, self.device, self.email, self.comment)
        yield from (text.rpartition(" ")[2].encode() for text in texts)
        yield from (self.pcm[at : at + WINDOW_BYTES] for at in (1000, SAMPLES, 2 * SAMPLES - 1000))
        for content in (self.body, self.pcm):
            yield hashlib.sha256(content).hexdigest().encode()
            yield hashlib.sha256(content).digest()


def commented(recording: bytes, comment: str) -> bytes:
    """The same WAV file with a comment (RIFF's `ICMT`) in front of its sound."""
    text = comment.encode()
    told = b"INFOICMT" + len(text).to_bytes(4, "little") + text
    chunk = b"LIST" + len(told).to_bytes(4, "little") + told
    whole = recording[12:36] + chunk + recording[36:]
    return b"RIFF" + (len(whole) + 4).to_bytes(4, "little") + b"WAVE" + whole


def measure_whole_lives(ground: Ground, decoder: Decoder, n: int, seed: int) -> Result:
    chance = random.Random(seed)
    canaries = [Canary.hatch(chance) for _ in range(n)]
    with ground.house() as house, tempfile.TemporaryDirectory(dir=ground.folder) as temporary:
        held_before = live(house, decoder, canaries, Path(temporary))
        erase(house)
        folders = [house.settings.home, Path(temporary), *ground.servers]
        uncollected = len(residue(ground, house, canaries, folders))
        ground.collect_garbage(house.settings)
        failures = residue(ground, house, canaries, folders)
    return Result(
        target=TARGET,
        tried="people who were recorded, heard, released and downloaded, and took their voice back; then their words, "
        "sound, digests and address searched for in the database's dump, its files and logs, every version of every "
        "object, the store's files, temporary files",
        ground=ground.name,
        n=n,
        seed=seed,
        failures=failures,
        figure=f"{held_before} marks stood in the release before, {len(failures)} anywhere after; "
        f"{uncollected} while the store had not yet collected its garbage",
    )


def live(house: Collaborators, decoder: Decoder, canaries: Sequence[Canary], temporary: Path) -> int:
    """All of a canary's life, up to its withdrawal; in how many places its marks stood before that."""
    staff = hire(house)
    make_clip(house, make_lender(house), label=WORDS)  # somebody who stays
    environment = {"TMPDIR": str(temporary)}
    with running(house.settings, environment=environment) as server, server.client() as client:
        tokens = [send(house, client, canary) for canary in canaries]
        curate(house, Inline(Workbench(house, decoder, recogniser=None)))
        judge_all(client, staff, canaries)
        build_release(house, NAME, VERSION, ONE_SHARD)
        publish_release(house, NAME, VERSION)
        archive = f"/v1/releases/{NAME}/{VERSION}/files/archives/train-00000.tar"
        taken = client.get(archive, headers=bearer(staff.engineer)).raise_for_status().content
        held = sum(mark in taken for canary in canaries for mark in canary.marks())
        for token in tokens:
            client.get("/me/take-home", headers=bearer(token)).raise_for_status()
        for token in tokens:
            client.post("/v1/consent/withdraw", headers=bearer(token)).raise_for_status()
    if held < 3 * len(canaries):
        raise AssertionError(f"a release of {len(canaries)} canaries holds only {held} marks: they led no whole life")
    return held


def send(house: Collaborators, client: httpx.Client, canary: Canary) -> str:
    """The token of an account that has sent its recording."""
    account_id = make_account(house, email=canary.email)
    opt_in(house, account_id)
    paired = pair_device(house, account_id, canary.device)
    headers = bearer(paired.token) | {"Loanword-Transcript": canary.said.replace(" ", "%20")}
    client.post("/v1/utterances", content=canary.body, headers=headers).raise_for_status()
    return make_token(house, account_id, Scope.ACCOUNT)


def judge_all(client: httpx.Client, staff: Staff, canaries: Sequence[Canary]) -> None:
    """A curator hears each clip that waits, and writes down what it says."""
    written = {canary.said: canary.written for canary in canaries}
    headers = bearer(staff.curator)
    while (offer := client.get("/v1/review/next", headers=headers)).status_code == 200:
        clip = offer.json()
        client.get(clip["audio_url"], headers=headers).raise_for_status()
        heard = (clip["hypothesis"] or {}).get("text", "")
        judgement = {"decision": "accept", "transcript": written.get(heard, WORDS)}
        client.post(f"/v1/review/clips/{clip['clip_id']}", json=judgement, headers=headers).raise_for_status()


def erase(house: Collaborators) -> None:
    """What the server does within a quarter of an hour, up to the last look for late writers."""
    finish_erasures(house)
    later = house.clock() + LATE_WRITERS + timedelta(minutes=1)
    finish_erasures(replace(house, clock=lambda: later))


def residue(ground: Ground, house: Collaborators, canaries: Sequence[Canary], folders: Sequence[Path]) -> list[str]:
    """Every place that still holds a mark."""
    marks = [mark for canary in canaries for mark in canary.marks()]
    with ExitStack() as stack:
        aside = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        ground.dump(house.settings, aside / "dump.sql")
        for number, content in enumerate(every_version(house)):
            (aside / f"object-{number}").write_bytes(content)
        return sorted(files_that_hold(marks, [*folders, aside]))


def every_version(house: Collaborators) -> Iterator[bytes]:
    """The bytes of each version of each object, where the store is a bucket; a directory is searched as files."""
    url = urlsplit(house.settings.resolved_object_store())
    if url.scheme != "s3":
        return
    client = S3Connection(house.settings.s3_endpoint_url).client
    pages = client.get_paginator("list_object_versions").paginate(Bucket=url.netloc, Prefix=url.path.lstrip("/"))
    for each in (each for page in pages for each in page.get("Versions", [])):
        yield client.get_object(Bucket=url.netloc, Key=each["Key"], VersionId=each["VersionId"])["Body"].read()
