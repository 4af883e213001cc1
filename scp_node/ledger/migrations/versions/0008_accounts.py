"""Users, one-time links, sessions, API tokens, and what was done."""

import sqlalchemy as sa
from alembic import op

from scp_node.ledger import column_types

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "hilum_user",
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("role", sa.String(length=8), nullable=False),
        sa.Column("password_hash", sa.String(length=256)),
        sa.Column("identity", sa.Text()),
        sa.Column("created_at", column_types.UtcDateTime(), nullable=False),
        sa.Column("disabled_at", column_types.UtcDateTime()),
        sa.PrimaryKeyConstraint("name"),
        sa.UniqueConstraint("identity"),
    )
    op.create_table(
        "hilum_link",
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("purpose", sa.String(length=8), nullable=False),
        sa.Column("user_name", sa.String(length=64)),
        sa.Column("created_at", column_types.UtcDateTime(), nullable=False),
        sa.Column("expires_at", column_types.UtcDateTime(), nullable=False),
        sa.Column("used_at", column_types.UtcDateTime()),
        sa.ForeignKeyConstraint(["user_name"], ["hilum_user.name"]),
        sa.PrimaryKeyConstraint("digest"),
    )
    op.create_table(
        "hilum_session",
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("user_name", sa.String(length=64), nullable=False),
        sa.Column("created_at", column_types.UtcDateTime(), nullable=False),
        sa.Column("seen_at", column_types.UtcDateTime(), nullable=False),
        sa.Column("expires_at", column_types.UtcDateTime(), nullable=False),
        sa.Column("ended_at", column_types.UtcDateTime()),
        sa.ForeignKeyConstraint(["user_name"], ["hilum_user.name"]),
        sa.PrimaryKeyConstraint("digest"),
    )
    op.create_index("ix_hilum_session_user_name", "hilum_session", ["user_name"])
    op.create_table(
        "hilum_api_token",
        sa.Column("token_id", sa.String(length=36), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("user_name", sa.String(length=64), nullable=False),
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("scopes", sa.JSON(), nullable=False),
        sa.Column("created_at", column_types.UtcDateTime(), nullable=False),
        sa.Column("expires_at", column_types.UtcDateTime(), nullable=False),
        sa.Column("revoked_at", column_types.UtcDateTime()),
        sa.Column("last_used_at", column_types.UtcDateTime()),
        sa.ForeignKeyConstraint(["user_name"], ["hilum_user.name"]),
        sa.PrimaryKeyConstraint("token_id"),
        sa.UniqueConstraint("digest"),
    )
    op.create_index("ix_hilum_api_token_user_name", "hilum_api_token", ["user_name"])
    op.create_table(
        "hilum_audit",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("at", column_types.UtcDateTime(), nullable=False),
        sa.Column("who", sa.Text(), nullable=False),
        sa.Column("act", sa.String(length=32), nullable=False),
        sa.Column("object_kind", sa.String(length=16), nullable=False),
        sa.Column("object_id", sa.Text(), nullable=False),
        sa.Column("outcome", sa.String(length=8), nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_hilum_audit_who", "hilum_audit", ["who", "id"])
    op.create_index("ix_hilum_audit_act", "hilum_audit", ["act", "id"])


def downgrade() -> None:
    for table in ("hilum_audit", "hilum_api_token", "hilum_session", "hilum_link", "hilum_user"):
        op.drop_table(table)
