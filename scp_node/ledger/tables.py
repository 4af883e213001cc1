"""The tables of the ledger. Their states are told in scp_node/ARCHITECTURE.md; a change here needs a migration."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from converter.image.priority import ROUTINE
from scp_node.ledger.column_types import UID, UtcDateTime
from scp_node.ledger.records import PENDING_JOBS, UNFINISHED_JOBS

metadata = sa.MetaData()

study = sa.Table(
    "hilum_study",
    metadata,
    sa.Column("study_instance_uid", UID, primary_key=True),
    sa.Column("accession_number", sa.String(64), nullable=False, index=True),
    sa.Column("first_received_at", UtcDateTime, nullable=False, index=True),
    sa.Column("images_removed_at", UtcDateTime),
    sa.Column("results_removed_at", UtcDateTime),
    sqlite_with_rowid=False,
)
# Asked at the commit: the image is entered first, because only that tells whether it is new.
_STUDY_OF_INSTANCE = sa.ForeignKey("hilum_study.study_instance_uid", deferrable=True, initially="DEFERRED")


def _partial(name: str, condition: sa.ColumnElement[bool], *columns: sa.Column[Any]) -> None:
    """An index of the rows that meet `condition`."""
    sa.Index(f"ix_hilum_{name}", *columns, sqlite_where=condition, postgresql_where=condition)


def _removed() -> tuple[sa.Column[Any], ...]:
    return sa.Column("removed_at", UtcDateTime), sa.Column("removed_because", sa.String(8))


# What retention asks for, oldest first. A mark says when all files of a kind were removed, until another one comes.
HAS_IMAGES, HAS_RESULTS = study.c.images_removed_at.is_(None), study.c.results_removed_at.is_(None)
_partial("study_with_images", HAS_IMAGES, study.c.first_received_at)
_partial("study_with_results", HAS_RESULTS, study.c.first_received_at)


def _received(*study: sa.ForeignKey) -> tuple[sa.Column[Any], ...]:
    """What is entered of an object when it comes in; `study`: what its Study Instance UID refers to."""
    return (
        sa.Column("sop_class_uid", UID, nullable=False),
        sa.Column("study_instance_uid", UID, *study, nullable=False),
        sa.Column("series_instance_uid", UID, nullable=False),
        sa.Column("transfer_syntax_uid", UID, nullable=False),
        sa.Column("source", sa.String(32), nullable=False),
        sa.Column("calling_ae_title", sa.String(16), nullable=False),
        sa.Column("called_ae_title", sa.String(16), nullable=False),
        sa.Column("spool_name", sa.String(128), nullable=False),
        sa.Column("bytes", sa.BigInteger, nullable=False),
        sa.Column("digest", sa.String(32), nullable=False),
        sa.Column("received_at", UtcDateTime, nullable=False),
        *_removed(),
    )


instance = sa.Table(
    "hilum_instance",
    metadata,
    sa.Column("sop_instance_uid", UID, primary_key=True),
    *_received(_STUDY_OF_INSTANCE),
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
    # The rank in converter.image.priority: as it seemed when it came, then as its route has it.
    sa.Column("priority", sa.SmallInteger, nullable=False, server_default=str(ROUTINE)),
    sqlite_with_rowid=False,
)

# Every received image is entered into each index of its tables, and a sender waits for it: an index holds only the rows
# that somebody will look for by it. A condition is written with literals, or with none, in index and query alike,
# because that is how SQLite knows that they agree.
UNCOVERED = sa.and_(instance.c.covered.is_(False), instance.c.reportable)
_partial("instance_uncovered", UNCOVERED, instance.c.study_instance_uid, instance.c.route)

# By study, and of a study the one that came last: whether it is quiet is asked after each image.
sa.Index("ix_hilum_instance_arrival", instance.c.study_instance_uid, instance.c.received_at)

# What was entered of each version of an object. A first version has its row once a worker has looked at it, or another
# version has come: no sender waits for it.
version = sa.Table(
    "hilum_instance_version",
    metadata,
    sa.Column("sop_instance_uid", UID, sa.ForeignKey("hilum_instance.sop_instance_uid"), primary_key=True),
    sa.Column("version", sa.Integer, primary_key=True),
    *_received(),
    sa.Column("sha256", sa.String(64)),
    sa.Column("copied", sa.String(64)),
    sa.Column("pixels", sa.String(64)),
    sa.Column("shown", sa.String(64)),
    # As sent, to be shown; null where no header could be read. Compared by converter.result.patient.
    sa.Column("patient_id", sa.Text),
    sa.Column("patient_id_issuer", sa.Text),
    sa.Column("patient_name", sa.Text),
    sa.Column("patient_birth_date", sa.Text),
    # What routes look at, as converter.image.routing_header writes it; null where no header could be read.
    sa.Column("header", sa.Text),
    sqlite_with_rowid=False,
)

# How a person looks for a patient: by the ID, or by how the name begins, in capitals or not. Of an image that just came
# there is no row here, so that no sender waits for these indexes.
PATIENT_ID, PATIENT_NAME = sa.func.lower(version.c.patient_id), sa.func.lower(version.c.patient_name)
for _column in (version.c.patient_id, version.c.patient_name):
    sa.Index(
        f"ix_hilum_version_{_column.name}",
        sa.func.lower(_column).label("lower"),
        sqlite_where=_column.is_not(None),
        postgresql_where=_column.is_not(None),
        postgresql_ops={"lower": "text_pattern_ops"},
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
    # As scp_node.ledger.outline_column packs it; null where the model found no lungs, or outlines none.
    sa.Column("lungs", sa.LargeBinary),
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
    # [{"outline": [[column, row], ...], "place": as Place.stored writes it, or null}], the strongest first
    sa.Column("regions", sa.JSON, nullable=False),
    sa.Column("unplaced", sa.String(32), nullable=False),
    sa.Column("full_scale", sa.Float),
)

# What a person looks for among many images: the few that are positive.
POSITIVE = finding.c.positive.is_(True)
sa.Index(
    "ix_hilum_finding_positive",
    finding.c.sop_instance_uid,
    finding.c.name,
    sqlite_where=POSITIVE,
    postgresql_where=POSITIVE,
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
    sa.Column("gone", sa.JSON, nullable=False),
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
    *_removed(),
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
    sa.Column("priority", sa.SmallInteger, nullable=False, server_default=str(ROUTINE)),
    sqlite_with_rowid=False,
)


def _is_in(states: Sequence[str]) -> sa.ColumnElement[bool]:
    return job.c.state.in_([sa.literal_column(f"'{state}'") for state in states])


# What a dispatcher asks for, of each priority in the order in which it wants it: the cost of a look does not depend on
# the backlog. What is done is found by its study or its id only.
PENDING, UNFINISHED = _is_in(PENDING_JOBS), _is_in(UNFINISHED_JOBS)
_partial("job_pending", PENDING, job.c.queue, job.c.priority, job.c.due_at)
_partial("job_unfinished", UNFINISHED, job.c.state)
# The report of a study and route has one pending job, looked for after each image: in an index without jobs of images.
STUDY_JOB = job.c.kind == sa.literal_column("'study'")
_partial("job_report", STUDY_JOB, job.c.study_instance_uid, job.c.subject)

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
