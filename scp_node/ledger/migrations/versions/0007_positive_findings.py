"""Studies with a positive finding are found by it."""

from alembic import op

from scp_node.ledger import tables

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index(
        "ix_hilum_finding_positive",
        "hilum_finding",
        ["sop_instance_uid", "name"],
        unique=False,
        sqlite_where=tables.POSITIVE,
        postgresql_where=tables.POSITIVE,
    )


def downgrade() -> None:
    op.drop_index("ix_hilum_finding_positive", "hilum_finding")
