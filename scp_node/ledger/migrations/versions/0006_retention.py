"""What was removed, when and why; files on their way out; erasures."""

import sqlalchemy as sa
from alembic import op

from scp_node.ledger import column_types

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

REMOVED = ("hilum_instance", "hilum_instance_version", "hilum_result")
MARKS = ("images_removed_at", "results_removed_at")


def upgrade() -> None:
    for name in MARKS:
        op.add_column("hilum_study", sa.Column(name, column_types.UtcDateTime()))
    op.create_index("ix_hilum_study_first_received_at", "hilum_study", ["first_received_at"])
    for name, mark in (("images", MARKS[0]), ("results", MARKS[1])):
        condition = sa.text(f"{mark} IS NULL")
        op.create_index(
            f"ix_hilum_study_with_{name}",
            "hilum_study",
            ["first_received_at"],
            sqlite_where=condition,
            postgresql_where=condition,
        )
    for table in REMOVED:
        op.add_column(table, sa.Column("removed_at", column_types.UtcDateTime()))
        op.add_column(table, sa.Column("removed_because", sa.String(length=8)))
    op.add_column("hilum_report", sa.Column("gone", sa.JSON(), nullable=False, server_default="[]"))
    op.create_table(
        "hilum_removal",
        sa.Column("spool_name", sa.String(length=128), nullable=False),
        sa.Column("marked_at", column_types.UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("spool_name"),
    )
    op.create_table(
        "hilum_removed_day",
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("reason", sa.String(length=8), nullable=False),
        sa.Column("files", sa.Integer(), nullable=False),
        sa.Column("bytes", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("day", "reason"),
    )
    op.create_table(
        "hilum_erasure",
        sa.Column("erasure_id", sa.String(length=36), nullable=False),
        sa.Column("at", column_types.UtcDateTime(), nullable=False),
        sa.Column("operator", sa.Text(), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("studies", sa.Integer(), nullable=False),
        sa.Column("images", sa.Integer(), nullable=False),
        sa.Column("results", sa.Integer(), nullable=False),
        sa.Column("files", sa.Integer(), nullable=False),
        sa.Column("bytes", sa.BigInteger(), nullable=False),
        sa.Column("finished_at", column_types.UtcDateTime()),
        sa.PrimaryKeyConstraint("erasure_id"),
    )


def downgrade() -> None:
    for table in ("hilum_erasure", "hilum_removed_day", "hilum_removal"):
        op.drop_table(table)
    op.drop_column("hilum_report", "gone")
    for table in reversed(REMOVED):
        op.drop_column(table, "removed_because")
        op.drop_column(table, "removed_at")
    for name in ("with_results", "with_images", "first_received_at"):
        op.drop_index(f"ix_hilum_study_{name}", table_name="hilum_study")
    for name in reversed(MARKS):
        op.drop_column("hilum_study", name)
