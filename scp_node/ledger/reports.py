"""Revisions of the report on a study, and the result objects built for them."""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa

from scp_node.ledger import tables as t
from scp_node.ledger.deliveries import Deliveries
from scp_node.ledger.insert_once import insert_once
from scp_node.ledger.instances import Instances
from scp_node.ledger.records import (
    LIVE_JOBS,
    DeliveryRow,
    NewResult,
    ReportRow,
    ResultRow,
    now_utc,
)


class Reports(Instances, Deliveries):
    """Statements on reports and results."""

    def report_of_job(self, tx: sa.Connection, job_id: str) -> ReportRow | None:
        row = tx.execute(sa.select(t.report).where(t.report.c.job_id == job_id)).one_or_none()
        return None if row is None else ReportRow(**row._mapping)

    def latest_built_report(self, tx: sa.Connection, study_instance_uid: str, route: str) -> ReportRow | None:
        row = tx.execute(
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

    def report_in_progress(self, tx: sa.Connection, study_instance_uid: str, route: str, job_id: str) -> str | None:
        """The live job, other than `job_id`, that is building a report of the same study and route."""
        return tx.execute(
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

    def open_report(
        self, tx: sa.Connection, study_instance_uid: str, route: str, job_id: str, model: str, instances: Sequence[str]
    ) -> ReportRow:
        """Claim the next revision for `job_id`, with the moment that every run of the job will write into it."""
        existing = self.report_of_job(tx, job_id)
        if existing is not None:
            return existing
        highest = tx.execute(
            sa.select(sa.func.max(t.report.c.revision)).where(
                t.report.c.study_instance_uid == study_instance_uid, t.report.c.route == route
            )
        ).scalar_one()
        tx.execute(
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
        opened = self.report_of_job(tx, job_id)
        assert opened is not None
        return opened

    def close_report(
        self, tx: sa.Connection, report: ReportRow, results: Sequence[NewResult], destinations: Sequence[str]
    ) -> list[DeliveryRow]:
        """Enter the built results with one delivery per destination, and mark the report's instances reported."""
        for new in results:
            self.add_result(tx, report.id, new)
        tx.execute(sa.update(t.report).where(t.report.c.id == report.id).values(built_at=now_utc()))
        self.cover_instances(tx, report.instances)
        return [
            self.add_delivery(tx, new.sop_instance_uid, destination) for destination in destinations for new in results
        ]

    def report(self, tx: sa.Connection, report_id: int) -> ReportRow:
        return ReportRow(**tx.execute(sa.select(t.report).where(t.report.c.id == report_id)).one()._mapping)

    def reports_of_study(self, tx: sa.Connection, study_instance_uid: str) -> list[ReportRow]:
        rows = tx.execute(
            sa.select(t.report).where(t.report.c.study_instance_uid == study_instance_uid).order_by(t.report.c.id)
        )
        return [ReportRow(**row._mapping) for row in rows]

    def add_result(self, tx: sa.Connection, report_id: int, new: NewResult) -> None:
        """Enter a result once; a second run of a job finds it there."""
        tx.execute(insert_once(tx, t.result), vars(new) | {"report_id": report_id})

    def result(self, tx: sa.Connection, sop_instance_uid: str) -> ResultRow | None:
        row = tx.execute(sa.select(t.result).where(t.result.c.sop_instance_uid == sop_instance_uid)).one_or_none()
        return None if row is None else ResultRow(**row._mapping)

    def results_of_report(self, tx: sa.Connection, report_id: int) -> list[ResultRow]:
        rows = tx.execute(sa.select(t.result).where(t.result.c.report_id == report_id).order_by(t.result.c.kind))
        return [ResultRow(**row._mapping) for row in rows]

    def heatmap_of(self, tx: sa.Connection, source_instance_uid: str, model: str) -> ResultRow | None:
        """The heat map that was drawn over an image for `model`, if there is one."""
        row = tx.execute(
            sa.select(t.result)
            .join(t.report, t.report.c.id == t.result.c.report_id)
            .where(t.result.c.source_instance_uid == source_instance_uid, t.report.c.model == model)
            .limit(1)
        ).one_or_none()
        return None if row is None else ResultRow(**row._mapping)
