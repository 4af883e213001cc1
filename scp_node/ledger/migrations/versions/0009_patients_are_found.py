"""Studies are found by the ID or the name of their patient."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # What LIKE goes by, whatever the collation of the database.
    ops = " text_pattern_ops" if op.get_bind().dialect.name == "postgresql" else ""
    for column in ("patient_id", "patient_name"):
        stated = sa.text(f"{column} IS NOT NULL")
        op.create_index(
            f"ix_hilum_version_{column}",
            "hilum_instance_version",
            [sa.text(f"lower({column}){ops}")],
            sqlite_where=stated,
            postgresql_where=stated,
        )


def downgrade() -> None:
    for column in ("patient_name", "patient_id"):
        op.drop_index(f"ix_hilum_version_{column}", "hilum_instance_version")
