"""SQL of erasure, derived from what each column declares: a new table is erased from the day it is mapped.

What hangs from an utterance by foreign keys goes with the voice. Elsewhere a column of the voice's is emptied, or its
row deleted where it tells nothing else of anybody. Closing an account deletes all rows that cannot stand without it,
and empties the references of all others. Functions take a session; who opened it commits it.

`metadata` is a parameter so that a test can add a table that nobody thought of.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Column, ColumnElement, ForeignKey, MetaData, delete, or_, select, update
from sqlalchemy import Table as SqlTable
from sqlalchemy.orm import Session

from corpus.tables import Account, GoesWith, Holds, Table, Utterance
from corpus.words import AccountId, UtteranceId

WORKED_FROM = frozenset({"erasures", "doomed_objects"})
"""What an erasure itself works from: emptied by its last look, and not before."""

PAGE = 500
"""Ids that one statement names."""


@dataclass(frozen=True, slots=True)
class Tree:
    """A table and all that hangs from it by foreign keys, parents first."""

    root: SqlTable
    links: dict[SqlTable, list[ForeignKey]]

    @classmethod
    def below(cls, metadata: MetaData, root: str, follow: Callable[[ForeignKey], bool] = lambda _key: True) -> "Tree":
        top = metadata.tables[root]
        links: dict[SqlTable, list[ForeignKey]] = {}
        for table in metadata.sorted_tables:
            found = [
                key
                for key in sorted(table.foreign_keys, key=lambda key: key.parent.name)
                if (key.column.table is top or key.column.table in links) and table is not top and follow(key)
            ]
            if found:
                links[table] = found
        return cls(top, links)

    def children_first(self) -> Iterator[SqlTable]:
        yield from reversed(self.links)

    def where(self, table: SqlTable, condition: ColumnElement[bool]) -> ColumnElement[bool]:
        """The rows of the table that hang from the root's rows of this condition."""
        if table is self.root:
            return condition
        return or_(*(self.points(key, condition) for key in self.links[table]))

    def points(self, key: ForeignKey, condition: ColumnElement[bool]) -> ColumnElement[bool]:
        """Whether a row points, by this key, at a row that hangs from the root's rows of this condition."""
        above = self.where(key.column.table, condition)
        return key.parent.in_(select(key.column).where(above).correlate(None))


# Voices


def delete_recordings(session: Session, which: ColumnElement[bool], metadata: MetaData = Table.metadata) -> int:
    """Deletes these utterances with every row that hangs from one; returns the number of rows."""
    session.flush()
    tree = Tree.below(metadata, Utterance.__tablename__)
    tables = [*tree.children_first(), tree.root]
    return sum(_delete(session, table, tree.where(table, which)) for table in tables)


def forget_voice_elsewhere(session: Session, account_id: AccountId, metadata: MetaData = Table.metadata) -> int:
    """Empties what else goes with an account's voice; returns the number of rows.

    In the withdrawal's own commit, before its owner can come back and leave something new in the same place.
    """
    session.flush()
    owned = Tree.below(metadata, Account.__tablename__)
    mine, rows = owned.root.c.id == account_id, 0
    for table in _with_voice_elsewhere(metadata):
        where = owned.where(table, mine)
        if _tells_of_the_voice_alone(table):
            rows += _delete(session, table, where)
        else:
            emptied = dict.fromkeys(_of(table, GoesWith.VOICE))
            filled = or_(*(column.is_not(None) for column in emptied))
            rows += _update(session, table, where & filled, emptied)
    return rows


def _with_voice_elsewhere(metadata: MetaData) -> list[SqlTable]:
    with_recordings = Tree.below(metadata, Utterance.__tablename__)
    return [
        table
        for table in reversed(metadata.sorted_tables)
        if table is not with_recordings.root
        and table not in with_recordings.links
        and table.name not in WORKED_FROM
        and _of(table, GoesWith.VOICE)
    ]


def _tells_of_the_voice_alone(table: SqlTable) -> bool:
    """Whether all that it holds of a person is the voice's, but for whose it is."""
    pointing = {key.parent for key in table.foreign_keys}
    told = {column for column in table.columns if column.info.get("holds") is not Holds.OPERATIONAL}
    return table.name != Account.__tablename__ and told - pointing <= set(_of(table, GoesWith.VOICE))


# Accounts


def end_identity(session: Session, account_id: AccountId, metadata: MetaData = Table.metadata) -> int:
    """Empties what tells who a person is, and deletes every row of theirs that no recording rests on: all ways in.

    In the closing's own commit. Devices and recordings go with `ingest.erase`, the account's row last of all.
    """
    session.flush()
    doomed = Tree.below(metadata, Account.__tablename__, follow=lambda key: not key.parent.nullable)
    mine, rows = doomed.root.c.id == account_id, 0
    rest_on = _below_and_above(metadata, Utterance.__tablename__)
    for table in doomed.children_first():
        if table not in rest_on and table.name not in WORKED_FROM:
            rows += _delete(session, table, doomed.where(table, mine))
    emptied = {column: None for column in _of(doomed.root, GoesWith.IDENTITY) if column.nullable}
    return rows + _update(session, doomed.root, mine, emptied)


def _below_and_above(metadata: MetaData, root: str) -> set[SqlTable]:
    """What hangs from a table, and what it hangs from itself."""
    tree = Tree.below(metadata, root)
    found = {tree.root, *tree.links}
    waiting = [tree.root]
    while waiting:
        above = {key.column.table for key in waiting.pop().foreign_keys} - found
        found |= above
        waiting += above
    return found


def forget_account(session: Session, account_id: AccountId, metadata: MetaData = Table.metadata) -> int:
    """Deletes all that cannot stand without the account, and empties every other reference to it.

    Then its consent events (`corpus.queries`), and last its own row (`delete_account`): the ledger's lock is the
    last one that is taken. Returns the number of rows.
    """
    session.flush()
    doomed = Tree.below(metadata, Account.__tablename__, follow=lambda key: not key.parent.nullable)
    mine = doomed.root.c.id == account_id
    rows = 0
    for table in reversed(metadata.sorted_tables):
        if "erased_by" in table.columns:  # append-only: `corpus.queries.erase_consent_events` alone may empty it
            continue
        for key in sorted(table.foreign_keys, key=lambda key: key.parent.name):
            if key.parent.nullable and (key.column.table is doomed.root or key.column.table in doomed.links):
                rows += _update(session, table, doomed.points(key, mine), {key.parent: None})
        if table in doomed.links:
            rows += _delete(session, table, doomed.where(table, mine))
    return rows


def delete_account(session: Session, account_id: AccountId) -> None:
    session.flush()
    session.connection().execute(delete(Account).where(Account.id == account_id))


# What no erasure would find


def out_of_reach(metadata: MetaData = Table.metadata) -> list[str]:
    """Columns that hold something of a person, in tables that neither a voice's erasure nor an account's would meet."""
    voices = Tree.below(metadata, Utterance.__tablename__)
    people = Tree.below(metadata, Account.__tablename__)
    reached = {voices.root, people.root, *voices.links, *people.links}
    lost = [str(column) for table in metadata.sorted_tables if table not in reached for column in _personal(table)]
    stuck = [
        f"{column} stays when the row does: let it be null"
        for table in _with_voice_elsewhere(metadata)
        if table in reached and not _tells_of_the_voice_alone(table)
        for column in _of(table, GoesWith.VOICE)
        if not column.nullable
    ]
    return lost + stuck


def _personal(table: SqlTable) -> list[Column[Any]]:
    return [column for column in table.columns if column.info.get("holds") is not Holds.OPERATIONAL]


def _of(table: SqlTable, goes_with: GoesWith) -> list[Column[Any]]:
    return [column for column in table.columns if column.info.get("goes_with") is goes_with]


# Statements


def named(utterance_ids: Sequence[UtteranceId]) -> Iterator[ColumnElement[bool]]:
    """These utterances, some at a time: a statement takes only so many values."""
    for start in range(0, len(utterance_ids), PAGE):
        yield Utterance.id.in_(utterance_ids[start : start + PAGE])


def _delete(session: Session, table: SqlTable, where: ColumnElement[bool]) -> int:
    return _count(session.connection().execute(delete(table).where(where)))


def _update(session: Session, table: SqlTable, where: ColumnElement[bool], values: dict[Column[Any], None]) -> int:
    return _count(
        session.connection().execute(update(table).where(where).values({c.name: v for c, v in values.items()}))
    )


def _count(result: Any) -> int:
    rows: int = result.rowcount
    return max(rows, 0)
