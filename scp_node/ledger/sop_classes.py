"""Which SOP classes each remote AE was seen to take."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa

from scp_node.ledger import tables as t
from scp_node.ledger.insert_once import insert_once
from scp_node.ledger.records import now_utc
from scp_node.ledger.repository import Repository


class SopClasses(Repository):
    """Statements on the SOP classes that remote AEs accept."""

    def accepted(self, remote_ae: str, sop_class_uid: str) -> bool | None:
        """What the last association with `remote_ae` showed about a SOP class; None = never asked."""
        return self._connection.execute(
            sa.select(t.capability.c.accepted).where(
                t.capability.c.remote_ae == remote_ae, t.capability.c.sop_class_uid == sop_class_uid
            )
        ).scalar_one_or_none()

    def known(self, remote_ae: str) -> dict[str, bool]:
        """By SOP class, whether `remote_ae` took it when it was last asked; without those it was never asked for."""
        rows = self._connection.execute(
            sa.select(t.capability.c.sop_class_uid, t.capability.c.accepted).where(
                t.capability.c.remote_ae == remote_ae
            )
        )
        return {row.sop_class_uid: row.accepted for row in rows}

    def refused_since(self, remote_ae: str, sop_class_uid: str) -> datetime | None:
        """When `remote_ae` was last asked for a SOP class, if it refused it then."""
        return self._connection.execute(
            sa.select(t.capability.c.seen_at).where(
                t.capability.c.remote_ae == remote_ae,
                t.capability.c.sop_class_uid == sop_class_uid,
                t.capability.c.accepted.is_(False),
            )
        ).scalar_one_or_none()

    def set_accepted(self, remote_ae: str, sop_class_uid: str, accepted: bool) -> None:
        where = (t.capability.c.remote_ae == remote_ae, t.capability.c.sop_class_uid == sop_class_uid)
        values = {"accepted": accepted, "seen_at": now_utc()}
        if self._connection.execute(sa.update(t.capability).where(*where).values(**values)).rowcount == 0:
            row = {"remote_ae": remote_ae, "sop_class_uid": sop_class_uid, **values}
            self._connection.execute(insert_once(self._connection, t.capability), row)
