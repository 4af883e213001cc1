"""What second models made of images, beside what the first ones said; no result is ever built from it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from datetime import datetime

import sqlalchemy as sa

from scp_node.ledger import tables as t
from scp_node.ledger.repository import Repository
from scp_node.ledger.watch_records import ShadowRow, TwoScores

READ_AT_ONCE = 500


class Shadows(Repository):
    """Statements on the scores of second models."""

    def put(self, row: ShadowRow) -> None:
        """Enter what a second model made of an image, in place of what it made of it before."""
        self.drop(row.sop_instance_uid, row.shadow)
        values = vars(row) | {"scores": [asdict(one) for one in row.scores]}
        self._connection.execute(sa.insert(t.shadow).values(values))

    def drop(self, sop_instance_uid: str, shadow: str) -> None:
        mine = (t.shadow.c.sop_instance_uid == sop_instance_uid, t.shadow.c.shadow == shadow)
        self._connection.execute(sa.delete(t.shadow).where(*mine))

    def since(self, since: datetime) -> Iterator[ShadowRow]:
        """All from `since` on, oldest first, a few in memory at a time."""
        wanted = sa.select(t.shadow).where(t.shadow.c.scored_at >= since)
        ordered = wanted.order_by(t.shadow.c.scored_at, t.shadow.c.sop_instance_uid)
        options = {"stream_results": True, "yield_per": READ_AT_ONCE}
        with self._connection.execute(ordered, execution_options=options) as rows:
            for row in rows:
                values = dict(row._mapping)
                yield ShadowRow(**values | {"scores": tuple(TwoScores(**one) for one in values["scores"])})

    def forget(self, before: datetime) -> int:
        """Remove what is older; returns how many."""
        return self._connection.execute(sa.delete(t.shadow).where(t.shadow.c.scored_at < before)).rowcount
