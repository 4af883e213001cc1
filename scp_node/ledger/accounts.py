"""Users, and the one-time links by which they choose a password."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa

from scp_node.ledger import account_tables as t
from scp_node.ledger.account_records import LinkPurpose, LinkRow, Role, UserRow
from scp_node.ledger.insert_once import insert_once
from scp_node.ledger.repository import Repository


class Accounts(Repository):
    """Statements on users and their links."""

    def add(self, row: UserRow) -> bool:
        """False when the name is taken."""
        return self._connection.execute(insert_once(self._connection, t.user), vars(row)).rowcount == 1

    def get(self, name: str) -> UserRow | None:
        """None as well for what is no text to a database."""
        return None if "\0" in name else self._user(t.user.c.name == name)

    def of_identity(self, identity: str) -> UserRow | None:
        return self._user(t.user.c.identity == identity)

    def all(self) -> list[UserRow]:
        """In the order of their names."""
        rows = self._connection.execute(sa.select(t.user).order_by(t.user.c.name))
        return [UserRow(**row._mapping) for row in rows]

    def is_empty(self) -> bool:
        """Whether there has never been a user."""
        return self._connection.execute(sa.select(t.user.c.name).limit(1)).first() is None

    def set_role(self, name: str, role: Role) -> None:
        self._change(name, role=role)

    def set_password(self, name: str, password_hash: str) -> None:
        self._change(name, password_hash=password_hash)

    def set_disabled(self, name: str, at: datetime | None) -> None:
        self._change(name, disabled_at=at)

    def add_link(self, row: LinkRow) -> None:
        """Links of the same purpose for the same user that nobody has used do not work any more."""
        same = (t.link.c.purpose == row.purpose) & t.link.c.user_name.is_not_distinct_from(row.user_name)
        self._connection.execute(sa.delete(t.link).where(same & t.link.c.used_at.is_(None)))
        self._connection.execute(sa.insert(t.link).values(**vars(row)))

    def drop_links(self, user_name: str) -> None:
        """Those that nobody has used."""
        mine = (t.link.c.user_name == user_name) & t.link.c.used_at.is_(None)
        self._connection.execute(sa.delete(t.link).where(mine))

    def link(self, digest: str, purpose: LinkPurpose) -> LinkRow | None:
        mine = (t.link.c.digest == digest) & (t.link.c.purpose == purpose)
        row = self._connection.execute(sa.select(t.link).where(mine)).first()
        return None if row is None else LinkRow(**row._mapping)

    def use_link(self, digest: str, at: datetime) -> bool:
        """False when it was used already."""
        mine = (t.link.c.digest == digest) & t.link.c.used_at.is_(None)
        return self._connection.execute(sa.update(t.link).where(mine).values(used_at=at)).rowcount == 1

    def _user(self, condition: sa.ColumnElement[bool]) -> UserRow | None:
        row = self._connection.execute(sa.select(t.user).where(condition)).first()
        return None if row is None else UserRow(**row._mapping)

    def _change(self, name: str, **values: object) -> None:
        self._connection.execute(sa.update(t.user).where(t.user.c.name == name).values(**values))
