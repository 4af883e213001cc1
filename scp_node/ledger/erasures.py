"""Records that something was erased: when, by whom and how much, and nothing of whom."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa

from scp_node.ledger import removal_tables as r
from scp_node.ledger.removal_records import ErasureRow
from scp_node.ledger.repository import Repository


class Erasures(Repository):
    """Statements on erasures."""

    def add(self, row: ErasureRow) -> None:
        self._connection.execute(sa.insert(r.erasure).values(**vars(row)))

    def finish(self, erasure_id: str, at: datetime) -> None:
        """The last byte of it is gone."""
        mine = r.erasure.c.erasure_id == erasure_id
        self._connection.execute(sa.update(r.erasure).where(mine).values(finished_at=at))

    def all(self) -> list[ErasureRow]:
        """Oldest first."""
        rows = self._connection.execute(sa.select(r.erasure).order_by(r.erasure.c.at, r.erasure.c.erasure_id))
        return [ErasureRow(**row._mapping) for row in rows]
