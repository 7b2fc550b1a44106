"""Opens the database, and its transactions: reading, and writing.

SQLite and PostgreSQL behave alike to the rooms above. On SQLite a writer begins with `BEGIN IMMEDIATE`, so that what it
reads cannot change before it writes, and writers of one process queue on a lock (SQLite's own waiting sleeps, and
starves). On PostgreSQL the use cases lock the account's row (`corpus.queries.lock_account`).
"""

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import Any, TypeVar

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DataError, IntegrityError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.orm import Session

from corpus.errors import BadRequest, DatabaseUnavailable, LoanwordError, Misconfigured
from corpus.prepared import on_driver

BUSY_TIMEOUT_MS = 10_000
CACHE_KIB = 16_384  # a connection; of SQLite's own 2 MB a release's snapshot reads the same pages ten times
MAPPED_BYTES = 2_000_000_000  # of the file, at most, for readers: to look for copies touches a page a question
CONNECT_TIMEOUT_S = 5
WRITER_WAIT_S = 30.0
DEADLOCK_DETECTED = "40P01"
DEADLOCK_TRIES = 4

Result = TypeVar("Result")


class Database:
    """One database. `reading()` and `writing()` each give a session that is one transaction."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.is_sqlite = url.startswith("sqlite")
        self._writing_engine = _sqlite_engine(url, writes=True) if self.is_sqlite else _postgresql_engine(url)
        self._reading_engine = _sqlite_engine(url, writes=False) if self.is_sqlite else self._writing_engine
        self._turn = threading.Lock()

    @contextmanager
    def reading(self) -> Iterator[Session]:
        """A transaction that sees one state of the database (SQLite) or of each statement (PostgreSQL)."""
        with _translated(), Session(self._reading_engine, expire_on_commit=False) as session:
            yield session

    @contextmanager
    def writing(self) -> Iterator[Session]:
        """A transaction that commits on leaving, or rolls back whole. No store and no network inside: others wait."""
        with self._my_turn(), _translated(), Session(self._writing_engine, expire_on_commit=False) as session:
            session.connection()  # begins, and so locks SQLite, now: before anyone reads the clock
            yield session
            session.commit()

    def write(self, work: Callable[[Session], Result]) -> Result:
        """Runs a piece of work in a writing transaction of its own, again where that met a deadlock.

        Up to `DEADLOCK_TRIES` times. For what somebody else in the way must not leave undone: a withdrawal.
        """
        for tries_left in reversed(range(DEADLOCK_TRIES)):
            try:
                with self.writing() as session:
                    return work(session)
            except DatabaseUnavailable as error:
                if not (error.is_deadlock and tries_left):
                    raise
        raise DatabaseUnavailable

    def read_each(self, pieces: Sequence[Callable[[Session], Result]]) -> list[Result | Exception]:
        """For each piece of work what it returns, or its error. On SQLite they share one reading transaction."""
        if not self.is_sqlite:
            return [_alone(self.reading(), piece) for piece in pieces]
        with self.reading() as session:
            return [_alone(nullcontext(session), piece) for piece in pieces]

    def write_each(self, pieces: Sequence[Callable[[Session], Result]]) -> list[Result | Exception]:
        """For each piece of work what it returns, committed; or its error.

        On SQLite they share one writing transaction, for each commit waits for the disk. So a piece writes last of all,
        in one statement, and what it raises it raises before anything was written. An error of the transaction's is
        everybody's but theirs who were refused: nothing was committed, as far as anybody knows.
        """
        if not self.is_sqlite:
            return [_alone(self.writing(), piece) for piece in pieces]
        outcomes: list[Result | Exception] = []
        try:
            with self.writing() as session:
                for piece in pieces:
                    try:
                        outcomes.append(piece(session))
                    except (LoanwordError, IntegrityError) as refusal:
                        outcomes.append(refusal)
        except Exception as error:  # whatever it is, everybody has an answer
            ran = [*outcomes, *[error] * (len(pieces) - len(outcomes))]
            return [each if isinstance(each, Exception) else error for each in ran]
        return outcomes

    def empty_log(self) -> bool:
        """Moves all of SQLite's write-ahead log into the database and cuts it: deleted rows leave it as well.

        False where a reader holds some of it: ask again. PostgreSQL recycles its own, by its settings.
        """
        if not self.is_sqlite:
            return True
        with self._file() as driver:
            held: int = driver.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]
        return not held

    def rewrite(self) -> None:
        """Writes SQLite's file anew, without what its pages may still hold of deleted rows.

        `secure_delete` overwrites what is deleted, and no copy that a page kept of a row which moved to another page.
        It takes as much room on the disk again, and nobody else writes meanwhile. PostgreSQL has its own ways.
        """
        if not self.is_sqlite:
            return
        with self._file() as driver:
            driver.execute("VACUUM")
        self.empty_log()

    def close(self) -> None:
        self._writing_engine.dispose()
        self._reading_engine.dispose()

    @contextmanager
    def _file(self) -> Iterator[Any]:
        """SQLite's driver, outside any transaction, while nobody else of this process writes."""
        with self._my_turn(), _translated(), self._writing_engine.connect() as connection:
            yield connection.connection.dbapi_connection

    @contextmanager
    def _my_turn(self) -> Iterator[None]:
        if not self.is_sqlite:
            yield
        elif not self._turn.acquire(timeout=WRITER_WAIT_S):
            raise DatabaseUnavailable
        else:
            try:
                yield
            finally:
                self._turn.release()


def upgrade(url: str, revision: str = "head") -> None:
    """Brings the schema to a migration, the newest by default."""
    with migrating(url) as connection:
        config = alembic_config()
        config.attributes["connection"] = connection
        command.upgrade(config, revision)


def pending_migrations(url: str) -> list[str]:
    """The migrations that the database still lacks, oldest first; empty when it is up to date."""
    script = ScriptDirectory.from_config(alembic_config())
    with connected(url) as connection:
        current = MigrationContext.configure(connection).get_current_revision()
    missing = [revision.revision for revision in script.iterate_revisions("head", current or "base")]
    return missing[::-1]


def current_migration(url: str) -> str | None:
    """The one that the database stands at."""
    with connected(url) as connection:
        return MigrationContext.configure(connection).get_current_revision()


def check_up_to_date(url: str) -> None:
    """Raises `Misconfigured` where a migration is missing."""
    if missing := pending_migrations(url):
        raise Misconfigured(f"The database lacks {len(missing)} migration(s): run `loanword database upgrade`.")


def alembic_config() -> Config:
    config = Config()
    config.set_main_option("script_location", "migrations:")
    config.set_main_option("path_separator", "os")
    return config


@contextmanager
def migrating(url: str) -> Iterator[Connection]:
    """As `connected`, for migrations. Raises `Misconfigured` where one would leave a row that points nowhere.

    SQLite changes a table on a copy, and drops the one that rows point at: so foreign keys are off meanwhile.
    """
    with connected(url, foreign_keys=False) as connection:
        yield connection
        if connection.dialect.name == "sqlite" and connection.exec_driver_sql("PRAGMA foreign_key_check").first():
            raise Misconfigured("The migration would leave rows that point nowhere: nothing was changed.")


@contextmanager
def connected(url: str, *, foreign_keys: bool = True) -> Iterator[Connection]:
    engine = _sqlite_engine(url, writes=True) if url.startswith("sqlite") else _postgresql_engine(url)
    if not foreign_keys and engine.dialect.name == "sqlite":
        event.listen(engine, "connect", lambda driver, _record: driver.execute("PRAGMA foreign_keys = OFF"))
    try:
        with _translated(), engine.begin() as connection:
            yield connection
    finally:
        engine.dispose()


def _alone(transaction: AbstractContextManager[Session], piece: Callable[[Session], Result]) -> Result | Exception:
    try:
        with _translated(), transaction as session:
            return piece(session)
    except Exception as error:  # whatever goes wrong with it, the others go on
        return error


@contextmanager
def _translated() -> Iterator[None]:
    """Turns a database that is down, locked or full into `DatabaseUnavailable`; a wrong statement stays what it is."""
    try:
        yield
    except DataError as error:  # a NUL or a number out of range, which PostgreSQL cannot hold and SQLite lets pass
        raise BadRequest from error
    except (OperationalError, InterfaceError, PoolTimeoutError) as error:
        if isinstance(error, OperationalError) and getattr(error.orig, "sqlite_errorname", "") == "SQLITE_ERROR":
            raise
        unavailable = DatabaseUnavailable()
        unavailable.is_deadlock = getattr(getattr(error, "orig", None), "sqlstate", "") == DEADLOCK_DETECTED
        raise unavailable from error


def _sqlite_engine(url: str, *, writes: bool) -> Engine:
    """An engine for writing, or one whose connections cannot.

    Apart, because to let one connection do now the one and now the other (`PRAGMA query_only`) makes SQLite compile
    every statement anew.
    """
    database = make_url(url).database
    if not database or database == ":memory:":
        raise Misconfigured("LOANWORD_DATABASE_URL must name a file: sqlite:////path/to/loanword.db")
    Path(database).parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    if not Path(database).exists():
        Path(database).touch(mode=0o600)  # its log takes the same
    engine = create_engine(url, pool_size=8, max_overflow=64, pool_timeout=WRITER_WAIT_S, hide_parameters=True)
    event.listen(engine, "connect", _prepare_sqlite if writes else _prepare_sqlite_to_read)
    event.listen(engine, "begin", _begin_to_write if writes else _begin_to_read)
    return engine


def _prepare_sqlite(dbapi_connection: Any, _record: object) -> None:
    dbapi_connection.isolation_level = None  # we send BEGIN ourselves
    cursor = dbapi_connection.cursor()
    for pragma in (
        f"busy_timeout = {BUSY_TIMEOUT_MS}",
        "journal_mode = WAL",
        "synchronous = FULL",
        f"cache_size = -{CACHE_KIB}",
        "foreign_keys = ON",
        "recursive_triggers = ON",  # INSERT OR REPLACE then fires the triggers that forbid deletion
        "secure_delete = ON",
        "trusted_schema = OFF",
    ):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _prepare_sqlite_to_read(dbapi_connection: Any, record: object) -> None:
    _prepare_sqlite(dbapi_connection, record)
    dbapi_connection.execute("PRAGMA query_only = ON")
    dbapi_connection.execute(f"PRAGMA mmap_size = {MAPPED_BYTES}")


def _begin_to_write(connection: Connection) -> None:
    on_driver(connection, "BEGIN IMMEDIATE")


def _begin_to_read(connection: Connection) -> None:
    on_driver(connection, "BEGIN")


def _postgresql_engine(url: str) -> Engine:
    if make_url(url).get_backend_name() != "postgresql":
        raise Misconfigured("LOANWORD_DATABASE_URL must begin with sqlite:/// or postgresql+psycopg://")
    arguments = {"connect_timeout": CONNECT_TIMEOUT_S, "options": f"-c lock_timeout={int(WRITER_WAIT_S)}s"}
    return create_engine(
        url, pool_size=8, max_overflow=32, pool_pre_ping=True, connect_args=arguments, hide_parameters=True
    )
