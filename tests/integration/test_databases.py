"""The PostgreSQL that tests are given is a real one: it can be stopped, and keeps what was committed."""

import psycopg
import pytest

from tests.fixtures.databases import Postgres


def _conninfo(url: str) -> str:
    return url.replace("postgresql+psycopg://", "postgresql://")


def test_a_stopped_postgresql_refuses_and_comes_back_with_what_was_committed(postgresql_server: Postgres) -> None:
    postgresql_server.create_database("stopped_once")
    address = _conninfo(postgresql_server.url("stopped_once"))
    with psycopg.connect(address) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 7 AS value")

    postgresql_server.stop()

    with pytest.raises(psycopg.OperationalError):
        psycopg.connect(address)
    postgresql_server.start()
    with psycopg.connect(address) as connection:
        assert connection.execute("SELECT value FROM kept").fetchone() == (7,)
    postgresql_server.drop_database("stopped_once")
