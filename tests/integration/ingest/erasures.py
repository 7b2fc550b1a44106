"""What the tests of erasure share: a backup of a database, and looks at what is left."""

import shutil
from collections.abc import Callable
from pathlib import Path

from sqlalchemy import select, text

from corpus import object_keys
from corpus.collaborators import Collaborators
from corpus.database import Database
from corpus.tables import Table
from corpus.words import AccountId, UtteranceId
from ingest.body import Body
from ingest.metadata import Metadata
from ingest.record_utterance import admit, record
from tests.factories import Lender, tone, wav


def backup_of(house: Collaborators, folder: Path) -> Callable[[], None]:
    """Takes a copy of the database now; what it returns puts it back, over whatever was written since.

    SQLite's file is copied as it is; PostgreSQL's rows are, for want of a `pg_dump` in every wheel.
    """
    if house.database.url.startswith("sqlite"):
        return _file_backup(house, folder)
    with house.database.reading() as session:
        rows = {
            table: [dict(row._mapping) for row in session.connection().execute(select(table))]
            for table in Table.metadata.sorted_tables
        }

    def restore() -> None:
        with house.database.writing() as session:
            connection = session.connection()
            connection.execute(text("SET session_replication_role = replica"))  # append-only triggers sleep
            names = ", ".join(table.name for table in Table.metadata.sorted_tables)
            connection.execute(text(f"TRUNCATE {names} CASCADE"))
            for table, kept in rows.items():
                if kept:
                    connection.execute(table.insert(), kept)
            connection.execute(text("SET session_replication_role = DEFAULT"))

    return restore


def _file_backup(house: Collaborators, folder: Path) -> Callable[[], None]:
    live = Path(house.database.url.removeprefix("sqlite:///"))
    house.database.empty_log()
    kept = folder / "yesterday.db"
    shutil.copyfile(live, kept)

    def restore() -> None:
        house.database.close()
        for tail in ("-wal", "-shm"):
            live.with_name(live.name + tail).unlink(missing_ok=True)
        shutil.copyfile(kept, live)

    return restore


def reopened(house: Collaborators) -> Database:
    """Connections of before a restore hold the old file."""
    return Database(house.database.url)


def upload(house: Collaborators, lender: Lender, *, key: str, frequency_hz: float = 300.0) -> UtteranceId:
    """Through the front door, with an idempotency key."""
    admission = admit(house, token=lender.device_token, metadata=Metadata(), idempotency_key=key)
    return record(house, admission, "", Body(wav(tone(frequency_hz=frequency_hz)))).utterance_id


def voices(house: Collaborators, account_id: AccountId) -> list[str]:
    return [info.key for info in house.store.list(object_keys.voices_of(account_id))]


def tables_that_name(house: Collaborators, value: str) -> list[str]:
    """Every table of which some row holds the value."""
    with house.database.reading() as session:
        return [
            table.name
            for table in Table.metadata.sorted_tables
            if any(value in map(str, row) for row in session.connection().execute(select(table)))
        ]
