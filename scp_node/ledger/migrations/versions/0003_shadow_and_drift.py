"""Scores of second models, and how images of each sender are spread."""

import sqlalchemy as sa
from alembic import op

from scp_node.ledger import column_types

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "hilum_shadow",
        sa.Column("sop_instance_uid", sa.String(length=64), nullable=False),
        sa.Column("shadow", sa.String(length=80), nullable=False),
        sa.Column("model", sa.String(length=80), nullable=False),
        sa.Column("route", sa.String(length=32), nullable=False),
        sa.Column("outcome", sa.String(length=16), nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.Column("scores", sa.JSON(), nullable=False),
        sa.Column("scored_at", column_types.UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["sop_instance_uid"], ["hilum_instance.sop_instance_uid"]),
        sa.PrimaryKeyConstraint("sop_instance_uid", "shadow"),
    )
    op.create_index(op.f("ix_hilum_shadow_scored_at"), "hilum_shadow", ["scored_at"], unique=False)
    op.create_table(
        "hilum_drift",
        sa.Column("model", sa.String(length=80), nullable=False),
        sa.Column("ae_title", sa.String(length=16), nullable=False),
        sa.Column("station", sa.String(length=16), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("images", sa.Integer(), nullable=False),
        sa.Column("refused", sa.Integer(), nullable=False),
        sa.Column("declines", sa.JSON(), nullable=False),
        sa.Column("counts", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("model", "ae_title", "station", "day"),
    )


def downgrade() -> None:
    op.drop_table("hilum_drift")
    op.drop_index(op.f("ix_hilum_shadow_scored_at"), table_name="hilum_shadow")
    op.drop_table("hilum_shadow")
