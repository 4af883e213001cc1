"""Revisions of the report on a study, and the result objects built for them."""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa

from scp_node.ledger import tables as t
from scp_node.ledger.deliveries import Deliveries
from scp_node.ledger.instances import Instances
from scp_node.ledger.records import (
    LIVE_JOBS,
    DeliveryRow,
    NewResult,
    ReportRow,
    now_utc,
)
from scp_node.ledger.repository import Repository
from scp_node.ledger.results import Results


class Reports(Repository):
    """Statements on reports and results."""

    def of_job(self, job_id: str) -> ReportRow | None:
        row = self._connection.execute(sa.select(t.report).where(t.report.c.job_id == job_id)).one_or_none()
        return None if row is None else ReportRow(**row._mapping)

    def latest_built(self, study_instance_uid: str, route: str) -> ReportRow | None:
        row = self._connection.execute(
            sa.select(t.report)
            .where(
                t.report.c.study_instance_uid == study_instance_uid,
                t.report.c.route == route,
                t.report.c.built_at.is_not(None),
            )
            .order_by(t.report.c.revision.desc())
            .limit(1)
        ).one_or_none()
        return None if row is None else ReportRow(**row._mapping)

    def in_progress(self, study_instance_uid: str, route: str, job_id: str) -> str | None:
        """The live job, other than `job_id`, that is building a report of the same study and route."""
        return self._connection.execute(
            sa.select(t.job.c.job_id)
            .join(t.report, t.report.c.job_id == t.job.c.job_id)
            .where(
                t.report.c.study_instance_uid == study_instance_uid,
                t.report.c.route == route,
                t.report.c.built_at.is_(None),
                t.job.c.job_id != job_id,
                t.job.c.state.in_(LIVE_JOBS),
            )
            .limit(1)
        ).scalar_one_or_none()

    def open(self, study_instance_uid: str, route: str, job_id: str, model: str, instances: Sequence[str]) -> ReportRow:
        """Claim the next revision for `job_id`, with the moment that every run of the job will write into it."""
        existing = self.of_job(job_id)
        if existing is not None:
            return existing
        highest = self._connection.execute(
            sa.select(sa.func.max(t.report.c.revision)).where(
                t.report.c.study_instance_uid == study_instance_uid, t.report.c.route == route
            )
        ).scalar_one()
        self._connection.execute(
            sa.insert(t.report).values(
                study_instance_uid=study_instance_uid,
                route=route,
                revision=(highest or 0) + 1,
                job_id=job_id,
                model=model,
                created_at=now_utc().replace(microsecond=0),
                instances=sorted(instances),
            )
        )
        opened = self.of_job(job_id)
        assert opened is not None
        return opened

    def close(self, report: ReportRow, results: Sequence[NewResult], destinations: Sequence[str]) -> list[DeliveryRow]:
        """Enter the built results with one delivery per destination, and mark the report's instances reported."""
        for new in results:
            Results(self._connection).add(report.id, new)
        self._connection.execute(sa.update(t.report).where(t.report.c.id == report.id).values(built_at=now_utc()))
        Instances(self._connection).cover(report.instances)
        deliveries = Deliveries(self._connection)
        return [deliveries.add(new.sop_instance_uid, destination) for destination in destinations for new in results]

    def get(self, report_id: int) -> ReportRow:
        return ReportRow(
            **self._connection.execute(sa.select(t.report).where(t.report.c.id == report_id)).one()._mapping
        )

    def of_study(self, study_instance_uid: str) -> list[ReportRow]:
        rows = self._connection.execute(
            sa.select(t.report).where(t.report.c.study_instance_uid == study_instance_uid).order_by(t.report.c.id)
        )
        return [ReportRow(**row._mapping) for row in rows]
