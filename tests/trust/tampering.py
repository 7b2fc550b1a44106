"""Changes a ledger behind our back, in every way that a superuser has, and sees whether an audit finds it.

Triggers and foreign keys are off, and whoever tampers knows the mathematics: some of the tamperings make hashes, roots
and peaks anew, so that only what they cannot make is left to find them out: a signature, or a head outside the
database. A tampering is one transaction that is rolled back once it was audited, so one house serves for a thousand.
"""

import hashlib
import json
import random
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from corpus import head_copies, ledger, ledger_queries, queries, signing
from corpus.audit import AuditReport, audit_in
from corpus.collaborators import Collaborators
from corpus.words import ConsentAct, ConsentActor, ConsentMethod, EntryKind, Purpose
from ingest.give_consent import Agreement, give_consent
from ingest.publish_notice import publish_notice
from ingest.withdraw import withdraw
from tests.factories import make_account
from tests.trust.grounds import Ground
from tests.trust.results import Result

HEX = "0123456789abcdef"


@dataclass(frozen=True, slots=True)
class Tamperer:
    """Somebody with all rights on the database, and no signing key."""

    session: Session
    random: random.Random

    def rows(self, table: str, order: str = "1", where: str = "1 = 1") -> list[dict[str, Any]]:
        found = self.session.execute(text(f"SELECT * FROM {table} WHERE {where} ORDER BY {order}"))
        return [dict(row) for row in found.mappings()]

    def one(self, table: str, where: str = "1 = 1") -> dict[str, Any]:
        return self.random.choice(self.rows(table, where=where))

    def run(self, statement: str, **values: object) -> None:
        self.session.execute(text(statement), values)

    def another_hash(self, told: str) -> str:
        """Of which one digit is another."""
        at = self.random.randrange(len(told))
        digit = self.random.choice([each for each in HEX if each != told[at]])
        return told[:at] + digit + told[at + 1 :]


Tampering = Callable[[Tamperer], str]
"""Does it, and says what it did."""


def edits_an_event(it: Tamperer) -> str:
    row = it.one("consent_events", "erased_by IS NULL")
    column, value = it.random.choice(
        [
            ("act", _another(it, ConsentAct, row["act"])),
            ("purpose", _another(it, Purpose, row["purpose"])),
            ("method", _another(it, ConsentMethod, row["method"])),
            ("actor", _another(it, ConsentActor, row["actor"])),
            ("account_id", it.another_hash(row["account_id"])),
            ("salt", it.another_hash(row["salt"])),
            ("adult", None if row["adult"] is not None else False),
            ("at", _moved(row["at"], it)),
            ("expires_at", None if row["expires_at"] else _moved(row["at"], it)),
            ("notice_id", _another_notice(it, row["notice_id"])),
        ]
    )
    it.run(f"UPDATE consent_events SET {column} = :value WHERE id = :id", value=value, id=row["id"])
    return f"{column} of event {row['id']}"


def edits_an_erased_event(it: Tamperer) -> str:
    row = it.one("consent_events", "erased_by IS NOT NULL")
    column, value = it.random.choice(
        [
            ("act", _another(it, ConsentAct, row["act"])),
            ("purpose", _another(it, Purpose, row["purpose"])),
            ("at", _moved(row["at"], it)),
            ("erased_by", it.one("ledger_entries", f"id <> {row['erased_by']}")["id"]),
        ]
    )
    it.run(f"UPDATE consent_events SET {column} = :value WHERE id = :id", value=value, id=row["id"])
    return f"{column} of the erased event {row['id']}"


def erases_an_event_unseen(it: Tamperer) -> str:
    row, entry = it.one("consent_events", "erased_by IS NULL"), it.one("ledger_entries")
    it.run(
        "UPDATE consent_events SET salt = NULL, account_id = NULL, erased_by = :entry WHERE id = :id",
        entry=entry["id"],
        id=row["id"],
    )
    return f"event {row['id']} made to look erased"


def edits_an_event_and_its_leaf(it: Tamperer) -> str:
    """And all roots and peaks after it: everything but the signatures."""
    row = it.one("consent_events", "erased_by IS NULL")
    it.run(
        "UPDATE consent_events SET act = :act WHERE id = :id",
        act=_another(it, ConsentAct, row["act"]),
        id=row["id"],
    )
    account_id = row["account_id"]
    told = next(each for each in queries.committed_events(it.session, account_id) if each.index == row["id"])
    it.run(
        'UPDATE ledger_leaves SET hash = :hash WHERE "index" = :index',
        hash=ledger.leaf_hash(told.salt, told.content),
        index=row["id"],
    )
    _remake_heads(it)
    return f"event {row['id']}, its leaf and every root after it"


def deletes_an_event(it: Tamperer) -> str:
    row = it.one("consent_events")
    it.run("DELETE FROM consent_events WHERE id = :id", id=row["id"])
    if it.random.random() < 0.5:
        it.run('DELETE FROM ledger_leaves WHERE "index" = :id', id=row["id"])
    return f"event {row['id']} deleted"


def closes_the_gap_of_a_deleted_event(it: Tamperer) -> str:
    """Everything behind it moves up by one, and heads are made anew."""
    row = it.one("consent_events")
    it.run("DELETE FROM consent_events WHERE id = :id", id=row["id"])
    it.run('DELETE FROM ledger_leaves WHERE "index" = :id', id=row["id"])
    for table, column in (("consent_events", "id"), ("ledger_entries", "id"), ("ledger_leaves", '"index"')):
        for each in it.rows(table, order=column, where=f"{column} > {row['id']}"):
            index = each["index" if table == "ledger_leaves" else "id"]
            it.run(f"UPDATE {table} SET {column} = :to WHERE {column} = :index", to=index - 1, index=index)
    newest = it.rows("tree_heads", "size")[-1]["size"]
    it.run("DELETE FROM tree_heads WHERE size = :size", size=newest)
    _remake_heads(it)
    return f"event {row['id']} taken out, and the gap closed"


def swaps_two_events(it: Tamperer) -> str:
    first, second = it.random.sample(it.rows("consent_events", where="erased_by IS NULL"), 2)
    for old, new in ((first["id"], -1), (second["id"], first["id"]), (-1, second["id"])):
        it.run("UPDATE consent_events SET id = :new WHERE id = :old", new=new, old=old)
    if it.random.random() < 0.5:
        for old, new in ((first["id"], -1), (second["id"], first["id"]), (-1, second["id"])):
            it.run('UPDATE ledger_leaves SET "index" = :new WHERE "index" = :old', new=new, old=old)
        if it.random.random() < 0.5:
            _remake_heads(it)
    return f"events {first['id']} and {second['id']} swapped"


def inserts_an_event(it: Tamperer) -> str:
    """At the end, without a leaf; or with one; or with one and a head."""
    row = {**it.one("consent_events", "erased_by IS NULL"), "salt": it.random.randbytes(32).hex()}
    size = len(it.rows("ledger_leaves"))
    row["id"] = it.random.choice([size, size + 7, -1])
    columns = ", ".join(row)
    it.run(f"INSERT INTO consent_events ({columns}) VALUES ({', '.join(f':{name}' for name in row)})", **row)
    if row["id"] == size and it.random.random() < 0.7:
        told = next(e for e in queries.committed_events(it.session, row["account_id"]) if e.index == size)
        it.run(
            'INSERT INTO ledger_leaves ("index", hash) VALUES (:index, :hash)',
            index=size,
            hash=ledger.leaf_hash(told.salt, told.content),
        )
        if it.random.random() < 0.5:
            _forge_head(it, size + 1)
    return f"event {row['id']} inserted"


def truncates(it: Tamperer) -> str:
    """The whole log after a signed head is cut off, so that what is left is sound in itself."""
    size = it.random.choice(it.rows("tree_heads", "size")[:-1])["size"]
    for table, column in (("consent_events", "id"), ("ledger_entries", "id"), ("ledger_leaves", '"index"')):
        it.run(f"DELETE FROM {table} WHERE {column} >= {size}")
    it.run(f"DELETE FROM tree_heads WHERE size > {size}")
    it.run(f"UPDATE consent_events SET erased_by = NULL WHERE erased_by >= {size}")
    return f"cut off after {size}"


def empties_a_table(it: Tamperer) -> str:
    table = it.random.choice(["consent_events", "ledger_leaves", "ledger_entries", "tree_heads", "signing_keys"])
    it.run(f"DELETE FROM {table}")
    return f"{table} emptied"


def edits_a_leaf(it: Tamperer) -> str:
    row = it.one("ledger_leaves")
    it.run(
        'UPDATE ledger_leaves SET hash = :hash WHERE "index" = :index',
        hash=it.another_hash(row["hash"]),
        index=row["index"],
    )
    if it.random.random() < 0.5:
        _remake_heads(it)
    return f"leaf {row['index']}"


def deletes_a_leaf(it: Tamperer) -> str:
    row = it.one("ledger_leaves")
    it.run('DELETE FROM ledger_leaves WHERE "index" = :index', index=row["index"])
    return f"leaf {row['index']} deleted"


def adds_a_leaf(it: Tamperer) -> str:
    size = len(it.rows("ledger_leaves"))
    it.run(
        'INSERT INTO ledger_leaves ("index", hash) VALUES (:index, :hash)',
        index=size,
        hash=it.random.randbytes(32).hex(),
    )
    return f"leaf {size} added"


def edits_an_entry(it: Tamperer) -> str:
    row = it.one("ledger_entries")
    column, value = it.random.choice(
        [
            ("kind", _another(it, EntryKind, row["kind"])),
            ("salt", it.another_hash(row["salt"])),
            ("content", ledger.canonical({**json.loads(row["content"]), "objects": -1}).decode()),
            ("content", f"{row['content']} "),
        ]
    )
    it.run(f"UPDATE ledger_entries SET {column} = :value WHERE id = :id", value=value, id=row["id"])
    return f"{column} of entry {row['id']}"


def deletes_an_entry(it: Tamperer) -> str:
    row = it.one("ledger_entries")
    it.run("DELETE FROM ledger_entries WHERE id = :id", id=row["id"])
    return f"entry {row['id']} deleted"


def admits_a_loss_that_never_was(it: Tamperer) -> str:
    """An entry says that what is deleted was lost in a restore."""
    row = it.one("ledger_entries")
    told = {"first": 0, "kind": "restore", "size": row["id"]}
    it.run(
        "UPDATE ledger_entries SET kind = 'restore', content = :content WHERE id = :id",
        content=ledger.canonical(told).decode(),
        id=row["id"],
    )
    it.run(f"DELETE FROM consent_events WHERE id < {row['id']}")
    return f"a loss before {row['id']} admitted"


def edits_a_head(it: Tamperer) -> str:
    row = it.one("tree_heads")
    document = json.loads(row["document"])
    signature = document["signature"]
    of_document = it.random.choice(
        [
            {**document, "size": document["size"] + 1},
            {**document, "root": it.another_hash(document["root"])},
            {**document, "at": "2001-01-01T00:00:00+00:00"},
            {**document, "signature": {**signature, "value": _another_base64(it, signature["value"])}},
            {**document, "signature": {**signature, "key_id": it.another_hash(signature["key_id"])}},
        ]
    )
    column, value = it.random.choice(
        [
            ("root", it.another_hash(row["root"])),
            ("peaks", it.another_hash(row["peaks"].replace(" ", "0"))),
            ("at", _moved(row["at"], it)),
            ("document", ledger.canonical(of_document).decode()),
            ("document", ledger.canonical(of_document).decode()),
            ("size", row["size"] + 1_000_000),
        ]
    )
    it.run(f"UPDATE tree_heads SET {column} = :value WHERE size = :size", value=value, size=row["size"])
    return f"{column} of head {row['size']}"


def deletes_a_head(it: Tamperer) -> str:
    row = it.one("tree_heads")
    it.run("DELETE FROM tree_heads WHERE size = :size", size=row["size"])
    return f"head {row['size']} deleted"


def edits_a_key(it: Tamperer) -> str:
    row = it.one("signing_keys")
    column, value = it.random.choice(
        [
            ("public_key", signing.Signer(it.random.randbytes(32)).public_key.hex()),
            ("key_id", it.another_hash(row["key_id"])),
            ("created_at", _moved(row["created_at"], it)),
            ("endorsement", "{}"),
        ]
    )
    it.run(f"UPDATE signing_keys SET {column} = :value WHERE key_id = :id", value=value, id=row["key_id"])
    return f"{column} of a key"


def puts_another_key_in_its_place(it: Tamperer) -> str:
    """One of their own, with which they sign the newest head, or all of them."""
    mine = signing.Signer(it.random.randbytes(32))
    created_at = it.rows("signing_keys", "created_at")[0]["created_at"]
    if it.random.random() < 0.5:
        it.run("DELETE FROM signing_keys")
        _remake_heads(it, mine, every=True)
    else:
        created_at = _moved(created_at, it)
        _remake_heads(it, mine)
    it.run(
        "INSERT INTO signing_keys (key_id, public_key, created_at) VALUES (:id, :key, :at)",
        id=mine.key_id,
        key=mine.public_key.hex(),
        at=created_at,
    )
    return "a key of their own"


def edits_a_notice(it: Tamperer) -> str:
    row = it.one("consent_notices", "id IN (SELECT notice_id FROM consent_events WHERE erased_by IS NULL)")
    wording = row["wording"] + it.random.choice([" ", ".", " And more."])
    column, value = it.random.choice(
        [
            ("wording", wording),
            ("wording_sha256", it.another_hash(row["wording_sha256"])),
            ("terms", "{}"),
            ("version", f"{row['version']}x"),
            ("locale", "xx"),
        ]
    )
    it.run(f"UPDATE consent_notices SET {column} = :value WHERE id = :id", value=value, id=row["id"])
    if column == "wording" and it.random.random() < 0.5:
        digest = hashlib.sha256(wording.encode()).hexdigest()
        it.run("UPDATE consent_notices SET wording_sha256 = :value WHERE id = :id", value=digest, id=row["id"])
    return f"{column} of notice {row['id']}"


def deletes_a_notice(it: Tamperer) -> str:
    row = it.one("consent_notices", "id IN (SELECT notice_id FROM consent_events WHERE erased_by IS NULL)")
    it.run("DELETE FROM consent_notices WHERE id = :id", id=row["id"])
    return f"notice {row['id']} deleted"


TAMPERINGS: Sequence[Tampering] = (
    edits_an_event,
    edits_an_erased_event,
    erases_an_event_unseen,
    edits_an_event_and_its_leaf,
    deletes_an_event,
    closes_the_gap_of_a_deleted_event,
    swaps_two_events,
    inserts_an_event,
    truncates,
    empties_a_table,
    edits_a_leaf,
    deletes_a_leaf,
    adds_a_leaf,
    edits_an_entry,
    deletes_an_entry,
    admits_a_loss_that_never_was,
    edits_a_head,
    deletes_a_head,
    edits_a_key,
    puts_another_key_in_its_place,
    edits_a_notice,
    deletes_a_notice,
)


def tampered(house: Collaborators, n: int, seed: int) -> Iterator[tuple[str, AuditReport]]:
    """Each tampering, and what an audit said of it; the house is as it was after each."""
    for number in range(n):
        source = random.Random(f"{seed}/{number}")
        tampering = TAMPERINGS[number % len(TAMPERINGS)]
        with all_rights(house) as session:
            did = tampering(Tamperer(session, source))
            session.expire_all()
            yield f"{tampering.__name__}: {did}", audit_in(house, session, head_copies.sizes_outside(house))


def measure_tampering(ground: Ground, n: int, seed: int) -> Result:
    """Target 9."""
    with ground.house() as house:
        live(house, seed)
        failures = [f"not found: {did}" for did, report in tampered(house, n, seed) if report.fault is None]
    return Result("9", "tamperings with the ledger", ground.name, n, seed, failures)


def live(house: Collaborators, seed: int, people: int = 6) -> None:
    """A ledger with something of everything: two notices, erased events, entries, several heads and copies of them."""
    source = random.Random(seed)
    accounts = [make_account(house) for _ in range(people)]
    for version in ("1", "2"):
        publish_notice(house, f"Notice {version}: we keep what your devices record.", locale="en-US", version=version)
        for account_id in accounts:
            also = frozenset(source.sample([Purpose.REVIEW, Purpose.DEMOGRAPHICS], source.randrange(3)))
            purposes = also | {Purpose.COLLECT}
            give_consent(house, account_id, Agreement(version, "en-US", purposes, adult=True))
    withdraw(house, accounts[0])
    withdraw(house, accounts[1], [Purpose.COLLECT])
    with house.database.writing() as session:
        queries.lock_account(session, accounts[0])
        events = queries.events_of(session, accounts[0])
        told = {"events": [each.id for each in events], "events_sha256": queries.digest_of_remains(events)}
        entry = ledger_queries.append_entry(session, house.signer, EntryKind.ERASURE, told, house.clock())
        queries.erase_consent_events(session, accounts[0], entry)
    with house.database.writing() as session:
        told = {"name": "commands", "version": "1"}
        ledger_queries.append_entry(session, house.signer, EntryKind.RELEASE, told, house.clock())
    head_copies.copy_heads(house)


@contextmanager
def all_rights(house: Collaborators) -> Iterator[Session]:
    """A transaction in which nothing is refused, and of which nothing stays."""
    with house.database.writing() as session:
        if session.get_bind().dialect.name == "postgresql":
            session.execute(text("SET LOCAL session_replication_role = replica"))
            constraints = session.execute(
                text(
                    "SELECT conrelid::regclass::text, conname FROM pg_constraint WHERE contype IN ('c', 'u') "
                    "AND connamespace = 'public'::regnamespace"
                )
            ).all()
            for table, name in constraints:
                session.execute(text(f'ALTER TABLE {table} DROP CONSTRAINT "{name}" CASCADE'))
        else:
            session.execute(text("PRAGMA defer_foreign_keys = ON"))
            session.execute(text("PRAGMA ignore_check_constraints = ON"))
            for name in session.scalars(text("SELECT name FROM sqlite_master WHERE type = 'trigger'")).all():
                session.execute(text(f"DROP TRIGGER {name}"))
        try:
            yield session
        finally:
            session.rollback()
            if session.get_bind().dialect.name == "sqlite":
                session.execute(text("PRAGMA ignore_check_constraints = OFF"))


def _remake_heads(it: Tamperer, signer: signing.Signer | None = None, *, every: bool = False) -> None:
    """Roots and peaks over the leaves as they are now, and `previous` of each; signed where they have a key."""
    leaves = [row["hash"] for row in it.rows("ledger_leaves", '"index"')]
    previous = None
    heads = it.rows("tree_heads", "size")
    for head in heads:
        told = json.loads(head["document"])
        peaks = ledger.grow([], 0, leaves[: head["size"]])
        remade = {**told, "root": ledger.root_of(peaks), "previous": previous}
        if signer is not None and (every or head is heads[-1]):
            content = {name: value for name, value in remade.items() if name not in ("type", "signature")}
            document = signer.sign(ledger_queries.TREE_HEAD, content)
        else:
            document = ledger.canonical(remade).decode()
        previous = hashlib.sha256(document.encode()).hexdigest()
        it.run(
            "UPDATE tree_heads SET root = :root, peaks = :peaks, document = :document WHERE size = :size",
            root=remade["root"],
            peaks=" ".join(peaks),
            document=document,
            size=head["size"],
        )


def _forge_head(it: Tamperer, size: int) -> None:
    """A further head, right in all but its signature."""
    leaves = [row["hash"] for row in it.rows("ledger_leaves", '"index"')]
    newest = it.rows("tree_heads", "size")[-1]
    peaks = ledger.grow([], 0, leaves)
    told = {
        **json.loads(newest["document"]),
        "size": size,
        "root": ledger.root_of(peaks),
        "previous": hashlib.sha256(newest["document"].encode()).hexdigest(),
    }
    row = {**newest, "size": size, "root": told["root"], "peaks": " ".join(peaks), "copied_at": None}
    row["document"] = ledger.canonical(told).decode()
    it.run(f"INSERT INTO tree_heads ({', '.join(row)}) VALUES ({', '.join(f':{name}' for name in row)})", **row)


def _another(it: Tamperer, of: Any, told: str) -> str:
    return str(it.random.choice([each.value for each in of if each.value != told]))


def _another_notice(it: Tamperer, notice_id: int) -> int:
    return int(it.random.choice([row["id"] for row in it.rows("consent_notices") if row["id"] != notice_id]))


def _another_base64(it: Tamperer, told: str) -> str:
    at = it.random.randrange(len(told) - 2)
    return told[:at] + it.random.choice([each for each in "ABCDabcd0123" if each != told[at]]) + told[at + 1 :]


def _moved(told: Any, it: Tamperer) -> Any:
    """A time a moment later, as this database writes it."""
    by = timedelta(microseconds=it.random.randrange(1, 10**9))
    if isinstance(told, datetime):
        return told + by
    return (datetime.fromisoformat(told) + by).strftime("%Y-%m-%d %H:%M:%S.%f")
