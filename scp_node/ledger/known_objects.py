"""Which objects the ledger knows, as images that came or as results that were made."""

from __future__ import annotations

from collections.abc import Collection

import sqlalchemy as sa

from scp_node.ledger import tables as t
from scp_node.ledger.repository import Repository

ASKED_AT_ONCE = 500


class KnownObjects(Repository):
    """Statements on objects of either kind."""

    def among(self, sop_instance_uids: Collection[str]) -> set[str]:
        """Those of the UIDs that the ledger knows, whatever became of them."""
        asked, found = sorted(set(sop_instance_uids)), set[str]()
        for start in range(0, len(asked), ASKED_AT_ONCE):
            some = asked[start : start + ASKED_AT_ONCE]
            for column in (t.instance.c.sop_instance_uid, t.result.c.sop_instance_uid):
                found.update(self._connection.execute(sa.select(column).where(column.in_(some))).scalars())
        return found
