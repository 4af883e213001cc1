"""The audit trail: who did what, in the order in which it was done. Nothing in it is ever changed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from scp_node.ledger import account_tables as t
from scp_node.ledger.account_records import AuditRow
from scp_node.ledger.repository import Repository


class Audit(Repository):
    """Statements on audit events."""

    def add(self, rows: Sequence[dict[str, Any]]) -> None:
        """Each with the columns of AuditRow but its id, which the database gives."""
        if rows:
            self._connection.execute(sa.insert(t.audit), rows)

    def before(self, row_id: int | None, count: int, who: str = "", act: str = "") -> list[AuditRow]:
        """The `count` newest, those older than `row_id`; of one person, of one kind."""
        wanted = sa.select(t.audit).order_by(t.audit.c.id.desc()).limit(count)
        if row_id is not None:
            wanted = wanted.where(t.audit.c.id < row_id)
        if who:
            wanted = wanted.where(t.audit.c.who == who)
        if act:
            wanted = wanted.where(t.audit.c.act == act)
        return [AuditRow(**row._mapping) for row in self._connection.execute(wanted)]
