"""Which remote AEs could not be reached at the last attempt."""

import sqlalchemy as sa
from alembic import op

from scp_node.ledger import column_types

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "hilum_unreached",
        sa.Column("remote_ae", sa.String(length=32), nullable=False),
        sa.Column("failed_at", column_types.UtcDateTime(), nullable=False),
        sa.Column("failure", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("remote_ae"),
    )


def downgrade() -> None:
    op.drop_table("hilum_unreached")
