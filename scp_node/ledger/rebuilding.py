"""Statements by which a ledger is made anew out of the spool, and nothing else."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import sqlalchemy as sa

from scp_node.ledger import tables as t
from scp_node.ledger.records import InstanceRow, now_utc
from scp_node.ledger.repository import Repository


class Rebuilding(Repository):
    """Enters what is known of the time before."""

    def instances_after(self, sop_instance_uid: str, count: int) -> list[InstanceRow]:
        """The next instances in the order of their UIDs."""
        wanted = sa.select(t.instance).where(t.instance.c.sop_instance_uid > sop_instance_uid)
        rows = self._connection.execute(wanted.order_by(t.instance.c.sop_instance_uid).limit(count))
        return [InstanceRow(**row._mapping) for row in rows]

    def mark_reported(self, sop_instance_uid: str, version: int, detail: str) -> None:
        """A result has the image; what was found in it is lost. It names no model, so that it is analysed anew when a
        later image of its study brings a new report."""
        self._connection.execute(
            sa.update(t.instance)
            .where(t.instance.c.sop_instance_uid == sop_instance_uid)
            .values(state="reported", covered=True, judged_version=version, finished_at=now_utc(), detail=detail)
        )

    def place(self, sop_instance_uids: Sequence[str], route: str) -> None:
        """These images belong to a route."""
        mine = t.instance.c.sop_instance_uid.in_(sop_instance_uids)
        self._connection.execute(sa.update(t.instance).where(mine).values(route=route))

    def add_report(
        self,
        study_instance_uid: str,
        route: str,
        revision: int,
        model: str,
        instances: Sequence[str],
        made_at: datetime,
        *,
        has_results: bool,
    ) -> int:
        """A report of the time before, or only its number, which is then not used again. Returns its id."""
        inserted = self._connection.execute(
            sa.insert(t.report).values(
                study_instance_uid=study_instance_uid,
                route=route,
                revision=revision,
                job_id=f"rebuilt:{study_instance_uid}:{route}:{revision}",
                model=model,
                created_at=made_at,
                instances=sorted(instances),
                built_at=made_at if has_results else None,
                versions={},
                left_out=[],
                abandoned_at=None if has_results else made_at,
            )
        )
        assert inserted.inserted_primary_key is not None
        return int(inserted.inserted_primary_key[0])
