"""Which roles of which hosts work on this ledger, in which version, and when each was last alive."""

import sqlalchemy as sa
from alembic import op

from scp_node.ledger import column_types

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "hilum_host",
        sa.Column("name", sa.String(length=80), nullable=False),
        sa.Column("role", sa.String(length=16), nullable=False),
        sa.Column("host_id", sa.String(length=60), nullable=False),
        sa.Column("version", sa.String(length=40), nullable=False),
        sa.Column("started_at", column_types.UtcDateTime(), nullable=False),
        sa.Column("signed_at", column_types.UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("name", "role"),
    )


def downgrade() -> None:
    op.drop_table("hilum_host")
