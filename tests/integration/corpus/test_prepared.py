"""Statements run on the driver's own connection: with the types, the transaction and the errors of the session."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from sqlalchemy import Integer, bindparam, insert, select, text
from sqlalchemy.exc import IntegrityError, OperationalError, ProgrammingError

from corpus.collaborators import Collaborators
from corpus.database import Database
from corpus.prepared import Prepared
from corpus.tables import Account, ConsentNotice, Table
from corpus.words import AccountId
from tests.factories import make_account

ADD = Prepared(insert(Table.metadata.tables[ConsentNotice.__tablename__]))
IN_TOKYO = datetime(2026, 3, 1, 21, tzinfo=timezone(timedelta(hours=9)))
NOTICE = {
    "id": 7,
    "version": "7",
    "locale": "ja-JP",
    "wording": "100 % yours: %(name)s, ?, :x",
    "wording_sha256": "0" * 64,
    "published_at": IN_TOKYO,
    "uploads_until": None,
}
FIND = Prepared(
    select(ConsentNotice.wording, ConsentNotice.published_at, ConsentNotice.uploads_until)
    .where(ConsentNotice.version == bindparam("version"), ConsentNotice.locale == "ja-JP")
    .offset(bindparam("skipped", type_=Integer))
    .limit(1)
)


@pytest.fixture
def database(house: Collaborators) -> Database:
    return house.database


def notice_row() -> dict[str, object]:
    """With whatever else the table asks for, by its defaults."""
    columns = Table.metadata.tables[ConsentNotice.__tablename__].columns
    return {column.name: NOTICE.get(column.name, "{}") for column in columns}


def test_values_and_results_have_the_types_of_their_columns(database: Database) -> None:
    with database.writing() as session:
        ADD.rows(session, notice_row())
        found = FIND.rows(session, {"version": "7", "skipped": 0})

    assert found == [(NOTICE["wording"], IN_TOKYO, None)]
    assert found[0][1].tzinfo is UTC


def test_it_runs_in_the_sessions_transaction(database: Database) -> None:
    with database.writing() as session:
        ADD.rows(session, notice_row())
        session.rollback()

    with database.reading() as session:
        assert FIND.rows(session, {"version": "7", "skipped": 0}) == []


def test_a_value_left_out_is_an_error_and_no_null(database: Database) -> None:
    with database.reading() as session, pytest.raises(KeyError):
        FIND.rows(session, {"skipped": 0})


def test_a_broken_constraint_is_the_error_that_sqlalchemy_raises(database: Database) -> None:
    with database.writing() as session:
        ADD.rows(session, notice_row())

    with pytest.raises(IntegrityError) as broken, database.writing() as session:
        ADD.rows(session, notice_row())

    assert str(NOTICE["wording"]) not in str(broken.value)


def test_a_statement_that_is_wrong_stays_what_it_is(database: Database) -> None:
    wrong = Prepared(text("SELECT nothing FROM nowhere"))

    with pytest.raises((OperationalError, ProgrammingError)), database.reading() as session:
        wrong.rows(session, {})


def test_who_reads_cannot_write(house: Collaborators, database: Database) -> None:
    account_id = make_account(house)
    if not database.is_sqlite:
        pytest.skip("PostgreSQL tells readers and writers apart by nothing but what they do")

    with database.reading() as session, pytest.raises(OperationalError):
        session.connection().exec_driver_sql("DELETE FROM account_roles")

    with database.reading() as session:
        assert session.get(Account, AccountId(account_id)) is not None
