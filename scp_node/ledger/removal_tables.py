"""The tables of what goes: files on their way out, bytes by day, and erasures. A change here needs a migration."""

from __future__ import annotations

import sqlalchemy as sa

from scp_node.ledger.column_types import UtcDateTime
from scp_node.ledger.tables import metadata

# Files that no row stands for any more, and that are still to be unlinked.
removal = sa.Table(
    "hilum_removal",
    metadata,
    sa.Column("spool_name", sa.String(128), primary_key=True),
    sa.Column("marked_at", UtcDateTime, nullable=False),
)

removed_day = sa.Table(
    "hilum_removed_day",
    metadata,
    sa.Column("day", sa.Date, primary_key=True),
    sa.Column("reason", sa.String(8), primary_key=True),
    sa.Column("files", sa.Integer, nullable=False),
    sa.Column("bytes", sa.BigInteger, nullable=False),
)

erasure = sa.Table(
    "hilum_erasure",
    metadata,
    sa.Column("erasure_id", sa.String(36), primary_key=True),
    sa.Column("at", UtcDateTime, nullable=False),
    sa.Column("operator", sa.Text, nullable=False),
    sa.Column("kind", sa.String(16), nullable=False),
    sa.Column("studies", sa.Integer, nullable=False),
    sa.Column("images", sa.Integer, nullable=False),
    sa.Column("results", sa.Integer, nullable=False),
    sa.Column("files", sa.Integer, nullable=False),
    sa.Column("bytes", sa.BigInteger, nullable=False),
    sa.Column("finished_at", UtcDateTime),
)
