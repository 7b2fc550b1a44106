"""The migrations and the models tell one story."""

import re
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import inspect

from corpus import database
from corpus.errors import Misconfigured
from corpus.tables import Table


@pytest.fixture
def script() -> ScriptDirectory:
    return ScriptDirectory.from_config(database.alembic_config())


def test_an_upgrade_from_empty_equals_the_models(empty_database_url: str) -> None:
    database.upgrade(empty_database_url)

    with database.connected(empty_database_url) as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        differences = compare_metadata(context, Table.metadata)

    assert differences == []


def test_there_is_one_head(script: ScriptDirectory) -> None:
    assert len(script.get_heads()) == 1


def test_going_down_and_up_again_leaves_the_same_schema(empty_database_url: str) -> None:
    database.upgrade(empty_database_url)
    before = _schema(empty_database_url)

    with database.migrating(empty_database_url) as connection:
        config = database.alembic_config()
        config.attributes["connection"] = connection
        command.downgrade(config, "base")
        left_over = set(inspect(connection).get_table_names()) - {"alembic_version"}
    database.upgrade(empty_database_url)

    assert left_over == set()
    assert _schema(empty_database_url) == before


def test_every_migration_is_named_by_its_time_and_a_sentence(script: ScriptDirectory) -> None:
    names = [Path(revision.path).name for revision in script.walk_revisions()]

    assert all(re.fullmatch(r"\d{8}_\d{4}_[a-z0-9_]+\.py", name) for name in names)


def test_an_outdated_database_is_named_with_its_remedy(empty_database_url: str) -> None:
    with pytest.raises(Misconfigured, match="loanword database upgrade"):
        database.check_up_to_date(empty_database_url)


def _schema(url: str) -> dict[str, list[str]]:
    with database.connected(url) as connection:
        inspector = inspect(connection)
        return {
            table: sorted(str(column["name"]) + str(column["type"]) for column in inspector.get_columns(table))
            for table in inspector.get_table_names()
        }
