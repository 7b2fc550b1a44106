"""SQL of the ledger: leaves, heads, entries and signing keys. Functions take a session; who opened it commits it.

An append is serialised by one lock, and signs the new head in its own transaction. What it grows from is checked
first: a head that does not fit the leaves, or that our key did not sign, ends all appending.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from corpus import ledger, signing
from corpus.errors import LedgerBroken, Misconfigured
from corpus.signing import Signer
from corpus.tables import LedgerEntry, LedgerLeaf, SigningKey, TreeHead
from corpus.words import EntryKind

LEDGER_LOCK = 0x6C6F616E
"""The PostgreSQL advisory lock under which ledger indexes are assigned ("loan"). The last lock that is taken."""

TREE_HEAD = "loanword/tree-head/1"
PAGE = 10_000


@dataclass(frozen=True, slots=True)
class Inclusion:
    """The proof that a leaf is in the log, at the head that its own append signed: it never changes."""

    index: int
    size: int
    root: str
    path: tuple[str, ...]
    head: str
    """The signed head, as JSON."""


def append(session: Session, signer: Signer, leaves: Sequence[str], at: datetime) -> int:
    """Adds leaves at the log's end and signs its new head; returns the first one's index.

    Raises `LedgerBroken` where the log is not what its newest head says.
    """
    lock(session)
    size = size_of(session)
    newest = newest_head(session)
    _know_key(session, signer, at)
    peaks = newest.peaks.split() if newest else ledger.grow([], 0, leaf_hashes(session))
    if newest is not None:
        _check(session, newest, peaks, size)
        at = max(at, newest.at)
    session.add_all(LedgerLeaf(index=size + offset, hash=leaf) for offset, leaf in enumerate(leaves))
    session.flush()
    grown = ledger.grow(peaks, size, leaves)
    root, reached = ledger.root_of(grown), size + len(leaves)
    document = signer.sign(TREE_HEAD, {"size": reached, "root": root, "at": at.isoformat()})
    session.add(TreeHead(size=reached, root=root, peaks=" ".join(grown), at=at, document=document))
    session.flush()
    return size


def append_entry(session: Session, signer: Signer, kind: EntryKind, content: Mapping[str, object], at: datetime) -> int:
    """Commits to a content that tells of no person; returns its id, which is its leaf's index."""
    salt = ledger.new_salt()
    told = {**content, "kind": kind.value}
    index = append(session, signer, [ledger.leaf_hash(salt, told)], at)
    session.add(LedgerEntry(id=index, kind=kind, content=ledger.canonical(told).decode(), salt=salt))
    session.flush()
    return index


def entry(session: Session, entry_id: int) -> LedgerEntry | None:
    return session.get(LedgerEntry, entry_id)


def inclusion(session: Session, index: int) -> Inclusion:
    """The proof of one leaf, at the head of its own append. Raises `LedgerBroken` where there is none."""
    head = session.scalar(select(TreeHead).where(TreeHead.size > index).order_by(TreeHead.size).limit(1))
    if head is None:
        raise LedgerBroken(f"The ledger has no head over its leaf {index}.")
    earlier = session.scalar(select(TreeHead).where(TreeHead.size <= index).order_by(TreeHead.size.desc()).limit(1))
    start, peaks = (earlier.size, earlier.peaks.split()) if earlier else (0, [])
    leaves = session.scalars(
        select(LedgerLeaf.hash)
        .where(LedgerLeaf.index >= start, LedgerLeaf.index < head.size)
        .order_by(LedgerLeaf.index)
    ).all()
    tree = ledger.Tree(leaves, before=peaks, size_before=start)
    return Inclusion(index, head.size, head.root, tuple(tree.inclusion(index)), head.document)


def newest_head(session: Session) -> TreeHead | None:
    return session.scalar(select(TreeHead).order_by(TreeHead.size.desc()).limit(1))


def size_of(session: Session) -> int:
    """How many leaves the log has."""
    return session.scalar(select(func.coalesce(func.max(LedgerLeaf.index) + 1, 0))) or 0


def leaf_hashes(session: Session) -> Iterator[str]:
    """All of them, in order, a page at a time."""
    at = 0
    while page := session.scalars(
        select(LedgerLeaf.hash).where(LedgerLeaf.index >= at, LedgerLeaf.index < at + PAGE).order_by(LedgerLeaf.index)
    ).all():
        yield from page
        at += PAGE


def public_keys(session: Session) -> dict[str, bytes]:
    """Every key that signs or signed in our name, raw, by its id."""
    rows = session.execute(select(SigningKey.key_id, SigningKey.public_key))
    return {key_id: bytes.fromhex(public_key) for key_id, public_key in rows}


def lock(session: Session) -> None:
    """One appends at a time. SQLite has one writer anyhow."""
    if session.get_bind().dialect.name == "postgresql":
        session.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": LEDGER_LOCK})


def _know_key(session: Session, signer: Signer, now: datetime) -> None:
    """The first key ever is taken as it is. Raises `Misconfigured` for another that nobody endorsed."""
    known = public_keys(session)
    if signer.key_id in known:
        return
    if known:
        raise Misconfigured("This signing key is not the ledger's: restore the file, or run `loanword keys rotate`.")
    session.add(SigningKey(key_id=signer.key_id, public_key=signer.public_key.hex(), created_at=now))
    session.flush()


def _check(session: Session, head: TreeHead, peaks: Sequence[str], size: int) -> None:
    told = signing.verify(head.document, TREE_HEAD, public_keys(session))
    if (head.size, ledger.root_of(peaks)) != (size, head.root) or (told["size"], told["root"]) != (size, head.root):
        raise LedgerBroken


def parsed(content: str) -> dict[str, object]:
    """A ledger entry's content."""
    told: dict[str, object] = json.loads(content)
    return told
