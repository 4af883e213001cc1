"""What the ledger knows of users, of what makes them known, and of what they did."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

Role = Literal["viewer", "operator", "admin"]
# Each may what those before it may.
ROLES: tuple[Role, ...] = ("viewer", "operator", "admin")
Scope = Literal["read", "predict", "operate", "store"]
SCOPES: tuple[Scope, ...] = ("read", "predict", "operate", "store")
LinkPurpose = Literal["set-up", "password"]


@dataclass(frozen=True)
class UserRow:
    """`identity`: issuer and subject of an identity provider that vouches for this user."""

    name: str
    role: Role
    created_at: datetime
    password_hash: str | None = None
    identity: str | None = None
    disabled_at: datetime | None = None


@dataclass(frozen=True)
class LinkRow:
    """A link that works once. `user_name`: whose password it sets; None where it makes the first user."""

    digest: str
    purpose: LinkPurpose
    user_name: str | None
    created_at: datetime
    expires_at: datetime
    used_at: datetime | None = None

    def is_valid(self, now: datetime) -> bool:
        return self.used_at is None and now < self.expires_at


@dataclass(frozen=True)
class SessionRow:
    """Somebody who has signed in with a browser."""

    digest: str
    user_name: str
    created_at: datetime
    seen_at: datetime
    expires_at: datetime
    ended_at: datetime | None = None


@dataclass(frozen=True)
class TokenRow:
    """How a program is known, as its user, for what `scopes` allow."""

    token_id: str
    digest: str
    user_name: str
    name: str
    scopes: tuple[Scope, ...]
    created_at: datetime
    expires_at: datetime
    revoked_at: datetime | None = None
    last_used_at: datetime | None = None

    def is_valid(self, now: datetime) -> bool:
        return self.revoked_at is None and now < self.expires_at


@dataclass(frozen=True)
class AuditRow:
    """Who did what to what, and with which outcome."""

    id: int
    at: datetime
    who: str
    act: str
    object_kind: str
    object_id: str
    outcome: str
    detail: str
