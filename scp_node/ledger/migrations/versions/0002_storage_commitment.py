"""Requests for storage commitment."""

import sqlalchemy as sa
from alembic import op

from scp_node.ledger import column_types

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "hilum_commitment",
        sa.Column("transaction_uid", sa.String(length=64), nullable=False),
        sa.Column("delivery_id", sa.Integer(), nullable=False),
        sa.Column("ae_title", sa.String(length=16), nullable=False),
        sa.Column("sop_class_uid", sa.String(length=64), nullable=False),
        sa.Column("sop_instance_uid", sa.String(length=64), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("requested_at", column_types.UtcDateTime(), nullable=False),
        sa.Column("failure_reason", sa.Integer(), nullable=True),
        sa.Column("answered_at", column_types.UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(["delivery_id"], ["hilum_delivery.id"]),
        sa.PrimaryKeyConstraint("transaction_uid"),
    )
    op.create_index(op.f("ix_hilum_commitment_delivery_id"), "hilum_commitment", ["delivery_id"], unique=False)


def downgrade() -> None:
    op.drop_index(op.f("ix_hilum_commitment_delivery_id"), table_name="hilum_commitment")
    op.drop_table("hilum_commitment")
