"""Studies in the order in which their first image came, looked at some at a time: of which may something go?"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import sqlalchemy as sa

from scp_node.ledger import Transaction
from scp_node.ledger import tables as t
from scp_node.retention.rules import Before, is_done

LOOKED_AT_ONCE = 200
_UID, _CAME = t.study.c.study_instance_uid, t.study.c.first_received_at


class Candidates:
    """Goes through studies that meet `holds`, oldest first. Where many of the oldest are not done, a later look goes on
    where the last one ended, and begins anew at the end."""

    def __init__(self, holds: sa.ColumnElement[bool]) -> None:
        self._holds = holds
        self._after: tuple[datetime, str] | None = None

    @property
    def is_at_start(self) -> bool:
        """Whether the next look begins with the oldest: nobody has looked, or the last one came to the end."""
        return self._after is None

    def restart(self) -> None:
        """Begin with the oldest again."""
        self._after = None

    def next(self, tx: Transaction, before: Before) -> tuple[list[str], bool]:
        """Those of the next LOOKED_AT_ONCE of which something may go, and whether these were the last."""
        wanted = sa.select(_UID, _CAME, is_done(before).label("is_done")).where(self._holds)
        if before.done is not None:  # nothing of it can have ended earlier
            wanted = wanted.where(before.done > _CAME)
        if self._after is not None:
            came, uid = self._after
            wanted = wanted.where(came <= _CAME, sa.or_(came < _CAME, uid < _UID))
        rows = tx.connection.execute(wanted.order_by(_CAME, _UID).limit(LOOKED_AT_ONCE)).all()
        is_last = len(rows) < LOOKED_AT_ONCE
        self._after = None if is_last else (rows[-1].first_received_at, rows[-1].study_instance_uid)
        return [row.study_instance_uid for row in rows if row.is_done], is_last

    def confirmed(self, tx: Transaction, before: Before, uids: Sequence[str]) -> list[str]:
        """Of these, those of which something may still go; nobody else changes them until the transaction ends."""
        held = sa.select(_UID).where(_UID.in_(uids), self._holds).order_by(_UID).with_for_update()
        there = list(tx.connection.execute(held).scalars())
        done = sa.select(_UID).where(_UID.in_(there), is_done(before)).order_by(_CAME, _UID)
        return list(tx.connection.execute(done).scalars())
