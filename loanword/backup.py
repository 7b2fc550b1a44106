"""Backs an installation up into a folder, and restores it: what was erased since the backup stays erased.

A backup holds the database, a list of the stored objects and, where asked for, the objects. It holds no account key, no
master key and no signing key: whoever has it alone can read no voice, and a voice whose key was destroyed since is
beyond reach in every backup. After a restore, and before anything opens, the ledger's heads and the journal of
withdrawals are replayed from the object store, which is never taken back to an older state.
"""

import hashlib
import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from corpus import backup_queries, database, ledger_queries
from corpus.collaborators import Collaborators, collaborators
from corpus.errors import BackupRefused, ObjectAbsent, ObjectExists
from corpus.identity.queries import end_ways_in
from corpus.object_store import ObjectStore, is_object_key
from corpus.settings import Settings
from corpus.words import Clock, utc_now
from ingest.erase import finish_erasures
from loanword.catch_up import catch_up

FORMAT = "loanword/backup/1"
MANIFEST, SUMS, LISTING, OBJECTS = "manifest.json", "SHA256SUMS", "objects.jsonl", "objects"
CHUNK_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class Backed:
    """What a backup holds."""

    folder: Path
    leaves: int
    objects: int
    with_objects: bool


@dataclass(frozen=True, slots=True)
class Restored:
    """What a restore did, and what it made good."""

    objects: int
    leaves_from_outside: int
    """Of the ledger, added since the backup: they came back from the object store."""
    erasures_again: int
    """Withdrawals and deletions since the backup."""
    missing: int
    """Objects that the backup's list names, and that are neither in it nor in the store."""


def back_up(house: Collaborators, folder: Path, *, with_objects: bool = False) -> Backed:
    """While a server runs. Raises `BackupRefused` where the folder is in use."""
    if folder.exists() and any(folder.iterdir()):
        raise BackupRefused(f"{folder} is not empty: choose another folder.")
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    url = house.settings.resolved_database_url()
    backup_queries.dump(url, folder)
    with house.database.reading() as session:
        leaves, head = ledger_queries.size_of(session), ledger_queries.newest_head(session)
    objects = _copy_objects(house.store, folder, with_objects=with_objects)
    manifest = {
        "database": backup_queries.engine_of(url),
        "format": FORMAT,
        "head": json.loads(head.document) if head else None,
        "made_at": house.clock().isoformat(),
        "objects": objects,
        "schema": database.current_migration(url),
        "with_objects": with_objects,
    }
    (folder / MANIFEST).write_text(json.dumps(manifest, indent=2, sort_keys=True) + "\n", "utf-8")
    lines = [f"{_sha256(path)}  {path.relative_to(folder).as_posix()}\n" for path in _files(folder)]
    _write_durably(folder / SUMS, "".join(lines).encode())
    return Backed(folder, leaves, objects, with_objects)


def restore(settings: Settings, folder: Path, *, force: bool = False, clock: Clock = utc_now) -> Restored:
    """With no server running. Raises `BackupRefused` for a broken backup, or a home in use unless `force`."""
    manifest = _checked(folder)
    url = settings.resolved_database_url()
    if backup_queries.engine_of(url) != manifest["database"]:
        raise BackupRefused(f"This is a backup of a {manifest['database']} database: set LOANWORD_DATABASE_URL to one.")
    if not force and backup_queries.holds_accounts(url):
        raise BackupRefused("There is a database in use: with --force, this backup takes its place.")
    backup_queries.load(url, folder, str(manifest["schema"]))
    database.upgrade(url)
    house = collaborators(settings, clock)
    try:
        with house.database.writing() as session:  # some were spent or revoked since, and nothing tells which
            end_ways_in(session, house.clock())
        objects, missing = _put_objects(house.store, folder)
        caught_up = catch_up(house)
        finish_erasures(house)
    finally:
        house.database.close()
    return Restored(objects, caught_up.leaves, caught_up.erasures, missing)


# Objects


def _copy_objects(store: ObjectStore, folder: Path, *, with_objects: bool) -> int:
    count = 0
    with (folder / LISTING).open("w", encoding="utf-8") as listing:
        for info in store.list(""):
            if with_objects and not _copy_object(store, info.key, folder / OBJECTS / info.key):
                continue  # erased while we looked
            listing.write(json.dumps({"key": info.key, "size_bytes": info.size_bytes}) + "\n")
            count += 1
    return count


def _copy_object(store: ObjectStore, key: str, to: Path) -> bool:
    to.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    try:
        with store.open(key) as source, to.open("wb") as target:
            while chunk := source.read(CHUNK_BYTES):
                target.write(chunk)
    except ObjectAbsent:
        to.unlink(missing_ok=True)
        return False
    return True


def _put_objects(store: ObjectStore, folder: Path) -> tuple[int, int]:
    """(put, missing). What the store has stays as it is: it is newer, and no object is ever written over."""
    put = missing = 0
    for key in _listed(folder):
        path = folder / OBJECTS / key
        if path.is_file():
            try:
                store.put(key, _chunks(path))
                put += 1
            except ObjectExists:
                continue
        else:
            try:
                store.head(key)
            except ObjectAbsent:
                missing += 1
    return put, missing


def _listed(folder: Path) -> Iterator[str]:
    with (folder / LISTING).open(encoding="utf-8") as listing:
        for line in listing:
            key = json.loads(line)["key"]
            if not is_object_key(key):
                raise BackupRefused(f"{LISTING} names {key!r}, which no object may be called.")
            yield key


def _chunks(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while chunk := file.read(CHUNK_BYTES):
            yield chunk


# The folder


def _checked(folder: Path) -> dict[str, object]:
    """The manifest, once every file is what its sum says."""
    try:
        sums = (folder / SUMS).read_text("utf-8")
        lines = [line.split("  ", 1) for line in sums.splitlines()]
        told = {name: digest for digest, name in lines}
        wrong = next((name for name, digest in told.items() if _sha256(folder / name) != digest), None)
        manifest: dict[str, object] = json.loads((folder / MANIFEST).read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise BackupRefused(f"{folder} holds no whole backup: {error}") from error
    if wrong is not None:
        raise BackupRefused(f"{wrong} in {folder} is not what was backed up.")
    if manifest.get("format") != FORMAT or MANIFEST not in told:
        raise BackupRefused(f"{folder} holds no backup of ours.")
    return manifest


def _files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file() and path.name != SUMS)


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _write_durably(path: Path, content: bytes) -> None:
    with path.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
