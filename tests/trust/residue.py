"""Target 7: once erased, nothing of a person is found anywhere, in no form, and no older copy of the database opens.

Canaries opt in to everything, are recorded, curated, reviewed and released; then half of them withdraw and half close
their account. After the last look the database (its dump, SQLite's file and its log), every version of every object,
the key store, every file of the home and every log is searched for each thing that was theirs.

Left out, as docs/erasure.md says: what a store keeps inside until it compacts; and in PostgreSQL's own log and pages,
until they are recycled, ids and keyed digests (what is sealed is searched for there too). The journal names the voice
key that was destroyed, which leads to nobody.
"""

import base64
import hashlib
import io
import random
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from urllib.parse import urlsplit

import numpy as np
import psycopg
import structlog
from psycopg import sql
from sqlalchemy import select
from sqlalchemy.engine import make_url

from corpus.collaborators import Collaborators
from corpus.database import Database
from corpus.demographics import AgeBand, Field
from corpus.errors import KeyDestroyed, ObjectAbsent
from corpus.keys import KeyKind
from corpus.s3 import S3Connection
from corpus.speech.decoder import Decoder
from corpus.tables import Account, Clip, Utterance
from corpus.words import Purpose, Role, Split, UtteranceId, utc_now
from curation.examine import Workbench
from curation.review import review
from curation.run import decide_duplicates
from curation.worker import curate_batch
from export.build import build_release
from export.catalogue.serve_file import find_file, open_span
from export.policy import Policy
from export.publish import publish_release
from ingest.body import Body
from ingest.close_account import close_account
from ingest.demographics import tell
from ingest.erase import LATE_WRITERS, finish_erasures
from ingest.give_consent import Agreement, give_consent
from ingest.metadata import Metadata
from ingest.record_utterance import admit, record
from ingest.sweep import sweep
from ingest.withdraw import withdraw
from tests.factories import Lender, make_account, make_device, publish_notice, wav
from tests.trust.canaries import commented
from tests.trust.grounds import Ground
from tests.trust.results import Result

TARGET = "7"
RECORDINGS_EACH = 2
STAY = 2
"""People who keep lending, so that a release has somebody left."""

AUDIO_BYTES = 48
"""Of each recording, so many bytes from its middle are looked for."""

NAME, VERSION = "canaries", "1"
ONE_SHARD = Policy(shares={Split.TRAIN: 1.0, Split.DEV: 0.0, Split.TEST: 0.0})


class MovableClock:
    """The time now, and some more."""

    def __init__(self) -> None:
        self.ahead = timedelta()

    def __call__(self) -> datetime:
        return utc_now() + self.ahead


@dataclass
class Canary:
    """Somebody made up, and everything that is theirs."""

    lender: Lender
    email: str
    closes: bool
    utterances: list[UtteranceId] = field(default_factory=list)
    sealed: dict[str, bytes] = field(default_factory=dict)
    """What nobody may find anywhere, by what it is."""
    named: dict[str, bytes] = field(default_factory=dict)
    """Ids and keyed digests: nowhere but in PostgreSQL's own files, for a while."""


@dataclass(frozen=True, slots=True)
class Marker:
    """One form of one thing."""

    what: str
    form: bytes
    is_sealed: bool


def measure_residue(ground: Ground, decoder: Decoder, n: int, seed: int) -> Result:
    """`n` canaries."""
    clock, failures = MovableClock(), list[str]()
    with ground.house(clock) as house, logs_in(house.settings.home / "residue.log"):
        canaries = live(house, decoder, n, random.Random(seed))
        old = older_copy(house)
        leave(house, clock, canaries)
        failures += residue(ground, house, markers_of(canaries))
        failures += list(resurrected(house, old, canaries))
        old.close()
    return Result(
        TARGET,
        f"{n // 2} canaries withdraw, {n - n // 2} close their account",
        ground.name,
        n,
        seed,
        failures,
        figure=f"{len(markers_of(canaries))} byte strings searched for",
    )


# Living


def live(house: Collaborators, decoder: Decoder, n: int, chance: random.Random) -> list[Canary]:
    publish_notice(house)
    canaries = [_opted_in(house, chance, number) for number in range(n + STAY)]
    for canary in canaries:
        _recorded(house, canary, chance)
    ids = [each for canary in canaries for each in canary.utterances]
    for start in range(0, len(ids), 32):
        curate_batch(Workbench(house, decoder, recogniser=None), ids[start : start + 32])
    decide_duplicates(house)
    _reviewed(house, canaries)
    _digested(house, canaries)
    build_release(house, NAME, VERSION, ONE_SHARD)
    publish_release(house, NAME, VERSION)
    file = find_file(house, NAME, VERSION, "archives/train-00000.tar")
    assert sum(map(len, open_span(house, file, 0, file.size_bytes))) == file.size_bytes
    return canaries[:n]


def _opted_in(house: Collaborators, chance: random.Random, number: int) -> Canary:
    email = f"{_nonce(chance)}@canaries.example"
    account_id = make_account(house, email=email)
    give_consent(house, account_id, Agreement("1", "en-US", frozenset(Purpose), adult=True))
    tell(house, account_id, Field.AGE_BAND, AgeBand.FROM_30)
    canary = Canary(make_device(house, account_id), email, closes=number % 2 == 1)
    if canary.closes:
        canary.sealed["e-mail"] = email.encode()
        canary.named["account"] = account_id.encode()
    return canary


def _recorded(house: Collaborators, canary: Canary, chance: random.Random) -> None:
    for _ in range(RECORDINGS_EACH):
        words = f"{_nonce(chance)} turn on the lights"
        noise = np.random.default_rng(chance.getrandbits(64)).normal(0, 3000, 16_000)
        pcm = noise.clip(-32000, 32000).astype("<i2").tobytes()
        body = commented(
            wav(pcm), _nonce(chance)
        )  # not the file that a release makes, whose tombstone names its digest
        admission = admit(house, token=canary.lender.device_token, metadata=Metadata(transcript=words))
        utterance_id = record(house, admission, "audio/wav", Body(body)).utterance_id
        canary.utterances.append(utterance_id)
        middle = len(pcm) // 2
        canary.sealed |= {
            f"audio {utterance_id}": pcm[middle : middle + AUDIO_BYTES],
            f"words {utterance_id}": words.split()[0].encode(),
            f"sha-256 of pcm {utterance_id}": hashlib.sha256(pcm).hexdigest().encode(),
            f"sha-256 of body {utterance_id}": hashlib.sha256(body).hexdigest().encode(),
        }
        canary.named[f"utterance {utterance_id}"] = utterance_id.encode()


def _reviewed(house: Collaborators, canaries: Sequence[Canary]) -> None:
    curator = make_account(house, role=Role.CURATOR)
    words = {utterance: _words(canary, utterance) for canary in canaries for utterance in canary.utterances}
    while offer := review.next_clip(house, curator):
        review.recording(house, curator, offer.clip_id)
        with house.database.reading() as session:
            utterance_id = session.get_one(Clip, offer.clip_id).utterance_id
        review.accept(house, curator, offer.clip_id, f"{words[utterance_id]} turn on the lights")


def _words(canary: Canary, utterance_id: UtteranceId) -> str:
    return canary.sealed[f"words {utterance_id}"].decode()


def _digested(house: Collaborators, canaries: Sequence[Canary]) -> None:
    with house.database.reading() as session:
        rows = session.execute(
            select(Utterance.id, Utterance.body_digest, Clip.id, Clip.pcm_digest).join(
                Clip, Clip.utterance_id == Utterance.id
            )
        ).all()
    found = {row[0]: row for row in rows}
    for canary in canaries:
        for utterance_id in canary.utterances:
            _, body, clip_id, pcm = found[utterance_id]
            keyed = {"body digest": body, "pcm digest": pcm or "", "clip": clip_id}
            canary.named |= {f"{what} {utterance_id}": value.encode() for what, value in keyed.items()}


def _nonce(chance: random.Random) -> str:
    return "".join(chance.choice("bcdfghjklmnpqrstvwxz") for _ in range(18))


# Leaving


def leave(house: Collaborators, clock: MovableClock, canaries: Iterable[Canary]) -> None:
    """And wait for the last look, as the server and its sweep do."""
    for canary in canaries:
        if canary.closes:
            close_account(house, canary.lender.account_id)
        else:
            withdraw(house, canary.lender.account_id)
    finish_erasures(house)
    clock.ahead += LATE_WRITERS
    finish_erasures(house)
    clock.ahead += timedelta(days=2)
    sweep(house)


# Looking


def markers_of(canaries: Iterable[Canary]) -> list[Marker]:
    """Each thing as it is, as hexadecimal digits, as base64 at each of its three places; an id also as its bytes."""
    markers = []
    for canary in canaries:
        for is_sealed, things in ((True, canary.sealed), (False, canary.named)):
            for what, value in things.items():
                markers += [Marker(what, form, is_sealed) for form in _forms(value)]
    return markers


def _forms(value: bytes) -> set[bytes]:
    plain = {value}
    with suppress(ValueError):
        plain.add(bytes.fromhex(value.decode()))
    forms = set(plain)
    for each in plain:
        forms.add(each.hex().encode())
        for shift in range(3):
            # What an encoder makes of it inside a longer text, without the digits that its neighbours share.
            encoded = base64.b64encode(bytes(shift) + each)
            forms.add(encoded[4 if shift else 0 : len(encoded) // 4 * 4 - 4])
    return {form for form in forms if len(form) >= 12}


def residue(ground: Ground, house: Collaborators, markers: Sequence[Marker]) -> list[str]:
    """Where something is still found."""
    found = set[str]()
    sealed = [marker for marker in markers if marker.is_sealed]
    for place, content in places(house):
        found |= {f"{marker.what} in {place}" for marker in markers if marker.form in content}
    for place, content in servers(ground):
        found |= {f"{marker.what} in {place}" for marker in sealed if marker.form in content}
    return sorted(found)


def places(house: Collaborators) -> Iterator[tuple[str, bytes]]:
    """Everything of the house's own: files and their names, the dump, every version of every object and its name."""
    home = house.settings.home
    for path in home.rglob("*"):
        yield "the names of files", str(path.relative_to(home)).encode()
        if path.is_file():
            yield f"the file {path.name}", path.read_bytes()
    if house.database.url.startswith("postgresql"):
        yield "the dump", dump(house.database.url)
    for address in (house.settings.resolved_object_store(), house.settings.resolved_key_store()):
        parts = urlsplit(address)
        if parts.scheme == "s3":
            yield from _versions(house, parts.netloc, parts.path.lstrip("/"))


def _versions(house: Collaborators, bucket: str, prefix: str) -> Iterator[tuple[str, bytes]]:
    client = S3Connection(house.settings.s3_endpoint_url).client
    for page in client.get_paginator("list_object_versions").paginate(Bucket=bucket, Prefix=prefix):
        for mark in page.get("DeleteMarkers", []):
            yield "the names of deleted objects", mark["Key"].encode()
        for each in page.get("Versions", []):
            yield "the names of objects", each["Key"].encode()
            got = client.get_object(Bucket=bucket, Key=each["Key"], VersionId=each["VersionId"])
            yield f"the object {each['Key'].removeprefix(prefix)}", got["Body"].read()


def servers(ground: Ground) -> Iterator[tuple[str, bytes]]:
    """Logs of the servers, and PostgreSQL's write-ahead log."""
    for folder in ground.servers:
        for path in folder.rglob("*"):
            if path.is_file() and (path.suffix == ".log" or path.name == "log" or "pg_wal" in path.parts):
                yield f"{path.parent.name}/{path.name}", path.read_bytes()


def dump(url: str) -> bytes:
    """Every row of every table, as `pg_dump` writes them."""
    out = io.BytesIO()
    with _postgresql(url) as connection:
        names = connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'").fetchall()
        for (name,) in sorted(names):
            with connection.cursor().copy(sql.SQL("COPY {} TO STDOUT").format(sql.Identifier(str(name)))) as copy:
                for block in copy:
                    out.write(block)
    return out.getvalue()


@contextmanager
def _postgresql(url: str, database: str | None = None) -> "Iterator[psycopg.Connection[tuple[object, ...]]]":
    parts = make_url(url)
    with psycopg.connect(
        host=str(parts.query["host"]),
        user=parts.username,
        password=parts.password,
        dbname=database or parts.database,
        autocommit=True,
    ) as connection:
        yield connection


# A copy from before


def older_copy(house: Collaborators) -> Database:
    """The database as it was when all were still there: what a backup holds."""
    url = house.database.url
    if url.startswith("sqlite"):
        live = Path(url.removeprefix("sqlite:///"))
        house.database.empty_log()
        old = live.parents[1] / f"{live.parent.name}-older.db"
        old.write_bytes(live.read_bytes())
        return Database(f"sqlite:///{old}")
    house.database.close()
    name = f"{make_url(url).database}_older"
    with _postgresql(url, "postgres") as connection:
        template = sql.Identifier(str(make_url(url).database))
        connection.execute(sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(sql.Identifier(name), template))
    return Database(make_url(url).set(database=name).render_as_string(hide_password=False))


def resurrected(house: Collaborators, old: Database, canaries: Sequence[Canary]) -> Iterator[str]:
    """What today's keys and store still give of yesterday's rows."""
    with old.reading() as session:
        for canary in canaries:
            account_id = canary.lender.account_id
            account = session.get_one(Account, account_id)
            keys = [(account.voice_key_id, KeyKind.VOICE)]
            keys += [(account.identity_key_id, KeyKind.IDENTITY)] if canary.closes else []
            for key_id, kind in keys:
                assert key_id is not None
                try:
                    house.keyring.unwrap(account_id, key_id, kind)
                    yield f"the {kind} key of an older copy opens"
                except KeyDestroyed:
                    pass
            for object_key in session.scalars(select(Utterance.object_key).where(Utterance.account_id == account_id)):
                try:
                    house.store.head(object_key or "")
                    yield "an object that an older copy names is there"
                except ObjectAbsent:
                    pass


@contextmanager
def logs_in(path: Path) -> Iterator[None]:
    """All that is logged meanwhile, in a file that is searched with the rest."""
    kept = structlog.get_config()
    with path.open("w") as file:
        structlog.configure(logger_factory=structlog.PrintLoggerFactory(file), cache_logger_on_first_use=False)
        try:
            yield
        finally:
            structlog.configure(**kept)
