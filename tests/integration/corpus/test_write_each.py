"""Pieces of work that share a commit: each has its own result, and nothing is told before it is committed."""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from corpus.database import Database, Result
from corpus.errors import DatabaseUnavailable, Refused

THREADS = 8


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    opened = Database(database_url)
    with opened.writing() as session:
        session.execute(text("CREATE TABLE pieces (n INTEGER PRIMARY KEY)"))
    yield opened
    opened.close()


class Adding:
    """A piece of work: adds a number."""

    def __init__(self, n: int) -> None:
        self.n = n

    def __call__(self, session: Session) -> int:
        session.connection().execute(text("INSERT INTO pieces VALUES (:n)"), {"n": self.n})
        return self.n


def write_together(database: Database, piece: Callable[[Session], Result]) -> Result:
    """What a piece of one's own returns, committed. Raises its error."""
    outcome = database.write_each([piece])[0]
    if isinstance(outcome, Exception):
        raise outcome
    return outcome


def refuse(_session: Session) -> int:
    raise Refused


def numbers(database: Database) -> list[int]:
    with database.reading() as session:
        return list(session.scalars(text("SELECT n FROM pieces ORDER BY n")))


def test_every_thread_has_its_own_result_committed(database: Database) -> None:
    def add_and_look(n: int) -> bool:
        return write_together(database, Adding(n)) == n and n in numbers(database)

    with ThreadPoolExecutor(THREADS) as pool:
        seen = list(pool.map(add_and_look, range(60)))

    assert all(seen)
    assert numbers(database) == list(range(60))


def test_a_piece_that_is_refused_takes_no_other_with_it(database: Database) -> None:
    pieces: list[Callable[[Session], int]] = [refuse, Adding(0), refuse, Adding(1), Adding(1), Adding(2)]

    outcomes = database.write_each(pieces)

    assert [type(each) for each in outcomes] == [Refused, int, Refused, int, IntegrityError, int]
    assert numbers(database) == [0, 1, 2]


def test_an_unforeseen_error_is_told_and_the_next_go_on(database: Database) -> None:
    def fail(_session: Session) -> int:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        write_together(database, fail)

    assert write_together(database, Adding(1)) == 1


def test_an_error_of_the_transaction_undoes_all_and_who_was_refused_stays_so(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    def lose(_session: Session) -> None:
        raise DatabaseUnavailable

    pieces: list[Callable[[Session], int]] = [Adding(1), refuse]
    with monkeypatch.context() as patched:
        patched.setattr(Session, "commit", lose)
        outcomes = database.write_each(pieces)

    assert [type(each) for each in outcomes] == [DatabaseUnavailable, Refused]
    assert numbers(database) == []


def test_a_database_that_cannot_be_written_fails_them_all(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path / 'empty.db'}")
    start = threading.Barrier(THREADS)

    def lose(session: Session) -> None:
        session.connection().exec_driver_sql("PRAGMA query_only = ON")
        session.connection().exec_driver_sql("CREATE TABLE pieces (n INTEGER)")

    def take_part(_: int) -> type[BaseException]:
        start.wait(10)
        with pytest.raises(DatabaseUnavailable) as failed:
            write_together(database, lose)
        return failed.type

    with ThreadPoolExecutor(THREADS) as pool:
        assert set(pool.map(take_part, range(THREADS))) == {DatabaseUnavailable}
    database.close()
