"""Copies a whole database into files, and back: SQLite's online backup, PostgreSQL's COPY.

PostgreSQL's own `pg_dump` must not be older than the server, and is not on every machine that runs us; COPY of each
table in one snapshot is, and the schema is what the migrations make. What personal columns hold is sealed, so a backup
holds no more than the database does, and nothing that a destroyed account key had sealed can be read in it.
"""

import os
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql
from sqlalchemy.engine import make_url

from corpus import database
from corpus.errors import DatabaseUnavailable
from corpus.tables import Table

SQLITE, POSTGRESQL = "sqlite", "postgresql"
SQLITE_FILE = "loanword.db"
TABLES = "tables"
PAGES_AT_ONCE = 4096
CHUNK_BYTES = 1 << 20


def engine_of(url: str) -> str:
    return SQLITE if url.startswith(SQLITE) else POSTGRESQL


def holds_accounts(url: str) -> bool:
    """Whether there is a database of ours that somebody uses."""
    if engine_of(url) == SQLITE:
        path = _sqlite_path(url)
        if not path.exists():
            return False
        with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as connection:
            there = connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'accounts'").fetchone()
            return bool(there and connection.execute("SELECT 1 FROM accounts LIMIT 1").fetchone())
    with _connect(url) as server:
        there = server.execute("SELECT to_regclass('accounts')").fetchone()
        return bool(there and there[0] and server.execute("SELECT 1 FROM accounts LIMIT 1").fetchone())


def dump(url: str, folder: Path) -> None:
    """One state of the database, while others go on writing."""
    if engine_of(url) == SQLITE:
        with (
            closing(sqlite3.connect(f"file:{_sqlite_path(url)}?mode=ro", uri=True)) as source,
            closing(sqlite3.connect(folder / SQLITE_FILE)) as target,
        ):
            source.backup(target, pages=PAGES_AT_ONCE)
        return
    (folder / TABLES).mkdir()
    with _connect(url) as server:
        server.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        for table in Table.metadata.sorted_tables:
            columns = sql.SQL(", ").join(sql.Identifier(column.name) for column in table.columns)
            statement = sql.SQL("COPY {} ({}) TO STDOUT").format(sql.Identifier(table.name), columns)
            path = folder / TABLES / table.name
            with server.cursor() as cursor, path.open("wb") as file, cursor.copy(statement) as copy:
                for chunk in copy:
                    file.write(chunk)


def load(url: str, folder: Path, revision: str) -> None:
    """Puts the dump in the place of what is there. `revision` is the migration that it was made at."""
    if engine_of(url) == SQLITE:
        _replace_file(_sqlite_path(url), folder / SQLITE_FILE)
        return
    _drop_everything(url)
    database.upgrade(url, revision)
    with _connect(url) as server:
        for table in Table.metadata.sorted_tables:
            _load_table(server, table, folder / TABLES / table.name)
        server.commit()


def _load_table(server: "psycopg.Connection[Any]", table: Any, path: Path) -> None:
    columns = sql.SQL(", ").join(sql.Identifier(column.name) for column in table.columns)
    statement = sql.SQL("COPY {} ({}) FROM STDIN").format(sql.Identifier(table.name), columns)
    with server.cursor() as cursor, path.open("rb") as file, cursor.copy(statement) as copy:
        while chunk := file.read(CHUNK_BYTES):
            copy.write(chunk)
    for column in table.columns:
        numbered = server.execute("SELECT pg_get_serial_sequence(%s, %s)", (table.name, column.name)).fetchone()
        if numbered and numbered[0]:
            newest = sql.SQL("SELECT setval({}, coalesce(max({}), 0) + 1, false) FROM {}").format(
                sql.Literal(numbered[0]), sql.Identifier(column.name), sql.Identifier(table.name)
            )
            server.execute(newest)


def _drop_everything(url: str) -> None:
    """Tables, and the functions of their triggers: in this schema nothing is anybody else's."""
    with _connect(url) as server:
        tables = server.execute("SELECT tablename FROM pg_tables WHERE schemaname = current_schema()").fetchall()
        for (name,) in tables:
            server.execute(sql.SQL("DROP TABLE {} CASCADE").format(sql.Identifier(name)))
        functions = server.execute(
            "SELECT proname FROM pg_proc WHERE pronamespace = current_schema()::regnamespace AND proname LIKE %s",
            ("%\\_append\\_only",),
        ).fetchall()
        for (name,) in functions:
            server.execute(sql.SQL("DROP FUNCTION {} CASCADE").format(sql.Identifier(name)))
        server.commit()


def _replace_file(path: Path, by: Path) -> None:
    """Whole or not at all. What the old database had still in its log goes with it."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    incoming = path.with_name(f"{path.name}.restoring")
    with os.fdopen(os.open(incoming, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        with by.open("rb") as source:
            shutil.copyfileobj(source, file, CHUNK_BYTES)
        file.flush()
        os.fsync(file.fileno())
    for ending in ("-wal", "-shm"):
        path.with_name(f"{path.name}{ending}").unlink(missing_ok=True)
    incoming.replace(path)
    descriptor = os.open(path.parent, os.O_RDONLY)
    os.fsync(descriptor)
    os.close(descriptor)


def _sqlite_path(url: str) -> Path:
    return Path(make_url(url).database or "")


def _connect(url: str) -> "psycopg.Connection[Any]":
    plain = make_url(url).set(drivername=POSTGRESQL).render_as_string(hide_password=False)
    try:
        return psycopg.connect(plain)
    except psycopg.OperationalError as error:
        raise DatabaseUnavailable from error
