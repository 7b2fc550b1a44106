"""More recordings than a statement can name: SQLite takes 32,766 values, PostgreSQL 65,535."""

import sqlite3
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, event, func, insert, select

from corpus.collaborators import Collaborators
from corpus.tables import Utterance
from corpus.words import UtteranceId, new_id
from ingest import journal
from ingest.delete_recordings import delete_recordings
from ingest.erasures.retention import Expired, keep_clocks
from tests.factories import Lender, make_lender, make_utterance
from tests.fixtures.house import StillClock
from tests.integration.ingest.erasures import backup_of, reopened

VALUES = 1500
"""What a statement takes here, so that the tests need fewer rows."""
MANY = 2 * VALUES

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


@pytest.fixture(autouse=True)
def few_values() -> Iterator[None]:
    def limit(_connection: object, cursor: sqlite3.Cursor, *_: Any) -> None:
        cursor.connection.setlimit(sqlite3.SQLITE_LIMIT_VARIABLE_NUMBER, VALUES)

    event.listen(Engine, "before_cursor_execute", limit)
    yield
    event.remove(Engine, "before_cursor_execute", limit)


@pytest.fixture
def lender(house: Collaborators) -> Lender:
    """Has many recordings, as rows."""
    lender = make_lender(house)
    first = make_utterance(house, lender)
    with house.database.writing() as session:
        row = dict(session.execute(select(Utterance.__table__).where(Utterance.id == first)).one()._mapping)
        for _ in range(MANY - 1):
            own = {"id": UtteranceId(new_id()), "object_key": None, "idempotency_digest": None}
            session.execute(insert(Utterance).values({**row, **own}))
    return lender


def count(house: Collaborators) -> int:
    with house.database.reading() as session:
        return session.scalar(select(func.count()).select_from(Utterance)) or 0


def test_all_of_them_are_deleted(house: Collaborators, lender: Lender) -> None:
    deleted = delete_recordings(house, lender.account_id)

    assert (deleted.recordings, count(house)) == (MANY, 0)


def test_all_of_them_are_deleted_again_from_yesterdays_database(
    house: Collaborators, lender: Lender, tmp_path: Path
) -> None:
    restore: Callable[[], None] = backup_of(house, tmp_path)
    delete_recordings(house, lender.account_id)
    restore()
    house = replace(house, database=reopened(house))

    replayed = journal.replay(house)

    assert (replayed.again, count(house)) == (1, 0)
    house.database.close()


def test_all_of_them_go_when_their_clock_runs_out(house: Collaborators, lender: Lender, clock: StillClock) -> None:
    clocks = {"unreviewed_retention": timedelta(days=1), "raw_retention": None, "refused_retention": None}
    house = replace(house, settings=house.settings.model_copy(update=clocks))
    clock.forward(timedelta(days=3))

    expired = keep_clocks(house)

    assert (expired, count(house)) == (Expired(recordings=MANY), 0)
