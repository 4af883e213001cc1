"""How urgent jobs and images are, and what routes look at in a header."""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

PENDING = sa.text("state IN ('queued', 'waiting')")
INDEX = "ix_hilum_job_pending"
ROUTINE = "2"


def upgrade() -> None:
    """What was there is routine; its headers are not known."""
    op.add_column("hilum_job", sa.Column("priority", sa.SmallInteger(), nullable=False, server_default=ROUTINE))
    op.add_column("hilum_instance", sa.Column("priority", sa.SmallInteger(), nullable=False, server_default=ROUTINE))
    op.add_column("hilum_instance_version", sa.Column("header", sa.Text()))
    _index("queue", "priority", "due_at")


def downgrade() -> None:
    _index("queue", "due_at")
    op.drop_column("hilum_job", "priority")
    op.drop_column("hilum_instance", "priority")
    op.drop_column("hilum_instance_version", "header")


def _index(*columns: str) -> None:
    """What a dispatcher asks for, in the order in which it wants it."""
    op.drop_index(INDEX, table_name="hilum_job")
    op.create_index(INDEX, "hilum_job", columns, sqlite_where=PENDING, postgresql_where=PENDING)
