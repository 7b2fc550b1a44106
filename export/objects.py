"""A release's files in the object store: put once, or found there with the same bytes."""

import hashlib
from dataclasses import dataclass

from corpus.errors import ObjectExists
from corpus.object_store import ObjectStore
from export.release_file import FileFacts

READ_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class StoredFile:
    """One file of a release, and the revision that made it."""

    facts: FileFacts
    revision: int


def put(store: ObjectStore, key: str, content: bytes | memoryview) -> FileFacts:
    """Stores a draft's file. What an interrupted build left there stays if it is the same, and is replaced if not."""
    try:
        info = store.put(key, content)
    except ObjectExists:
        wanted = facts_of(content)
        if facts(store, key) == wanted:
            return wanted
        store.erase(key)
        info = store.put(key, content)
    return FileFacts(info.size_bytes, info.sha256 or hashlib.sha256(content).hexdigest())


def facts_of(content: bytes | memoryview) -> FileFacts:
    return FileFacts(len(content), hashlib.sha256(content).hexdigest())


def facts(store: ObjectStore, key: str) -> FileFacts:
    """Size and digest of what is stored, read through where the store does not know them. Raises `ObjectAbsent`."""
    info = store.head(key)
    if info.sha256 is not None:
        return FileFacts(info.size_bytes, info.sha256)
    digest, size_bytes = hashlib.sha256(), 0
    with store.open(key) as file:
        while chunk := file.read(READ_BYTES):
            digest.update(chunk)
            size_bytes += len(chunk)
    return FileFacts(size_bytes, digest.hexdigest())
