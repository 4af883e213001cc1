"""The outline of the lungs in an image, and where in them a finding is."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("hilum_analysis", sa.Column("lungs", sa.LargeBinary()))
    op.add_column("hilum_finding", sa.Column("place", sa.JSON()))


def downgrade() -> None:
    op.drop_column("hilum_finding", "place")
    op.drop_column("hilum_analysis", "lungs")
