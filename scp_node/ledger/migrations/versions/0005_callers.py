"""Who has called this node, and what came of it."""

import sqlalchemy as sa
from alembic import op

from scp_node.ledger import column_types

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "hilum_caller",
        sa.Column("calling_ae_title", sa.String(length=64), nullable=False),
        sa.Column("called_ae_title", sa.String(length=64), nullable=False),
        sa.Column("address", sa.String(length=64), nullable=False),
        sa.Column("first_seen_at", column_types.UtcDateTime(), nullable=False),
        sa.Column("last_seen_at", column_types.UtcDateTime(), nullable=False),
        sa.Column("associations", sa.Integer(), nullable=False),
        sa.Column("silent", sa.Integer(), nullable=False),
        sa.Column("stored", sa.Integer(), nullable=False),
        sa.Column("refused", sa.Integer(), nullable=False),
        sa.Column("last_stored_at", column_types.UtcDateTime(), nullable=True),
        sa.Column("last_refused_at", column_types.UtcDateTime(), nullable=True),
        sa.Column("last_refusal", sa.Text(), nullable=False),
        sa.Column("rejections", sa.JSON(), nullable=False),
        sa.Column("contexts", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("calling_ae_title", "called_ae_title", "address"),
    )


def downgrade() -> None:
    op.drop_table("hilum_caller")
