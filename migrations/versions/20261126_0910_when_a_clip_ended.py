"""When a clip ended: what is refused long after it was made has its time from then on.

Until now the time of its making was moved, which gave its original more time as well.
"""

import sqlalchemy as sa
from alembic import op

revision = "d3a95c6f1e20"
down_revision = "b41d7e02c9a6"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "clips",
        sa.Column(
            "ended_at",
            sa.DateTime(timezone=True),
            nullable=True,
            comment="when it got the outcome that it has; null where that was as it was made",
        ),
    )


def downgrade() -> None:
    op.drop_column("clips", "ended_at")
