"""Runs migrations: on the connection that `corpus.database` hands over, or for the `alembic` command on its own."""

import os

from alembic import context
from sqlalchemy import Connection

from corpus.database import connected
from corpus.tables import Table


def run(connection: Connection) -> None:
    """Runs what is pending. SQLite cannot alter a table in place, so there a change is made on a copy."""
    context.configure(
        connection=connection,
        target_metadata=Table.metadata,
        render_as_batch=connection.dialect.name == "sqlite",
        compare_type=True,
    )
    with context.begin_transaction():
        context.run_migrations()


handed_over: Connection | None = context.config.attributes.get("connection")
if handed_over is not None:
    run(handed_over)
else:
    with connected(os.environ.get("LOANWORD_DATABASE_URL", "sqlite:///loanword-data/loanword.db")) as own:
        run(own)
