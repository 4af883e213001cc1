"""Sessions of people, and API tokens of programs."""

from __future__ import annotations

from datetime import datetime, timedelta

import sqlalchemy as sa

from scp_node.ledger import account_tables as t
from scp_node.ledger.account_records import SessionRow, TokenRow, UserRow
from scp_node.ledger.repository import Repository

_USER = [column.label(f"of_{column.name}") for column in t.user.columns]
_SESSION = (
    sa.select(t.session, *_USER)
    .join(t.user, t.user.c.name == t.session.c.user_name)
    .where(t.session.c.digest == sa.bindparam("digest"))
)
_TOKEN = (
    sa.select(t.api_token, *_USER)
    .join(t.user, t.user.c.name == t.api_token.c.user_name)
    .where(t.api_token.c.digest == sa.bindparam("digest"))
)


class Sessions(Repository):
    """Statements on sessions and tokens."""

    def add(self, row: SessionRow) -> None:
        """Those that ended or expired a day ago go."""
        long_ago = row.created_at - timedelta(days=1)
        over = (t.session.c.ended_at < long_ago) | (t.session.c.expires_at < long_ago)
        self._connection.execute(sa.delete(t.session).where(over))
        self._connection.execute(sa.insert(t.session).values(**vars(row)))

    def get(self, digest: str) -> tuple[SessionRow, UserRow] | None:
        row = self._connection.execute(_SESSION, {"digest": digest}).first()
        if row is None:
            return None
        names = SessionRow.__dataclass_fields__
        return SessionRow(**{name: getattr(row, name) for name in names}), _user_of(row)

    def see(self, digest: str, at: datetime) -> None:
        self._connection.execute(sa.update(t.session).where(t.session.c.digest == digest).values(seen_at=at))

    def end(self, digest: str, at: datetime) -> None:
        mine = (t.session.c.digest == digest) & t.session.c.ended_at.is_(None)
        self._connection.execute(sa.update(t.session).where(mine).values(ended_at=at))

    def end_all(self, user_name: str, at: datetime) -> None:
        mine = (t.session.c.user_name == user_name) & t.session.c.ended_at.is_(None)
        self._connection.execute(sa.update(t.session).where(mine).values(ended_at=at))

    def add_token(self, row: TokenRow) -> None:
        self._connection.execute(sa.insert(t.api_token).values(**{**vars(row), "scopes": list(row.scopes)}))

    def token(self, digest: str) -> tuple[TokenRow, UserRow] | None:
        row = self._connection.execute(_TOKEN, {"digest": digest}).first()
        return None if row is None else (_token_of(row), _user_of(row))

    def tokens_of(self, user_name: str) -> list[TokenRow]:
        """The newest first."""
        mine = sa.select(t.api_token).where(t.api_token.c.user_name == user_name)
        rows = self._connection.execute(mine.order_by(t.api_token.c.created_at.desc(), t.api_token.c.token_id))
        return [_token_of(row) for row in rows]

    def use_token(self, token_id: str, at: datetime) -> None:
        mine = t.api_token.c.token_id == token_id
        self._connection.execute(sa.update(t.api_token).where(mine).values(last_used_at=at))

    def revoke_token(self, user_name: str, token_id: str, at: datetime) -> bool:
        """False when this user has no such token that works."""
        mine = (t.api_token.c.user_name == user_name) & (t.api_token.c.token_id == token_id)
        changed = sa.update(t.api_token).where(mine & t.api_token.c.revoked_at.is_(None)).values(revoked_at=at)
        return self._connection.execute(changed).rowcount == 1

    def revoke_tokens(self, user_name: str, at: datetime) -> None:
        mine = (t.api_token.c.user_name == user_name) & t.api_token.c.revoked_at.is_(None)
        self._connection.execute(sa.update(t.api_token).where(mine).values(revoked_at=at))


def _user_of(row: sa.Row[tuple[object, ...]]) -> UserRow:
    return UserRow(**{name: getattr(row, f"of_{name}") for name in UserRow.__dataclass_fields__})


def _token_of(row: sa.Row[tuple[object, ...]]) -> TokenRow:
    values = {name: getattr(row, name) for name in TokenRow.__dataclass_fields__}
    return TokenRow(**{**values, "scopes": tuple(values["scopes"])})
