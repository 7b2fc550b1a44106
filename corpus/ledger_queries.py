"""SQL of the ledger: leaves, heads, entries and signing keys. Functions take a session; who opened it commits it.

An append is serialised by one lock, and signs the new head in its own transaction. What it grows from is checked
first: a head that does not fit the leaves, or that our key did not sign, ends all appending.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import and_, func, or_, select, text, update
from sqlalchemy.orm import Session

from corpus import ledger, signing
from corpus.errors import BadSignature, LedgerBroken, Misconfigured
from corpus.signing import Signer
from corpus.tables import LedgerEntry, LedgerLeaf, SigningKey, TreeHead
from corpus.words import EntryKind

LEDGER_LOCK = 0x6C6F616E
"""The PostgreSQL advisory lock under which ledger indexes are assigned ("loan"). The last lock that is taken."""

TREE_HEAD = "loanword/tree-head/1"
KEY_ENDORSEMENT = "loanword/key-endorsement/1"
PAGE = 10_000
PROOFS_AT_ONCE = 100


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
    told = {"size": reached, "root": root, "at": at.isoformat(), "previous": digest_of(newest)}
    document = signer.sign(TREE_HEAD, told)
    session.add(TreeHead(size=reached, root=root, peaks=" ".join(grown), at=at, document=document))
    session.flush()
    return size


def digest_of(head: TreeHead | None) -> str | None:
    """What the next head says of this one. So the newest signature covers every head before it, signatures included."""
    return hashlib.sha256(head.document.encode()).hexdigest() if head else None


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
    return inclusions(session, [index])[index]


def inclusions(session: Session, indexes: Sequence[int]) -> dict[int, Inclusion]:
    """The proof of each leaf, in three statements for up to `PROOFS_AT_ONCE`. Raises `LedgerBroken`."""
    proofs: dict[int, Inclusion] = {}
    for at in range(0, len(indexes), PROOFS_AT_ONCE):
        proofs |= _inclusions(session, indexes[at : at + PROOFS_AT_ONCE])
    return proofs


def _inclusions(session: Session, indexes: Sequence[int]) -> dict[int, Inclusion]:
    spans = _spans(session, indexes)
    appends = set(spans.values())
    sizes = {size for append in appends for size in append}
    heads = {head.size: head for head in session.scalars(select(TreeHead).where(TreeHead.size.in_(sizes)))}
    within = or_(*(and_(LedgerLeaf.index >= start, LedgerLeaf.index < size) for start, size in appends))
    rows = session.execute(select(LedgerLeaf.index, LedgerLeaf.hash).where(within).order_by(LedgerLeaf.index))
    leaves = {index: leaf for index, leaf in rows}  # noqa: C416 mypy sees no pairs in rows
    trees = {}
    for start, size in appends:
        peaks = heads[start].peaks.split() if start else []
        own = [leaves[index] for index in range(start, size) if index in leaves]
        trees[size] = ledger.Tree(own, before=peaks, size_before=start)
    return {
        index: Inclusion(index, size, heads[size].root, tuple(trees[size].inclusion(index)), heads[size].document)
        for index, (_, size) in spans.items()
    }


def _spans(session: Session, indexes: Sequence[int]) -> dict[int, tuple[int, int]]:
    """For each leaf the sizes of the log before and after its append."""
    before = select(func.max(TreeHead.size)).where(TreeHead.size <= LedgerLeaf.index).scalar_subquery()
    after = select(func.min(TreeHead.size)).where(TreeHead.size > LedgerLeaf.index).scalar_subquery()
    rows = session.execute(select(LedgerLeaf.index, before, after).where(LedgerLeaf.index.in_(indexes)))
    spans = {index: (start or 0, size) for index, start, size in rows if size is not None}
    for index in indexes:
        if index not in spans:
            raise LedgerBroken(f"The ledger has no head over its leaf {index}.")
    return spans


# Copies outside the database


@dataclass(frozen=True, slots=True)
class HeadCopy:
    """One signed head, with the leaves of its append: those from `first` on."""

    size: int
    first: int
    leaves: tuple[str, ...]
    document: str


def heads_to_copy(session: Session, limit: int) -> list[HeadCopy]:
    """The oldest heads that have no copy yet."""
    uncopied = select(TreeHead.size).where(TreeHead.copied_at.is_(None)).order_by(TreeHead.size).limit(limit)
    return [head_copy(session, size) for size in session.scalars(uncopied)]


def head_copy(session: Session, size: int) -> HeadCopy:
    document = session.scalars(select(TreeHead.document).where(TreeHead.size == size)).one()
    first = session.scalar(select(func.max(TreeHead.size)).where(TreeHead.size < size)) or 0
    leaves = session.scalars(
        select(LedgerLeaf.hash).where(LedgerLeaf.index >= first, LedgerLeaf.index < size).order_by(LedgerLeaf.index)
    )
    return HeadCopy(size, first, tuple(leaves), document)


def head_sizes(session: Session) -> set[int]:
    return set(session.scalars(select(TreeHead.size)))


def note_copied(session: Session, sizes: Sequence[int], now: datetime) -> None:
    session.execute(
        update(TreeHead).where(TreeHead.size.in_(sizes), TreeHead.copied_at.is_(None)).values(copied_at=now)
    )


def contest(session: Session, now: datetime) -> None:
    """Ends all appending."""
    lock(session)
    newest = select(func.max(TreeHead.size)).scalar_subquery()
    session.execute(update(TreeHead).where(TreeHead.size == newest).values(contested_at=now))


def replay(session: Session, copies: Sequence[HeadCopy], now: datetime) -> int:
    """Appends signed heads, and their leaves without content, that lie outside alone; returns how many heads.

    Raises `LedgerBroken`.
    """
    lock(session)
    newest = newest_head(session)
    size, keys, added = size_of(session), public_keys(session), 0
    peaks = newest.peaks.split() if newest else []
    if newest is not None:
        _check(session, newest, peaks, size)
    for copy in copies:
        if copy.size <= size:  # another process was faster
            continue
        try:
            told = signing.verify(copy.document, TREE_HEAD, keys)
        except BadSignature as error:
            raise LedgerBroken("What lies outside of the ledger was not signed by a key of ours.") from error
        peaks = ledger.grow(peaks, size, copy.leaves)
        root = ledger.root_of(peaks)
        fits = (copy.first, copy.size, root, digest_of(newest)) == (size, told["size"], told["root"], told["previous"])
        if not fits:
            raise LedgerBroken("What lies outside of the ledger does not follow from the database's: two histories.")
        session.add_all(LedgerLeaf(index=size + offset, hash=leaf) for offset, leaf in enumerate(copy.leaves))
        at = datetime.fromisoformat(told["at"])
        newest = TreeHead(
            size=copy.size, root=root, peaks=" ".join(peaks), at=at, document=copy.document, copied_at=now
        )
        session.add(newest)
        session.flush()
        size, added = copy.size, added + 1
    return added


# Heads and leaves


@dataclass(frozen=True, slots=True)
class Consistency:
    """The proof that an earlier head's log is a beginning of the newest one's."""

    size: int
    path: tuple[str, ...]
    head: str
    """The newest signed head, as JSON."""


def consistency(session: Session, first: int) -> Consistency | None:
    """None where there is no head of that size."""
    newest, earlier = newest_head(session), session.get(TreeHead, first)
    if newest is None or earlier is None:
        return None
    leaves = session.scalars(
        select(LedgerLeaf.hash)
        .where(LedgerLeaf.index >= first, LedgerLeaf.index < newest.size)
        .order_by(LedgerLeaf.index)
    ).all()
    tree = ledger.Tree(leaves, before=earlier.peaks.split(), size_before=first)
    return Consistency(newest.size, tuple(tree.consistency(first)), newest.document)


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


@dataclass(frozen=True, slots=True)
class KnownKey:
    """A key that signs or signed in our name."""

    key_id: str
    public_key: str
    created_at: datetime
    endorsement: str | None


def known_keys(session: Session) -> list[KnownKey]:
    """In the order in which they began to sign."""
    rows = session.execute(
        select(SigningKey.key_id, SigningKey.public_key, SigningKey.created_at, SigningKey.endorsement).order_by(
            SigningKey.created_at, SigningKey.key_id
        )
    )
    return [KnownKey(*row) for row in rows]


def keys_in_force(session: Session) -> list[str]:
    """Ids of the keys that may sign: the newest, and those before it back to one that was lost and took all with it."""
    keys = known_keys(session)
    began = max((at for at, key in enumerate(keys) if key.endorsement is None), default=0)
    return [key.key_id for key in keys[began:]]


def add_key(session: Session, signer: Signer, new: Signer, now: datetime) -> bool:
    """Makes `new` a key of ours, endorsed by `signer`, or by nobody where they are the same; whether it was not yet.

    The ledger tells of it. A server that still holds the endorsed key's predecessor may go on signing with it.
    """
    lock(session)
    keys = known_keys(session)
    if not keys or new.key_id in {key.key_id for key in keys}:
        return False  # nothing was signed yet, or it is known
    at = max([now, *(key.created_at + timedelta(microseconds=1) for key in keys)])
    told = {"at": at.isoformat(), "public_key": new.public_key.hex()}
    endorsement = None if signer.key_id == new.key_id else signer.sign(KEY_ENDORSEMENT, told)
    key = KnownKey(new.key_id, new.public_key.hex(), at, endorsement)
    session.add(SigningKey(key_id=key.key_id, public_key=key.public_key, created_at=at, endorsement=endorsement))
    session.flush()
    append_entry(session, signer, EntryKind.KEY, key_content(key), at)
    return True


def key_content(key: KnownKey) -> dict[str, object]:
    """What the ledger's entry says of every key but the first."""
    endorsed = hashlib.sha256(key.endorsement.encode()).hexdigest() if key.endorsement else None
    return {
        "created_at": key.created_at.isoformat(),
        "endorsement_sha256": endorsed,
        "key_id": key.key_id,
        "kind": EntryKind.KEY.value,
        "public_key": key.public_key,
    }


def take_in_keys(session: Session, copies: Sequence[bytes], signer: Signer) -> None:
    """Adds public keys that lie outside alone: endorsed by one that is known, or the one that we hold ourselves.

    A database that knows none begins with the oldest, if that one leads to ours. Raises `LedgerBroken`.
    """
    lock(session)
    told = sorted((json.loads(copy) for copy in copies), key=lambda each: str(each["created_at"]))
    trusted = public_keys(session)
    for each in told:
        raw = bytes.fromhex(each["public_key"])
        key_id = signing.key_id_of(raw)
        if key_id in trusted:
            continue
        endorsed = each["endorsement"] is not None and _is_endorsed(each["endorsement"], raw, trusted)
        if endorsed or key_id == signer.key_id or not trusted:
            trusted[key_id] = raw
            session.add(
                SigningKey(
                    key_id=key_id,
                    public_key=raw.hex(),
                    created_at=datetime.fromisoformat(each["created_at"]),
                    endorsement=each["endorsement"],
                )
            )
    if signer.key_id not in trusted:
        raise LedgerBroken("The public keys outside are not ours: this object store belongs to another ledger.")
    session.flush()


def _is_endorsed(endorsement: str, public_key: bytes, trusted: Mapping[str, bytes]) -> bool:
    try:
        return bool(signing.verify(endorsement, KEY_ENDORSEMENT, trusted)["public_key"] == public_key.hex())
    except BadSignature:
        return False


def lock(session: Session) -> None:
    """One appends at a time. SQLite has one writer anyhow."""
    if session.get_bind().dialect.name == "postgresql":
        session.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": LEDGER_LOCK})


def _know_key(session: Session, signer: Signer, now: datetime) -> None:
    """The first key ever is taken as it is. Raises `Misconfigured` for another that nobody endorsed."""
    known = [key.key_id for key in known_keys(session)]
    if signer.key_id in known:
        if signer.key_id not in keys_in_force(session):
            raise Misconfigured("This signing key was given up as lost: restart with the one that took its place.")
        return
    if known:
        raise Misconfigured("This signing key is not the ledger's: restore the file, or run `loanword keys rotate`.")
    session.add(SigningKey(key_id=signer.key_id, public_key=signer.public_key.hex(), created_at=now))
    session.flush()


def _check(session: Session, head: TreeHead, peaks: Sequence[str], size: int) -> None:
    told = signing.verify(head.document, TREE_HEAD, public_keys(session))
    stands = (size, ledger.root_of(peaks))
    if head.contested_at is not None or stands != (head.size, head.root) or stands != (told["size"], told["root"]):
        raise LedgerBroken


def parsed(content: str) -> dict[str, object]:
    """A ledger entry's content."""
    told: dict[str, object] = json.loads(content)
    return told
