"""The result objects that were built, and what they were built from."""

from __future__ import annotations

import sqlalchemy as sa

from scp_node.ledger import tables as t
from scp_node.ledger.insert_once import insert_once
from scp_node.ledger.records import NewResult, ResultRow
from scp_node.ledger.repository import Repository


class Results(Repository):
    """Statements on result objects."""

    def add(self, report_id: int, new: NewResult) -> None:
        """Enter a result once; a second run of a job finds it there, and one whose file was removed has one again."""
        values = vars(new) | {"report_id": report_id}
        if not self._connection.execute(insert_once(self._connection, t.result), values).rowcount:
            removed = (t.result.c.sop_instance_uid == new.sop_instance_uid, t.result.c.removed_at.is_not(None))
            again = {name: values[name] for name in ("bytes", "sha256", "judged_at")}
            there = sa.update(t.result).where(*removed).values(**again, removed_at=None, removed_because=None)
            self._connection.execute(there)
        study = sa.select(t.report.c.study_instance_uid).where(t.report.c.id == report_id).scalar_subquery()
        mine = (t.study.c.study_instance_uid == study, ~t.HAS_RESULTS)
        self._connection.execute(sa.update(t.study).where(*mine).values(results_removed_at=None))

    def get(self, sop_instance_uid: str) -> ResultRow | None:
        row = self._connection.execute(
            sa.select(t.result).where(t.result.c.sop_instance_uid == sop_instance_uid)
        ).one_or_none()
        return None if row is None else ResultRow(**row._mapping)

    def of_report(self, report_id: int) -> list[ResultRow]:
        rows = self._connection.execute(
            sa.select(t.result).where(t.result.c.report_id == report_id).order_by(t.result.c.kind)
        )
        return [ResultRow(**row._mapping) for row in rows]

    def over_image(self, kind: str, source_instance_uid: str, version: int, model: str) -> ResultRow | None:
        """The result of a kind that was drawn over a version of an image for `model`, if there is one."""
        row = self._connection.execute(
            sa.select(t.result)
            .join(t.report, t.report.c.id == t.result.c.report_id)
            .where(
                t.result.c.source_instance_uid == source_instance_uid,
                t.result.c.source_version == version,
                t.result.c.kind == kind,
                t.report.c.model == model,
            )
            .limit(1)
        ).one_or_none()
        return None if row is None else ResultRow(**row._mapping)
