"""The tables of the ledger. Their states are told in scp_node/ARCHITECTURE.md; a change here needs a migration."""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa

from scp_node.ledger.column_types import UID, UtcDateTime
from scp_node.ledger.records import PENDING_JOBS, UNFINISHED_JOBS

metadata = sa.MetaData()

study = sa.Table(
    "hilum_study",
    metadata,
    sa.Column("study_instance_uid", UID, primary_key=True),
    sa.Column("accession_number", sa.String(64), nullable=False, index=True),
    sa.Column("first_received_at", UtcDateTime, nullable=False),
    sqlite_with_rowid=False,
)

# Asked at the commit: the image is entered first, because only that tells whether it is new.
_STUDY_OF_INSTANCE = sa.ForeignKey("hilum_study.study_instance_uid", deferrable=True, initially="DEFERRED")

instance = sa.Table(
    "hilum_instance",
    metadata,
    sa.Column("sop_instance_uid", UID, primary_key=True),
    sa.Column("sop_class_uid", UID, nullable=False),
    sa.Column("study_instance_uid", UID, _STUDY_OF_INSTANCE, nullable=False),
    sa.Column("series_instance_uid", UID, nullable=False),
    sa.Column("transfer_syntax_uid", UID, nullable=False),
    sa.Column("source", sa.String(32), nullable=False),
    sa.Column("calling_ae_title", sa.String(16), nullable=False),
    sa.Column("called_ae_title", sa.String(16), nullable=False),
    sa.Column("spool_name", sa.String(128), nullable=False),
    sa.Column("bytes", sa.BigInteger, nullable=False),
    sa.Column("digest", sa.String(32), nullable=False),
    sa.Column("received_at", UtcDateTime, nullable=False),
    sa.Column("state", sa.String(16), nullable=False),
    sa.Column("reportable", sa.Boolean, nullable=False),
    sa.Column("covered", sa.Boolean, nullable=False),
    sa.Column("route", sa.String(32)),
    sa.Column("model", sa.String(80)),
    sa.Column("decline_code", sa.String(32)),
    sa.Column("detail", sa.Text, nullable=False),
    sa.Column("notes", sa.JSON, nullable=False),
    sa.Column("finished_at", UtcDateTime),
    sa.Column("version", sa.Integer, nullable=False),
    sa.Column("judged_version", sa.Integer),
    sqlite_with_rowid=False,
)

# Every received image is entered into each index of its tables, and a sender waits for it: an index holds only the rows
# that somebody will look for by it. A condition is written with literals, or with none, in index and query alike,
# because that is how SQLite knows that they agree.
UNCOVERED = sa.and_(instance.c.covered.is_(False), instance.c.reportable)
sa.Index(
    "ix_hilum_instance_uncovered",
    instance.c.study_instance_uid,
    instance.c.route,
    sqlite_where=UNCOVERED,
    postgresql_where=UNCOVERED,
)

# By study, and of a study the one that came last: whether it is quiet is asked after each image.
sa.Index("ix_hilum_instance_arrival", instance.c.study_instance_uid, instance.c.received_at)

# What was entered of each version of an object. A first version has its row once a worker has looked at it, or another
# version has come: no sender waits for it.
version = sa.Table(
    "hilum_instance_version",
    metadata,
    sa.Column("sop_instance_uid", UID, sa.ForeignKey("hilum_instance.sop_instance_uid"), primary_key=True),
    sa.Column("version", sa.Integer, primary_key=True),
    sa.Column("sop_class_uid", UID, nullable=False),
    sa.Column("study_instance_uid", UID, nullable=False),
    sa.Column("series_instance_uid", UID, nullable=False),
    sa.Column("transfer_syntax_uid", UID, nullable=False),
    sa.Column("source", sa.String(32), nullable=False),
    sa.Column("calling_ae_title", sa.String(16), nullable=False),
    sa.Column("called_ae_title", sa.String(16), nullable=False),
    sa.Column("spool_name", sa.String(128), nullable=False),
    sa.Column("bytes", sa.BigInteger, nullable=False),
    sa.Column("digest", sa.String(32), nullable=False),
    sa.Column("received_at", UtcDateTime, nullable=False),
    sa.Column("sha256", sa.String(64)),
    sa.Column("copied", sa.String(64)),
    sa.Column("pixels", sa.String(64)),
    sa.Column("shown", sa.String(64)),
    # As sent, to be shown; null where no header could be read. Compared by converter.result.patient.
    sa.Column("patient_id", sa.Text),
    sa.Column("patient_id_issuer", sa.Text),
    sa.Column("patient_name", sa.Text),
    sa.Column("patient_birth_date", sa.Text),
    sqlite_with_rowid=False,
)

analysis = sa.Table(
    "hilum_analysis",
    metadata,
    sa.Column("sop_instance_uid", UID, sa.ForeignKey("hilum_instance.sop_instance_uid"), primary_key=True),
    sa.Column("cam", sa.LargeBinary, nullable=False),
    sa.Column("cam_shape", sa.JSON, nullable=False),
    sa.Column("preview_to_source", sa.JSON, nullable=False),
    sa.Column("source_shape", sa.JSON, nullable=False),
    sa.Column("provider", sa.String(64), nullable=False),
)

finding = sa.Table(
    "hilum_finding",
    metadata,
    sa.Column("sop_instance_uid", UID, sa.ForeignKey("hilum_instance.sop_instance_uid"), primary_key=True),
    sa.Column("position", sa.Integer, primary_key=True),
    sa.Column("name", sa.String(64), nullable=False),
    sa.Column("concept", sa.JSON, nullable=False),
    sa.Column("probability", sa.Float, nullable=False),
    sa.Column("threshold", sa.Float, nullable=False),
    sa.Column("positive", sa.Boolean, nullable=False),
    sa.Column("region", sa.JSON),
)

report = sa.Table(
    "hilum_report",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("study_instance_uid", UID, sa.ForeignKey("hilum_study.study_instance_uid"), nullable=False),
    sa.Column("route", sa.String(32), nullable=False),
    sa.Column("revision", sa.Integer, nullable=False),
    sa.Column("job_id", sa.String(200), nullable=False, unique=True),
    sa.Column("model", sa.String(80), nullable=False),
    sa.Column("created_at", UtcDateTime, nullable=False),
    sa.Column("instances", sa.JSON, nullable=False),
    sa.Column("built_at", UtcDateTime),
    sa.Column("versions", sa.JSON, nullable=False),
    sa.Column("left_out", sa.JSON, nullable=False),
    sa.Column("abandoned_at", UtcDateTime),
    sa.UniqueConstraint("study_instance_uid", "route", "revision"),
)

result = sa.Table(
    "hilum_result",
    metadata,
    sa.Column("sop_instance_uid", UID, primary_key=True),
    sa.Column("sop_class_uid", UID, nullable=False),
    sa.Column("series_instance_uid", UID, nullable=False),
    sa.Column("report_id", sa.Integer, sa.ForeignKey("hilum_report.id"), nullable=False, index=True),
    sa.Column("kind", sa.String(16), nullable=False),
    sa.Column("source_instance_uid", UID, index=True),
    sa.Column("spool_name", sa.String(128), nullable=False),
    sa.Column("bytes", sa.BigInteger, nullable=False),
    sa.Column("sha256", sa.String(64), nullable=False),
    sa.Column("source_version", sa.Integer),
    sa.Column("judged_at", UtcDateTime),
)

delivery = sa.Table(
    "hilum_delivery",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("result_uid", UID, sa.ForeignKey("hilum_result.sop_instance_uid"), nullable=False),
    sa.Column("destination", sa.String(32), nullable=False),
    sa.Column("state", sa.String(16), nullable=False, index=True),
    sa.Column("attempts", sa.Integer, nullable=False),
    sa.Column("created_at", UtcDateTime, nullable=False),
    sa.Column("next_attempt_at", UtcDateTime),
    sa.Column("sent_at", UtcDateTime),
    sa.Column("status", sa.Integer),
    sa.Column("detail", sa.Text, nullable=False),
    sa.UniqueConstraint("result_uid", "destination"),
)

commitment = sa.Table(
    "hilum_commitment",
    metadata,
    sa.Column("transaction_uid", UID, primary_key=True),
    sa.Column("delivery_id", sa.Integer, sa.ForeignKey("hilum_delivery.id"), nullable=False, index=True),
    sa.Column("ae_title", sa.String(16), nullable=False),
    sa.Column("sop_class_uid", UID, nullable=False),
    sa.Column("sop_instance_uid", UID, nullable=False),
    sa.Column("state", sa.String(16), nullable=False),
    sa.Column("requested_at", UtcDateTime, nullable=False),
    sa.Column("failure_reason", sa.Integer),
    sa.Column("answered_at", UtcDateTime),
)

capability = sa.Table(
    "hilum_capability",
    metadata,
    sa.Column("remote_ae", sa.String(32), primary_key=True),
    sa.Column("sop_class_uid", UID, primary_key=True),
    sa.Column("accepted", sa.Boolean, nullable=False),
    sa.Column("seen_at", UtcDateTime, nullable=False),
)

job = sa.Table(
    "hilum_job",
    metadata,
    sa.Column("job_id", sa.String(200), primary_key=True),
    sa.Column("kind", sa.String(16), nullable=False),
    sa.Column("subject", sa.String(200), nullable=False),
    sa.Column("study_instance_uid", UID, nullable=False, index=True),
    sa.Column("queue", sa.String(48), nullable=False),
    sa.Column("state", sa.String(16), nullable=False),
    sa.Column("attempt", sa.Integer, nullable=False),
    sa.Column("starts", sa.Integer, nullable=False),
    sa.Column("worker", sa.String(80)),
    sa.Column("lease_until", UtcDateTime),
    sa.Column("created_at", UtcDateTime, nullable=False),
    sa.Column("due_at", UtcDateTime, nullable=False),
    sa.Column("changed_at", UtcDateTime, nullable=False),
    sa.Column("error", sa.Text, nullable=False),
    sa.Column("postponed", sa.Integer, nullable=False),
    sqlite_with_rowid=False,
)


def _is_in(states: Sequence[str]) -> sa.ColumnElement[bool]:
    return job.c.state.in_([sa.literal_column(f"'{state}'") for state in states])


# What a dispatcher asks for, in the order in which it wants it: the cost of a look does not depend on the backlog. What
# is done is found by its study or its id only.
PENDING, UNFINISHED = _is_in(PENDING_JOBS), _is_in(UNFINISHED_JOBS)
sa.Index("ix_hilum_job_pending", job.c.queue, job.c.due_at, sqlite_where=PENDING, postgresql_where=PENDING)
sa.Index("ix_hilum_job_unfinished", job.c.state, sqlite_where=UNFINISHED, postgresql_where=UNFINISHED)
# The report of a study and route has one pending job, looked for after each image: in an index without jobs of images.
STUDY_JOB = job.c.kind == sa.literal_column("'study'")
sa.Index(
    "ix_hilum_job_report", job.c.study_instance_uid, job.c.subject, sqlite_where=STUDY_JOB, postgresql_where=STUDY_JOB
)

shadow = sa.Table(
    "hilum_shadow",
    metadata,
    sa.Column("sop_instance_uid", UID, sa.ForeignKey("hilum_instance.sop_instance_uid"), primary_key=True),
    sa.Column("shadow", sa.String(80), primary_key=True),
    sa.Column("model", sa.String(80), nullable=False),
    sa.Column("route", sa.String(32), nullable=False),
    sa.Column("outcome", sa.String(16), nullable=False),
    sa.Column("detail", sa.Text, nullable=False),
    sa.Column("scores", sa.JSON, nullable=False),
    sa.Column("scored_at", UtcDateTime, nullable=False, index=True),
)

drift = sa.Table(
    "hilum_drift",
    metadata,
    sa.Column("model", sa.String(80), primary_key=True),
    sa.Column("ae_title", sa.String(16), primary_key=True),
    sa.Column("station", sa.String(16), primary_key=True),
    sa.Column("day", sa.Date, primary_key=True),
    sa.Column("images", sa.Integer, nullable=False),
    sa.Column("refused", sa.Integer, nullable=False),
    sa.Column("declines", sa.JSON, nullable=False),
    sa.Column("counts", sa.JSON, nullable=False),
)

caller = sa.Table(
    "hilum_caller",
    metadata,
    sa.Column("calling_ae_title", sa.String(64), primary_key=True),
    sa.Column("called_ae_title", sa.String(64), primary_key=True),
    sa.Column("address", sa.String(64), primary_key=True),
    sa.Column("first_seen_at", UtcDateTime, nullable=False),
    sa.Column("last_seen_at", UtcDateTime, nullable=False),
    sa.Column("associations", sa.Integer, nullable=False),
    sa.Column("silent", sa.Integer, nullable=False),
    sa.Column("stored", sa.Integer, nullable=False),
    sa.Column("refused", sa.Integer, nullable=False),
    sa.Column("last_stored_at", UtcDateTime),
    sa.Column("last_refused_at", UtcDateTime),
    sa.Column("last_refusal", sa.Text, nullable=False),
    sa.Column("rejections", sa.JSON, nullable=False),
    sa.Column("contexts", sa.JSON, nullable=False),
)

event = sa.Table(
    "hilum_event",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("at", UtcDateTime, nullable=False),
    sa.Column("study_instance_uid", UID, nullable=False, index=True),
    sa.Column("subject", sa.String(200), nullable=False),
    sa.Column("step", sa.String(40), nullable=False),
    sa.Column("outcome", sa.Text, nullable=False),
    sa.Column("took_ms", sa.Float),
)
