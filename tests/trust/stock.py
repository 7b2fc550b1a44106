"""Everything that a request could leave behind, from outside: files, every version of every object, every row."""

import mmap
from collections.abc import Iterable, Iterator
from pathlib import Path
from urllib.parse import urlsplit

from sqlalchemy import select

from corpus.collaborators import Collaborators
from corpus.s3 import S3Connection
from corpus.tables import Table

Stock = dict[str, object]
CHANGES_WHEN_READ = ("loanword.db-shm", "server.log")
"""SQLite's shared memory holds marks of who reads; what a server's log says is searched, and not counted."""


class Stocktaker:
    """Takes stock of one house, and of the folder that is its temporary one."""

    def __init__(self, house: Collaborators, temporary: Path) -> None:
        self._house = house
        self._folders = (house.settings.home, temporary)
        stores = (house.settings.resolved_object_store(), house.settings.resolved_key_store())
        addresses = [urlsplit(each) for each in stores]
        self._buckets = [(each.netloc, each.path.lstrip("/")) for each in addresses if each.scheme == "s3"]
        self._connection = S3Connection(house.settings.s3_endpoint_url) if self._buckets else None

    def now(self) -> Stock:
        """What there is. Two of these are equal where nothing was written in between."""
        found = rows(self._house)
        for folder in self._folders:
            found |= files(folder)
        for bucket, prefix in self._buckets:
            assert self._connection is not None
            found |= versions(self._connection, bucket, prefix)
        return found


def files(folder: Path) -> Stock:
    """Each file's size and time of change, SQLite's database and its write-ahead log among them."""
    found: Stock = {}
    for path in folder.rglob("*"):
        if path.is_file() and path.name not in CHANGES_WHEN_READ:
            stat = path.stat()
            found[str(path)] = (stat.st_size, stat.st_mtime_ns)
    return found


def versions(connection: S3Connection, bucket: str, prefix: str) -> Stock:
    """Every version, deletion mark and unfinished upload below a prefix."""
    client = connection.client
    found: Stock = {}
    for page in client.get_paginator("list_object_versions").paginate(Bucket=bucket, Prefix=prefix):
        for each in page.get("Versions", []):
            found[f"{each['Key']} {each['VersionId']}"] = each["Size"]
        for mark in page.get("DeleteMarkers", []):
            found[f"{mark['Key']} {mark['VersionId']}"] = "deleted"
    for uploads in client.get_paginator("list_multipart_uploads").paginate(Bucket=bucket, Prefix=prefix):
        for upload in uploads.get("Uploads", []):
            found[f"{upload['Key']} {upload['UploadId']}"] = "unfinished"
    return found


def rows(house: Collaborators) -> Stock:
    """Every row of every table, the ledger's among them."""
    with house.database.reading() as session:
        return {
            f"{name} {index}": tuple(row)
            for name, table in Table.metadata.tables.items()
            for index, row in enumerate(session.execute(select(table).order_by(*table.primary_key.columns)))
        }


def changes(before: Stock, after: Stock) -> list[str]:
    """What came, went or changed, by name."""
    return sorted(name for name in {*before, *after} if before.get(name) != after.get(name))


def files_that_hold(markers: Iterable[bytes], folders: Iterable[Path]) -> Iterator[str]:
    """Each file in which one of these byte strings stands, and which."""
    wanted = list(markers)
    for path in (path for folder in folders for path in folder.rglob("*") if path.is_file()):
        if path.stat().st_size == 0:
            continue
        with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
            yield from (f"{path.name} holds {marker!r}" for marker in wanted if content.find(marker) >= 0)
