"""Statements that every upload runs: compiled once, and run on the driver's own connection.

SQLAlchemy's work for one execution of a statement is several times SQLite's own. Of that work the columns' types are
left here, so that values are bound, and results read, as they are everywhere else.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ClauseElement, Connection, Dialect
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session
from sqlalchemy.sql.compiler import SQLCompiler

_Convert = Callable[[Any], Any]


class Prepared:
    """One statement. Its parameters are `bindparam`s, or an insert's `columns`; lists are not among them."""

    def __init__(self, statement: ClauseElement, columns: Sequence[str] | None = None) -> None:
        self._statement = statement
        self._columns = columns
        self._compiled: dict[str, _Compiled] = {}

    def rows(self, session: Session, values: Mapping[str, object]) -> list[tuple[Any, ...]]:
        """Runs it in the session's transaction. Raises KeyError for a value left out, and SQLAlchemy's errors."""
        connection = _connection(session)
        dialect = connection.dialect
        compiled = self._compiled.get(dialect.name)
        if compiled is None:
            compiled = self._compiled[dialect.name] = _Compiled.of(self._statement, self._columns, dialect)
        rows = on_driver(connection, compiled.sql, compiled.bind(values), fetch=bool(compiled.columns))
        return compiled.read(rows)


def _connection(session: Session) -> Connection:
    """The session's, which is one transaction's, kept: to ask it again costs more than many a statement."""
    held: Connection | None = session.info.get(_connection)
    if held is None:
        held = session.info[_connection] = session.connection()
    return held


def on_driver(connection: Connection, sql: str, values: object = (), *, fetch: bool = False) -> list[tuple[Any, ...]]:
    """Runs a statement past SQLAlchemy, whose errors it raises all the same."""
    driver: Any = connection.connection.dbapi_connection
    errors = connection.dialect.loaded_dbapi.Error
    try:
        ran = driver.execute(sql, values)
        return ran.fetchall() if fetch else []
    except errors as error:
        raise DBAPIError.instance(sql, None, error, errors, hide_parameters=True, dialect=connection.dialect) from error


@dataclass(frozen=True, slots=True)
class _Compiled:
    """A statement, for one kind of database."""

    sql: str
    parameters: tuple[tuple[str, _Convert | None], ...]
    """In the statement's order, each with what its type does to a value."""
    constants: Mapping[str, object]
    """The values that the statement brings along."""
    is_positional: bool
    columns: tuple[_Convert | None, ...]
    """What the type of each column of a result does to a value."""

    @classmethod
    def of(cls, statement: ClauseElement, columns: Sequence[str] | None, dialect: Dialect) -> "_Compiled":
        compiled = statement.compile(dialect=dialect, column_keys=columns)
        assert isinstance(compiled, SQLCompiler)
        names = compiled.positiontup if compiled.positiontup is not None else list(compiled.binds)
        types = {name: bind.type.dialect_impl(dialect) for name, bind in compiled.binds.items()}
        selected = [column.type.dialect_impl(dialect) for column in getattr(statement, "selected_columns", ())]
        return cls(
            sql=str(compiled),
            parameters=tuple((name, types[name].bind_processor(dialect)) for name in names),
            constants={name: bind.effective_value for name, bind in compiled.binds.items() if not bind.required},
            is_positional=compiled.positional,
            columns=tuple(column.result_processor(dialect, None) for column in selected),
        )

    def bind(self, values: Mapping[str, object]) -> list[object] | dict[str, object]:
        given = {**self.constants, **values}
        if self.is_positional:
            return [convert(given[name]) if convert else given[name] for name, convert in self.parameters]
        return {name: convert(given[name]) if convert else given[name] for name, convert in self.parameters}

    def read(self, rows: list[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
        return [
            tuple([convert(value) if convert else value for convert, value in zip(self.columns, row, strict=True)])
            for row in rows
        ]
