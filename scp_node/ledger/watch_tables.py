"""The tables of what is watched: who calls, and how far images and scores drift. A change here needs a migration."""

from __future__ import annotations

import sqlalchemy as sa

from scp_node.ledger.column_types import UtcDateTime
from scp_node.ledger.tables import metadata

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

# A row while the last attempt to reach a remote AE has failed, whatever became of the job that attempted it.
unreached = sa.Table(
    "hilum_unreached",
    metadata,
    sa.Column("remote_ae", sa.String(32), primary_key=True),
    sa.Column("failed_at", UtcDateTime, nullable=False),
    sa.Column("failure", sa.Text, nullable=False),
)

# A row a role of a node, signed again while its process lives. `name` is nobody else's, also where hosts are clones.
host = sa.Table(
    "hilum_host",
    metadata,
    sa.Column("name", sa.String(80), primary_key=True),
    sa.Column("role", sa.String(16), primary_key=True),
    sa.Column("host_id", sa.String(60), nullable=False),
    sa.Column("version", sa.String(40), nullable=False),
    sa.Column("started_at", UtcDateTime, nullable=False),
    sa.Column("signed_at", UtcDateTime, nullable=False),
)
