"""Versions of an object and whose images they are, what a report covers of them, and one pending job a report."""

import sqlalchemy as sa
from alembic import op

from scp_node.ledger import column_types

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "hilum_instance_version",
        sa.Column("sop_instance_uid", sa.String(length=64), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("sop_class_uid", sa.String(length=64), nullable=False),
        sa.Column("study_instance_uid", sa.String(length=64), nullable=False),
        sa.Column("series_instance_uid", sa.String(length=64), nullable=False),
        sa.Column("transfer_syntax_uid", sa.String(length=64), nullable=False),
        sa.Column("source", sa.String(length=32), nullable=False),
        sa.Column("calling_ae_title", sa.String(length=16), nullable=False),
        sa.Column("called_ae_title", sa.String(length=16), nullable=False),
        sa.Column("spool_name", sa.String(length=128), nullable=False),
        sa.Column("bytes", sa.BigInteger(), nullable=False),
        sa.Column("digest", sa.String(length=32), nullable=False),
        sa.Column("received_at", column_types.UtcDateTime(), nullable=False),
        sa.Column("sha256", sa.String(length=64)),
        sa.Column("copied", sa.String(length=64)),
        sa.Column("pixels", sa.String(length=64)),
        sa.Column("shown", sa.String(length=64)),
        sa.Column("patient_id", sa.Text()),
        sa.Column("patient_id_issuer", sa.Text()),
        sa.Column("patient_name", sa.Text()),
        sa.Column("patient_birth_date", sa.Text()),
        sa.ForeignKeyConstraint(["sop_instance_uid"], ["hilum_instance.sop_instance_uid"]),
        sa.PrimaryKeyConstraint("sop_instance_uid", "version"),
        sqlite_with_rowid=False,
    )
    op.add_column("hilum_instance", sa.Column("version", sa.Integer(), nullable=False, server_default="1"))
    op.add_column("hilum_instance", sa.Column("judged_version", sa.Integer()))
    op.execute("UPDATE hilum_instance SET judged_version = 1 WHERE state <> 'received'")
    op.drop_index("ix_hilum_instance_study_instance_uid", table_name="hilum_instance")
    op.create_index("ix_hilum_instance_arrival", "hilum_instance", ["study_instance_uid", "received_at"])
    op.add_column("hilum_report", sa.Column("versions", sa.JSON(), nullable=False, server_default="{}"))
    op.add_column("hilum_report", sa.Column("left_out", sa.JSON(), nullable=False, server_default="[]"))
    op.add_column("hilum_report", sa.Column("abandoned_at", column_types.UtcDateTime()))
    op.add_column("hilum_result", sa.Column("source_version", sa.Integer()))
    op.add_column("hilum_result", sa.Column("judged_at", column_types.UtcDateTime()))
    op.execute("UPDATE hilum_result SET source_version = 1 WHERE source_instance_uid IS NOT NULL")
    op.add_column("hilum_job", sa.Column("postponed", sa.Integer(), nullable=False, server_default="0"))
    op.create_index(
        "ix_hilum_job_report",
        "hilum_job",
        ["study_instance_uid", "subject"],
        sqlite_where=sa.text("kind = 'study'"),
        postgresql_where=sa.text("kind = 'study'"),
    )


def downgrade() -> None:
    op.drop_index("ix_hilum_job_report", table_name="hilum_job")
    op.drop_column("hilum_job", "postponed")
    op.drop_column("hilum_result", "judged_at")
    op.drop_column("hilum_result", "source_version")
    op.drop_column("hilum_report", "abandoned_at")
    op.drop_column("hilum_report", "left_out")
    op.drop_column("hilum_report", "versions")
    op.drop_index("ix_hilum_instance_arrival", table_name="hilum_instance")
    op.create_index("ix_hilum_instance_study_instance_uid", "hilum_instance", ["study_instance_uid"])
    op.drop_column("hilum_instance", "judged_version")
    op.drop_column("hilum_instance", "version")
    op.drop_table("hilum_instance_version")
