"""Copies of the ledger's heads outside the database, in the object store: whoever rewrites the database is found out.

Each copy holds the signed head and the leaf hashes of its append, and nothing of any person. It is put after the commit
and before the answer; what a crash or a store that is down left out, start-up and sweep put. A database that is older
than its copies (a restored backup) is completed from them before anything is appended, so the log never forks. What
those leaves committed to is lost with the newer database: an entry of the ledger says so, and no consent rests on them.

A copy of other bytes than ours means two histories. Then nothing is appended any more, until somebody has looked.
"""

import json
import re
from collections.abc import Iterable

import structlog

from corpus import ledger, ledger_queries, object_keys
from corpus.collaborators import Collaborators
from corpus.errors import LedgerBroken, ObjectExists, StoreError, Transient
from corpus.ledger_queries import HeadCopy, KnownKey
from corpus.words import EntryKind

IN_ONE_ANSWER = 16
"""How many heads a request copies at most: a longer arrear is the sweep's."""

AT_ONCE = 1000
_SIZE = re.compile(rf"{object_keys.HEADS}(\d{{12}})\.json")
_log = structlog.get_logger()


def try_to_copy_heads(house: Collaborators) -> None:
    """After a commit that appended. The change of consent stands whatever happens here."""
    try:
        copy_heads(house, at_most=IN_ONE_ANSWER)
    except (StoreError, Transient, LedgerBroken) as error:
        _log.warning("heads of the ledger lie in the database alone", error=type(error).__name__)


def copy_heads(house: Collaborators, *, at_most: int | None = None) -> int:
    """Puts every copy that is missing as far as the database knows; returns how many. Raises `LedgerBroken`."""
    copied = 0
    while at_most is None or copied < at_most:
        with house.database.reading() as session:
            found = ledger_queries.heads_to_copy(session, min(AT_ONCE, (at_most or AT_ONCE) - copied))
        if not found:
            break
        _put(house, found)
        copied += len(found)
    return copied


def complete(house: Collaborators) -> int:
    """Makes database and copies equal, whichever is behind; returns how many leaves came back from outside.

    Raises `LedgerBroken` where they tell two histories, or what is outside was not signed by us.
    """
    copy_keys(house)
    outside = sorted(sizes_outside(house))  # listed first: what is outside was committed before
    with house.database.reading() as session:
        ours = ledger_queries.head_sizes(session)
        newest = max(ours, default=0)
    strange = [size for size in outside if size <= newest and size not in ours]
    if strange:
        _contest(house, strange[0])
    _compare_newest(house, [size for size in outside if size in ours])
    restored = _replay(house, [size for size in outside if size > newest])
    missing = sorted(ours - set(outside))
    for start in range(0, len(missing), AT_ONCE):
        with house.database.reading() as session:
            copies = [ledger_queries.head_copy(session, size) for size in missing[start : start + AT_ONCE]]
        _put(house, copies)
    return restored


def sizes_outside(house: Collaborators) -> set[int]:
    """Of every head that has a copy."""
    found = (_SIZE.fullmatch(info.key) for info in house.store.list(object_keys.HEADS))
    return {int(each[1]) for each in found if each}


def written(copy: HeadCopy) -> bytes:
    """As it lies outside."""
    return ledger.canonical({"first": copy.first, "head": json.loads(copy.document), "leaves": list(copy.leaves)})


def read(house: Collaborators, size: int) -> bytes:
    with house.store.open(object_keys.head_copy(size)) as file:
        return file.read()


def key_written(key: KnownKey) -> bytes:
    """A public key, as it lies outside: a restored database learns from it who signed meanwhile."""
    return ledger.canonical(
        {"created_at": key.created_at.isoformat(), "endorsement": key.endorsement, "public_key": key.public_key}
    )


# Putting


def _put(house: Collaborators, copies: Iterable[HeadCopy]) -> None:
    done = []
    for copy in copies:
        data = written(copy)
        try:
            house.store.put(object_keys.head_copy(copy.size), data)
        except ObjectExists:
            if read(house, copy.size) != data:
                _contest(house, copy.size)
        done.append(copy.size)
    with house.database.writing() as session:
        ledger_queries.note_copied(session, done, house.clock())


def _contest(house: Collaborators, size: int) -> None:
    with house.database.writing() as session:
        ledger_queries.contest(session, house.clock())
    _log.error("two histories: the ledger's copy outside is not what the database says", size=size)
    raise LedgerBroken(f"The copy of the ledger's head at size {size} is not the database's: nothing is added to it.")


def _compare_newest(house: Collaborators, common: list[int]) -> None:
    """The newest head that both have covers all before it. The others are `loanword audit`'s."""
    if common:
        with house.database.reading() as session:
            ours = ledger_queries.head_copy(session, common[-1])
        if read(house, common[-1]) != written(ours):
            _contest(house, common[-1])


def copy_keys(house: Collaborators) -> None:
    """Public keys lie outside as well; the database takes in those that it lacks and that we may trust."""
    with house.database.reading() as session:
        known = {key.key_id: key for key in ledger_queries.known_keys(session)}
    there = {info.key for info in house.store.list(object_keys.PUBLIC_KEYS)}
    for key in known.values():
        if object_keys.public_key(key.key_id) not in there:
            try:
                house.store.put(object_keys.public_key(key.key_id), key_written(key))
            except ObjectExists:
                continue
    unknown = []
    for name in sorted(there - {object_keys.public_key(key_id) for key_id in known}):
        with house.store.open(name) as file:
            unknown.append(file.read())
    if unknown:
        with house.database.writing() as session:
            ledger_queries.take_in_keys(session, unknown, house.signer)


# Completing an older database


def _replay(house: Collaborators, sizes: list[int]) -> int:
    """Appends what lies outside alone, head by head. What another process did meanwhile is left as it is."""
    if not sizes:
        return 0
    copies = [parsed(read(house, size)) for size in sizes]
    with house.database.writing() as session:
        before = ledger_queries.size_of(session)
        if not ledger_queries.replay(session, copies, house.clock()):
            return 0
        told = {"first": before, "size": sizes[-1]}
        ledger_queries.append_entry(session, house.signer, EntryKind.RESTORE, told, house.clock())
    _log.error(
        "this database is older than its ledger: leaves came back from outside without what they committed to",
        first=before,
        size=sizes[-1],
    )
    copy_heads(house)
    return sizes[-1] - before


def parsed(data: bytes) -> HeadCopy:
    """Raises `LedgerBroken` for what is no copy of ours."""
    try:
        told = json.loads(data)
        head = told["head"]
        copy = HeadCopy(head["size"], told["first"], tuple(told["leaves"]), ledger.canonical(head).decode())
        sound = written(copy) == data and copy.size == copy.first + len(copy.leaves)
    except (ValueError, KeyError, TypeError) as error:
        raise LedgerBroken("A copy of the ledger's head is unreadable.") from error
    if not sound:
        raise LedgerBroken("A copy of the ledger's head is unreadable.")
    return copy
