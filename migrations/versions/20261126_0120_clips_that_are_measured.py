"""Clips that are measured: what curation finds out about a recording, and how sure it is.

Every table hangs from a clip or an utterance by a foreign key, and so goes with the voice.
"""

revision = "b41d7e02c9a6"
down_revision = "7c1e5a90b3d4"
branch_labels = None
depends_on = None


def upgrade() -> None:
    pass


def downgrade() -> None:
    pass
