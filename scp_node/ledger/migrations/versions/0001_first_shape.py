"""First shape of the ledger."""

import sqlalchemy as sa
from alembic import op

from scp_node.ledger import column_types, tables

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "hilum_capability",
        sa.Column("remote_ae", sa.String(length=32), nullable=False),
        sa.Column("sop_class_uid", sa.String(length=64), nullable=False),
        sa.Column("accepted", sa.Boolean(), nullable=False),
        sa.Column("seen_at", column_types.UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("remote_ae", "sop_class_uid"),
    )
    op.create_table(
        "hilum_event",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("at", column_types.UtcDateTime(), nullable=False),
        sa.Column("study_instance_uid", sa.String(length=64), nullable=False),
        sa.Column("subject", sa.String(length=200), nullable=False),
        sa.Column("step", sa.String(length=40), nullable=False),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.Column("took_ms", sa.Float(), nullable=True),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(op.f("ix_hilum_event_study_instance_uid"), "hilum_event", ["study_instance_uid"], unique=False)
    op.create_table(
        "hilum_job",
        sa.Column("job_id", sa.String(length=200), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("subject", sa.String(length=200), nullable=False),
        sa.Column("study_instance_uid", sa.String(length=64), nullable=False),
        sa.Column("queue", sa.String(length=48), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("starts", sa.Integer(), nullable=False),
        sa.Column("worker", sa.String(length=80), nullable=True),
        sa.Column("lease_until", column_types.UtcDateTime(), nullable=True),
        sa.Column("created_at", column_types.UtcDateTime(), nullable=False),
        sa.Column("due_at", column_types.UtcDateTime(), nullable=False),
        sa.Column("changed_at", column_types.UtcDateTime(), nullable=False),
        sa.Column("error", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("job_id"),
        sqlite_with_rowid=False,
    )
    op.create_index(
        "ix_hilum_job_pending",
        "hilum_job",
        ["queue", "due_at"],
        unique=False,
        sqlite_where=tables.PENDING,
        postgresql_where=tables.PENDING,
    )
    op.create_index(op.f("ix_hilum_job_study_instance_uid"), "hilum_job", ["study_instance_uid"], unique=False)
    op.create_index(
        "ix_hilum_job_unfinished",
        "hilum_job",
        ["state"],
        unique=False,
        sqlite_where=tables.UNFINISHED,
        postgresql_where=tables.UNFINISHED,
    )
    op.create_table(
        "hilum_study",
        sa.Column("study_instance_uid", sa.String(length=64), nullable=False),
        sa.Column("accession_number", sa.String(length=64), nullable=False),
        sa.Column("first_received_at", column_types.UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("study_instance_uid"),
        sqlite_with_rowid=False,
    )
    op.create_index(op.f("ix_hilum_study_accession_number"), "hilum_study", ["accession_number"], unique=False)
    op.create_table(
        "hilum_instance",
        sa.Column("sop_instance_uid", sa.String(length=64), nullable=False),
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
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("reportable", sa.Boolean(), nullable=False),
        sa.Column("covered", sa.Boolean(), nullable=False),
        sa.Column("route", sa.String(length=32), nullable=True),
        sa.Column("model", sa.String(length=80), nullable=True),
        sa.Column("decline_code", sa.String(length=32), nullable=True),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.Column("notes", sa.JSON(), nullable=False),
        sa.Column("finished_at", column_types.UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(
            ["study_instance_uid"],
            ["hilum_study.study_instance_uid"],
            initially="DEFERRED",
            deferrable=True,
        ),
        sa.PrimaryKeyConstraint("sop_instance_uid"),
        sqlite_with_rowid=False,
    )
    op.create_index(
        "ix_hilum_instance_uncovered",
        "hilum_instance",
        ["study_instance_uid", "route"],
        unique=False,
        sqlite_where=tables.UNCOVERED,
        postgresql_where=tables.UNCOVERED,
    )
    op.create_index(
        op.f("ix_hilum_instance_study_instance_uid"), "hilum_instance", ["study_instance_uid"], unique=False
    )
    op.create_table(
        "hilum_report",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("study_instance_uid", sa.String(length=64), nullable=False),
        sa.Column("route", sa.String(length=32), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("job_id", sa.String(length=200), nullable=False),
        sa.Column("model", sa.String(length=80), nullable=False),
        sa.Column("created_at", column_types.UtcDateTime(), nullable=False),
        sa.Column("instances", sa.JSON(), nullable=False),
        sa.Column("built_at", column_types.UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(
            ["study_instance_uid"],
            ["hilum_study.study_instance_uid"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("job_id"),
        sa.UniqueConstraint("study_instance_uid", "route", "revision"),
    )
    op.create_table(
        "hilum_analysis",
        sa.Column("sop_instance_uid", sa.String(length=64), nullable=False),
        sa.Column("cam", sa.LargeBinary(), nullable=False),
        sa.Column("cam_shape", sa.JSON(), nullable=False),
        sa.Column("preview_to_source", sa.JSON(), nullable=False),
        sa.Column("source_shape", sa.JSON(), nullable=False),
        sa.Column("provider", sa.String(length=64), nullable=False),
        sa.ForeignKeyConstraint(
            ["sop_instance_uid"],
            ["hilum_instance.sop_instance_uid"],
        ),
        sa.PrimaryKeyConstraint("sop_instance_uid"),
    )
    op.create_table(
        "hilum_finding",
        sa.Column("sop_instance_uid", sa.String(length=64), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("concept", sa.JSON(), nullable=False),
        sa.Column("probability", sa.Float(), nullable=False),
        sa.Column("threshold", sa.Float(), nullable=False),
        sa.Column("positive", sa.Boolean(), nullable=False),
        sa.Column("region", sa.JSON(), nullable=True),
        sa.ForeignKeyConstraint(
            ["sop_instance_uid"],
            ["hilum_instance.sop_instance_uid"],
        ),
        sa.PrimaryKeyConstraint("sop_instance_uid", "position"),
    )
    op.create_table(
        "hilum_result",
        sa.Column("sop_instance_uid", sa.String(length=64), nullable=False),
        sa.Column("sop_class_uid", sa.String(length=64), nullable=False),
        sa.Column("series_instance_uid", sa.String(length=64), nullable=False),
        sa.Column("report_id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("source_instance_uid", sa.String(length=64), nullable=True),
        sa.Column("spool_name", sa.String(length=128), nullable=False),
        sa.Column("bytes", sa.BigInteger(), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.ForeignKeyConstraint(
            ["report_id"],
            ["hilum_report.id"],
        ),
        sa.PrimaryKeyConstraint("sop_instance_uid"),
    )
    op.create_index(op.f("ix_hilum_result_report_id"), "hilum_result", ["report_id"], unique=False)
    op.create_index(op.f("ix_hilum_result_source_instance_uid"), "hilum_result", ["source_instance_uid"], unique=False)
    op.create_table(
        "hilum_delivery",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("result_uid", sa.String(length=64), nullable=False),
        sa.Column("destination", sa.String(length=32), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("created_at", column_types.UtcDateTime(), nullable=False),
        sa.Column("next_attempt_at", column_types.UtcDateTime(), nullable=True),
        sa.Column("sent_at", column_types.UtcDateTime(), nullable=True),
        sa.Column("status", sa.Integer(), nullable=True),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["result_uid"],
            ["hilum_result.sop_instance_uid"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("result_uid", "destination"),
    )
    op.create_index(op.f("ix_hilum_delivery_state"), "hilum_delivery", ["state"], unique=False)


def downgrade() -> None:
    op.drop_index(op.f("ix_hilum_delivery_state"), table_name="hilum_delivery")
    op.drop_table("hilum_delivery")
    op.drop_index(op.f("ix_hilum_result_source_instance_uid"), table_name="hilum_result")
    op.drop_index(op.f("ix_hilum_result_report_id"), table_name="hilum_result")
    op.drop_table("hilum_result")
    op.drop_table("hilum_finding")
    op.drop_table("hilum_analysis")
    op.drop_table("hilum_report")
    op.drop_index(op.f("ix_hilum_instance_study_instance_uid"), table_name="hilum_instance")
    op.drop_index("ix_hilum_instance_uncovered", table_name="hilum_instance")
    op.drop_table("hilum_instance")
    op.drop_index(op.f("ix_hilum_study_accession_number"), table_name="hilum_study")
    op.drop_table("hilum_study")
    op.drop_index("ix_hilum_job_unfinished", table_name="hilum_job")
    op.drop_index(op.f("ix_hilum_job_study_instance_uid"), table_name="hilum_job")
    op.drop_table("hilum_job")
    op.drop_index(op.f("ix_hilum_event_study_instance_uid"), table_name="hilum_event")
    op.drop_table("hilum_event")
    op.drop_table("hilum_capability")
