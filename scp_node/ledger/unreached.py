"""Which remote AEs could not be reached at the last attempt, and why: a row each, until one is reached again."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

import sqlalchemy as sa

from scp_node.ledger import watch_tables as w
from scp_node.ledger.insert_once import insert_once
from scp_node.ledger.records import now_utc
from scp_node.ledger.repository import Repository


class Unreachable(NamedTuple):
    """When the last attempt failed, and why, in words that name no patient."""

    failed_at: datetime
    failure: str


class Unreached(Repository):
    """Statements on remote AEs that cannot be reached."""

    def enter(self, remote_ae: str, failure: str) -> None:
        """The last attempt to reach it has failed."""
        values = {"failed_at": now_utc(), "failure": failure}
        mine = w.unreached.c.remote_ae == remote_ae
        if self._connection.execute(sa.update(w.unreached).where(mine).values(**values)).rowcount == 0:
            row = {"remote_ae": remote_ae, **values}
            self._connection.execute(insert_once(self._connection, w.unreached), row)

    def clear(self, remote_ae: str) -> bool:
        """It was reached. Whether it was not before."""
        mine = w.unreached.c.remote_ae == remote_ae
        return self._connection.execute(sa.delete(w.unreached).where(mine)).rowcount > 0

    def all(self) -> dict[str, Unreachable]:
        """By remote AE."""
        rows = self._connection.execute(sa.select(w.unreached))
        return {row.remote_ae: Unreachable(row.failed_at, row.failure) for row in rows}
