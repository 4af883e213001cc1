"""The tables of who may: users, one-time links, sessions, API tokens, and what was done. A change needs a migration.

A secret is never kept, only its SHA-256: it is as long as the digest, so that nothing is gained by a slow one. What
people choose is shorter, and is kept as argon2id.
"""

from __future__ import annotations

import sqlalchemy as sa

from scp_node.ledger.column_types import UtcDateTime
from scp_node.ledger.tables import metadata

DIGEST, NAME = sa.String(64), sa.String(64)

user = sa.Table(
    "hilum_user",
    metadata,
    sa.Column("name", NAME, primary_key=True),
    sa.Column("role", sa.String(8), nullable=False),
    sa.Column("password_hash", sa.String(256)),
    # whom an identity provider vouches for: issuer and subject
    sa.Column("identity", sa.Text, unique=True),
    sa.Column("created_at", UtcDateTime, nullable=False),
    sa.Column("disabled_at", UtcDateTime),
)

link = sa.Table(
    "hilum_link",
    metadata,
    sa.Column("digest", DIGEST, primary_key=True),
    sa.Column("purpose", sa.String(8), nullable=False),
    sa.Column("user_name", NAME, sa.ForeignKey(user.c.name)),
    sa.Column("created_at", UtcDateTime, nullable=False),
    sa.Column("expires_at", UtcDateTime, nullable=False),
    sa.Column("used_at", UtcDateTime),
)

session = sa.Table(
    "hilum_session",
    metadata,
    sa.Column("digest", DIGEST, primary_key=True),
    sa.Column("user_name", NAME, sa.ForeignKey(user.c.name), nullable=False, index=True),
    sa.Column("created_at", UtcDateTime, nullable=False),
    sa.Column("seen_at", UtcDateTime, nullable=False),
    sa.Column("expires_at", UtcDateTime, nullable=False),
    sa.Column("ended_at", UtcDateTime),
)

api_token = sa.Table(
    "hilum_api_token",
    metadata,
    sa.Column("token_id", sa.String(36), primary_key=True),
    sa.Column("digest", DIGEST, nullable=False, unique=True),
    sa.Column("user_name", NAME, sa.ForeignKey(user.c.name), nullable=False, index=True),
    sa.Column("name", NAME, nullable=False),
    sa.Column("scopes", sa.JSON, nullable=False),
    sa.Column("created_at", UtcDateTime, nullable=False),
    sa.Column("expires_at", UtcDateTime, nullable=False),
    sa.Column("revoked_at", UtcDateTime),
    sa.Column("last_used_at", UtcDateTime),
)

audit = sa.Table(
    "hilum_audit",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
    sa.Column("at", UtcDateTime, nullable=False),
    sa.Column("who", sa.Text, nullable=False),
    sa.Column("act", sa.String(32), nullable=False),
    sa.Column("object_kind", sa.String(16), nullable=False),
    sa.Column("object_id", sa.Text, nullable=False),
    sa.Column("outcome", sa.String(8), nullable=False),
    sa.Column("detail", sa.Text, nullable=False),
    sa.Index("ix_hilum_audit_who", "who", "id"),
    sa.Index("ix_hilum_audit_act", "act", "id"),
)
