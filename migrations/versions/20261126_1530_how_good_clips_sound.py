"""How good clips sound: what DNSMOS says of them, where it is asked."""

import sqlalchemy as sa
from alembic import op

revision = "e58f02b7a4d1"
down_revision = "d3a95c6f1e20"
branch_labels = None
depends_on = None

RATED = {
    "dnsmos_sig": "of the speech, 1 to 5, as DNSMOS P.835 puts it; null where it was not asked",
    "dnsmos_bak": "of the background",
    "dnsmos_ovrl": "of the whole",
}


def upgrade() -> None:
    for name, comment in RATED.items():
        op.add_column("measurements", sa.Column(name, sa.Double(), nullable=True, comment=comment))


def downgrade() -> None:
    for name in RATED:
        op.drop_column("measurements", name)
