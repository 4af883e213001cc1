"""A finding has several regions, each with its place, or the reason why it has none."""

from collections.abc import Iterator
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

FINDING = sa.table(
    "hilum_finding",
    sa.column("sop_instance_uid", sa.String),
    sa.column("position", sa.Integer),
    sa.column("region", sa.JSON),
    sa.column("place", sa.JSON(none_as_null=True)),
    sa.column("regions", sa.JSON),
)
# Findings that are read and written together.
ROWS = 1000


def upgrade() -> None:
    op.add_column("hilum_finding", sa.Column("regions", sa.JSON(), nullable=False, server_default="[]"))
    op.add_column("hilum_finding", sa.Column("unplaced", sa.String(length=32), nullable=False, server_default=""))
    op.add_column("hilum_finding", sa.Column("full_scale", sa.Float()))
    for row in _with("region"):
        _write(row, regions=[{"outline": row.region, "place": row.place}])
    op.drop_column("hilum_finding", "region")
    op.drop_column("hilum_finding", "place")


def downgrade() -> None:
    """The strongest region stays."""
    op.add_column("hilum_finding", sa.Column("region", sa.JSON()))
    op.add_column("hilum_finding", sa.Column("place", sa.JSON()))
    for row in _with("regions"):
        _write(row, region=row.regions[0]["outline"], place=row.regions[0]["place"])
    op.drop_column("hilum_finding", "regions")
    op.drop_column("hilum_finding", "unplaced")
    op.drop_column("hilum_finding", "full_scale")


def _with(column: str) -> Iterator[sa.Row[Any]]:
    """The findings that have something in `column`, at most ROWS of them in memory."""
    key, after = sa.tuple_(FINDING.c.sop_instance_uid, FINDING.c.position), ("", -1)
    while rows := op.get_bind().execute(sa.select(FINDING).where(key > after).order_by(*key).limit(ROWS)).all():
        yield from (row for row in rows if getattr(row, column))
        after = (rows[-1].sop_instance_uid, rows[-1].position)


def _write(row: sa.Row[Any], **values: Any) -> None:
    mine = (FINDING.c.sop_instance_uid == row.sop_instance_uid, FINDING.c.position == row.position)
    op.get_bind().execute(sa.update(FINDING).where(*mine).values(values))
