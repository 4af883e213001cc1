"""Who may use the console, and which programs act for whom; nothing that would let anybody in."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from scp_node.ledger import Transaction
from scp_node.ledger.account_records import Role, Scope, TokenRow


@dataclass(frozen=True)
class UserRecord:
    """`has_password`: whether the user has chosen one yet. `tokens`: how many of them work."""

    name: str
    role: Role
    created_at: datetime
    disabled_at: datetime | None
    has_password: bool
    identity: str | None
    tokens: int


@dataclass(frozen=True)
class TokenRecord:
    """A token of a user, whether it still works or not."""

    token_id: str
    name: str
    scopes: tuple[Scope, ...]
    created_at: datetime
    expires_at: datetime
    revoked_at: datetime | None
    last_used_at: datetime | None


def list_users(tx: Transaction, now: datetime) -> tuple[UserRecord, ...]:
    """In the order of their names."""
    return tuple(
        UserRecord(
            *(one.name, one.role, one.created_at, one.disabled_at, one.password_hash is not None, one.identity),
            sum(token.is_valid(now) for token in tx.sessions.tokens_of(one.name)),
        )
        for one in tx.accounts.all()
    )


def tokens_of(tx: Transaction, name: str) -> tuple[TokenRecord, ...]:
    """The newest first."""
    return tuple(map(_token, tx.sessions.tokens_of(name)))


def _token(row: TokenRow) -> TokenRecord:
    return TokenRecord(**{name: getattr(row, name) for name in TokenRecord.__dataclass_fields__})
