"""Revisions of the report on a study, and the result objects built for them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

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

    def open(
        self,
        study_instance_uid: str,
        route: str,
        job_id: str,
        model: str,
        instances: Sequence[str],
        versions: Mapping[str, int] | None = None,
        left_out: Sequence[str] = (),
        gone: Sequence[str] = (),
    ) -> ReportRow:
        """Claim the next revision for `job_id`, with the moment that every run of the job will write into it. Of
        `versions` those are kept that are not 1."""
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
                versions={uid: version for uid, version in (versions or {}).items() if version != 1},
                left_out=sorted(left_out),
                gone=sorted(gone),
            )
        )
        opened = self.of_job(job_id)
        assert opened is not None
        return opened

    def close(
        self,
        report: ReportRow,
        results: Sequence[NewResult],
        destinations: Sequence[str],
        kinds: Mapping[str, Sequence[str]] | None = None,
        messages: Sequence[tuple[NewResult, str]] = (),
    ) -> list[DeliveryRow]:
        """Enter the built results with one delivery per destination, each message with one to its system, and mark the
        report's instances reported. `kinds`: those of the destinations that get the results of a kind, where not all of
        them do."""
        for new in (*results, *(message for message, _ in messages)):
            Results(self._connection).add(report.id, new)
        self._connection.execute(sa.update(t.report).where(t.report.c.id == report.id).values(built_at=now_utc()))
        Instances(self._connection).cover(report.instances)
        if report.left_out:
            Instances(self._connection).cover(report.left_out)
        if report.gone:
            Instances(self._connection).cover(report.gone)
        deliveries = Deliveries(self._connection)
        ways = [
            (new, destination)
            for destination in destinations
            for new in results
            if destination in (kinds or {}).get(new.kind, destinations)
        ]
        return [deliveries.add(new.sop_instance_uid, destination) for new, destination in (*ways, *messages)]

    def abandon(self, report: ReportRow) -> None:
        """One of the images changed while the report was built: it is never finished, and its number is not used again,
        because a worker that lost its job may still write files of it."""
        mine = t.report.c.id == report.id
        self._connection.execute(sa.update(t.report).where(mine).values(abandoned_at=now_utc()))

    def holds(self, report: ReportRow) -> bool:
        """Whether each image of the report is still in its study, and as it was when the report was opened."""
        uids = [*report.instances, *report.left_out]
        mine = (
            t.instance.c.sop_instance_uid.in_(uids),
            t.instance.c.study_instance_uid == report.study_instance_uid,
            t.instance.c.state != "received",
        )
        found = sa.select(t.instance.c.sop_instance_uid, t.instance.c.judged_version).where(*mine).with_for_update()
        judged = {row.sop_instance_uid: row.judged_version for row in self._connection.execute(found)}
        return judged == {uid: report.version_of(uid) for uid in uids}

    def get(self, report_id: int) -> ReportRow:
        return ReportRow(
            **self._connection.execute(sa.select(t.report).where(t.report.c.id == report_id)).one()._mapping
        )

    def of_study(self, study_instance_uid: str) -> list[ReportRow]:
        rows = self._connection.execute(
            sa.select(t.report).where(t.report.c.study_instance_uid == study_instance_uid).order_by(t.report.c.id)
        )
        return [ReportRow(**row._mapping) for row in rows]
