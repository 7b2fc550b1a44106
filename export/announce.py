"""Has the ledger tell of a revision, and signs it: release.json.sig.

The entry commits to release.json and to the root of its proofs of consent. The signature holds the entry, its proof and
the signed head, so that whoever has our public key checks all of it without us.
"""

import json
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from corpus import ledger, ledger_queries, object_keys
from corpus.collaborators import Collaborators
from corpus.ledger_queries import Inclusion
from corpus.tables import Release
from corpus.words import EntryKind
from export import objects
from export.objects import StoredFile
from export.release_file import RELEASE_SIGNATURE

SIGNATURE = "loanword/release/1"


@dataclass(frozen=True, slots=True)
class Announced:
    """A revision with its place in the ledger."""

    name: str
    version: str
    revision: int
    manifest_sha256: str
    entry: str
    salt: str
    inclusion: Inclusion


def tell_ledger(
    session: Session,
    house: Collaborators,
    release: Release,
    revision: int,
    manifest_sha256: str,
    consent_root: str,
    now: datetime,
) -> Announced:
    """Appends the entry, or finds the one that an interrupted publication of the same revision left. The last thing
    that its transaction locks is the ledger.
    """
    content = {
        "kind": EntryKind.RELEASE.value,
        "name": release.name,
        "version": release.version,
        "revision": revision,
        "consent_root": consent_root,
        "manifest_sha256": manifest_sha256,
    }
    told = ledger.canonical(content).decode()
    entry = ledger_queries.entry(session, release.entry_id) if release.entry_id is not None else None
    if entry is None or entry.content != told:
        release.entry_id = ledger_queries.append_entry(session, house.signer, EntryKind.RELEASE, content, now)
        entry = ledger_queries.entry(session, release.entry_id)
    assert entry is not None
    proof = ledger_queries.inclusion(session, entry.id)
    return Announced(release.name, release.version, revision, manifest_sha256, told, entry.salt, proof)


def put_signature(house: Collaborators, announced: Announced) -> StoredFile:
    """Puts release.json.sig beside the release.json that it signs."""
    content = {
        "name": announced.name,
        "version": announced.version,
        "revision": announced.revision,
        "manifest_sha256": announced.manifest_sha256,
        "public_key": house.signer.public_key.hex(),
        "ledger": {
            "entry": json.loads(announced.entry),
            "salt": announced.salt,
            "index": announced.inclusion.index,
            "path": list(announced.inclusion.path),
            "head": json.loads(announced.inclusion.head),
        },
    }
    document = house.signer.sign(SIGNATURE, content).encode()
    key = object_keys.release_file(announced.name, announced.version, announced.revision, RELEASE_SIGNATURE)
    return StoredFile(objects.put(house.store, key, document), announced.revision)
