"""Consent events and ledger leaves can be added to and never changed, whatever statement is tried."""

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DatabaseError, SQLAlchemyError

from corpus.collaborators import Collaborators
from tests.factories import make_lender

EVERYWHERE = [
    "UPDATE consent_events SET act = 'given'",
    "UPDATE consent_events SET salt = NULL",
    "UPDATE consent_events SET salt = NULL, account_id = NULL",
    "UPDATE consent_events SET salt = NULL, account_id = NULL, erased_by = 0, act = 'refused'",
    "UPDATE consent_events SET erased_by = NULL",
    "DELETE FROM consent_events",
    "UPDATE ledger_leaves SET hash = hash",
    "DELETE FROM ledger_leaves",
]
ON_SQLITE = [
    "INSERT OR REPLACE INTO ledger_leaves SELECT \"index\", 'ff' FROM ledger_leaves",
    "REPLACE INTO consent_events SELECT * FROM consent_events",
    "UPDATE OR REPLACE ledger_leaves SET hash = 'ff'",
]
ON_POSTGRESQL = [
    "TRUNCATE consent_events CASCADE",
    "TRUNCATE ledger_leaves CASCADE",
    "INSERT INTO ledger_leaves SELECT index, 'ff' FROM ledger_leaves ON CONFLICT (index) DO UPDATE SET hash = 'ff'",
]


@pytest.mark.parametrize("statement", EVERYWHERE + ON_SQLITE + ON_POSTGRESQL)
def test_history_cannot_be_changed(house: Collaborators, statement: str) -> None:
    dialect = "sqlite" if house.database.url.startswith("sqlite") else "postgresql"
    if statement in (ON_POSTGRESQL if dialect == "sqlite" else ON_SQLITE):
        pytest.skip(f"not a statement of {dialect}")
    make_lender(house)
    before = _history(house)

    with pytest.raises(SQLAlchemyError, match="append-only") as refused, house.database.writing() as session:
        session.execute(text(statement))

    assert isinstance(refused.value, DatabaseError)
    assert _history(house) == before


def _history(house: Collaborators) -> list[tuple[object, ...]]:
    with house.database.reading() as session:
        events = session.execute(text("SELECT * FROM consent_events ORDER BY id")).all()
        leaves = session.execute(text('SELECT * FROM ledger_leaves ORDER BY "index"')).all()
    return [tuple(row) for row in (*events, *leaves)]
