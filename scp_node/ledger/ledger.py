"""Every statement that reads or writes the ledger. Methods take the caller's transaction, so that what belongs
together commits together."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import numpy as np
import sqlalchemy as sa

from converter.manifest import Concept
from scp_node.ledger import tables as t
from scp_node.ledger.records import (
    AddOutcome,
    Analysis,
    DeliveryRow,
    EventRow,
    InstanceRow,
    InstanceState,
    JobKind,
    JobRow,
    JobState,
    NewResult,
    ReceivedInstance,
    ReportRow,
    ResultRow,
    StoredFinding,
)

JUDGED: tuple[InstanceState, ...] = ("declined", "quarantined", "inferred")
LIVE_JOBS: tuple[JobState, ...] = ("queued", "waiting", "running")


def now_utc() -> datetime:
    return datetime.now(UTC)


class Ledger:
    """The ledger over one database. Thread-safe: every transaction has its own connection."""

    def __init__(self, engine: sa.Engine) -> None:
        self.engine = engine

    @contextmanager
    def transaction(self) -> Iterator[sa.Connection]:
        """One commit, durable when the block ends; anything raised inside rolls all of it back.

        SQLite's write lock is taken first, so that what is read inside cannot change before it is written.
        """
        with self.engine.begin() as tx:
            if self.engine.dialect.name == "sqlite":
                tx.exec_driver_sql("BEGIN IMMEDIATE")
            yield tx

    @contextmanager
    def reading(self) -> Iterator[sa.Connection]:
        """A connection for look-ups that change nothing."""
        with self.engine.connect() as connection:
            yield connection

    # --- received instances ---------------------------------------------------------------------------------------

    def add_instance(self, tx: sa.Connection, record: ReceivedInstance) -> AddOutcome:
        """Enter a received object once: `identical` for the same bytes again, `conflict` for other bytes."""
        known = tx.execute(
            sa.select(t.instance.c.sha256).where(t.instance.c.sop_instance_uid == record.sop_instance_uid)
        ).scalar_one_or_none()
        if known is not None:
            return "identical" if known == record.sha256 else "conflict"
        study = sa.select(t.study.c.study_instance_uid).where(t.study.c.study_instance_uid == record.study_instance_uid)
        if tx.execute(study).first() is None:
            tx.execute(
                sa.insert(t.study).values(
                    study_instance_uid=record.study_instance_uid,
                    accession_number=record.accession_number,
                    first_received_at=record.received_at,
                )
            )
        values = {column: value for column, value in vars(record).items() if column != "accession_number"}
        tx.execute(
            sa.insert(t.instance).values(
                **values, state="received", reportable=True, covered=False, detail="", notes=[]
            )
        )
        self.add_event(
            tx,
            record.study_instance_uid,
            record.sop_instance_uid,
            "received",
            f"{record.bytes} bytes from {record.source} ({record.calling_ae_title})",
        )
        return "added"

    def instance(self, tx: sa.Connection, sop_instance_uid: str) -> InstanceRow:
        row = tx.execute(sa.select(t.instance).where(t.instance.c.sop_instance_uid == sop_instance_uid)).one()
        return InstanceRow(**row._mapping)

    def instances_of_study(self, tx: sa.Connection, study_instance_uid: str) -> list[InstanceRow]:
        rows = tx.execute(
            sa.select(t.instance)
            .where(t.instance.c.study_instance_uid == study_instance_uid)
            .order_by(t.instance.c.received_at, t.instance.c.sop_instance_uid)
        )
        return [InstanceRow(**row._mapping) for row in rows]

    def finish_instance(
        self,
        tx: sa.Connection,
        sop_instance_uid: str,
        state: InstanceState,
        *,
        route: str | None,
        model: str | None,
        reportable: bool,
        decline_code: str | None = None,
        detail: str = "",
        notes: Sequence[str] = (),
        analysis: Analysis | None = None,
    ) -> bool:
        """Enter the outcome of an image job. False if the instance already has one (a second run of the job)."""
        changed = tx.execute(
            sa.update(t.instance)
            .where(t.instance.c.sop_instance_uid == sop_instance_uid, t.instance.c.state == "received")
            .values(
                state=state,
                route=route,
                model=model,
                reportable=reportable,
                decline_code=decline_code,
                detail=detail,
                notes=list(notes),
                finished_at=now_utc(),
            )
        )
        if changed.rowcount == 0:
            return False
        if analysis is not None:
            self._add_analysis(tx, sop_instance_uid, analysis)
        return True

    def _add_analysis(self, tx: sa.Connection, sop_instance_uid: str, analysis: Analysis) -> None:
        cam = np.ascontiguousarray(analysis.cam, dtype="<f4")
        tx.execute(
            sa.insert(t.analysis).values(
                sop_instance_uid=sop_instance_uid,
                cam=cam.tobytes(),
                cam_shape=list(cam.shape),
                preview_to_source=analysis.preview_to_source.tolist(),
                source_shape=list(analysis.source_shape),
                provider=analysis.provider,
            )
        )
        for position, found in enumerate(analysis.findings):
            tx.execute(
                sa.insert(t.finding).values(
                    sop_instance_uid=sop_instance_uid,
                    position=position,
                    name=found.name,
                    concept=found.concept.model_dump(),
                    probability=found.probability,
                    threshold=found.threshold,
                    positive=found.positive,
                    region=None if found.region is None else [list(point) for point in found.region],
                )
            )

    def reopen_instance(self, tx: sa.Connection, sop_instance_uid: str) -> None:
        """Take back what was found in an image, so that it is analysed anew."""
        for table in (t.finding, t.analysis):
            tx.execute(sa.delete(table).where(table.c.sop_instance_uid == sop_instance_uid))
        tx.execute(
            sa.update(t.instance)
            .where(t.instance.c.sop_instance_uid == sop_instance_uid)
            .values(state="received", covered=False, finished_at=None)
        )

    def cover_instances(self, tx: sa.Connection, sop_instance_uids: Sequence[str]) -> None:
        """These images are reported, or deliberately not: no report waits for them."""
        mine = t.instance.c.sop_instance_uid.in_(sop_instance_uids)
        tx.execute(sa.update(t.instance).where(mine).values(covered=True))
        tx.execute(sa.update(t.instance).where(mine, t.instance.c.state == "inferred").values(state="reported"))

    def analysis(self, tx: sa.Connection, sop_instance_uid: str) -> Analysis | None:
        row = tx.execute(sa.select(t.analysis).where(t.analysis.c.sop_instance_uid == sop_instance_uid)).one_or_none()
        if row is None:
            return None
        findings = tx.execute(
            sa.select(t.finding).where(t.finding.c.sop_instance_uid == sop_instance_uid).order_by(t.finding.c.position)
        )
        rows, columns = row.source_shape
        return Analysis(
            cam=np.frombuffer(row.cam, dtype="<f4").reshape(row.cam_shape).astype(np.float32),
            preview_to_source=np.array(row.preview_to_source, dtype=np.float64),
            source_shape=(rows, columns),
            provider=row.provider,
            findings=tuple(
                StoredFinding(
                    name=found.name,
                    concept=Concept.model_validate(found.concept),
                    probability=found.probability,
                    threshold=found.threshold,
                    positive=found.positive,
                    region=None if found.region is None else tuple((x, y) for x, y in found.region),
                )
                for found in findings
            ),
        )

    # --- reports and results --------------------------------------------------------------------------------------

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

    def add_result(self, tx: sa.Connection, report_id: int, new: NewResult) -> None:
        """Enter a result once; a second run of a job finds it there."""
        if self.result(tx, new.sop_instance_uid) is None:
            tx.execute(sa.insert(t.result).values(**vars(new), report_id=report_id))

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

    def report(self, tx: sa.Connection, report_id: int) -> ReportRow:
        return ReportRow(**tx.execute(sa.select(t.report).where(t.report.c.id == report_id)).one()._mapping)

    def reports_of_study(self, tx: sa.Connection, study_instance_uid: str) -> list[ReportRow]:
        rows = tx.execute(
            sa.select(t.report).where(t.report.c.study_instance_uid == study_instance_uid).order_by(t.report.c.id)
        )
        return [ReportRow(**row._mapping) for row in rows]

    # --- deliveries -----------------------------------------------------------------------------------------------

    def add_delivery(self, tx: sa.Connection, result_uid: str, destination: str) -> DeliveryRow:
        """One delivery per result and destination, however often this is called."""
        where = (t.delivery.c.result_uid == result_uid, t.delivery.c.destination == destination)
        row = tx.execute(sa.select(t.delivery).where(*where)).one_or_none()
        if row is None:
            tx.execute(
                sa.insert(t.delivery).values(
                    result_uid=result_uid,
                    destination=destination,
                    state="queued",
                    attempts=0,
                    created_at=now_utc(),
                    detail="",
                )
            )
            row = tx.execute(sa.select(t.delivery).where(*where)).one()
        return DeliveryRow(**row._mapping)

    def delivery(self, tx: sa.Connection, delivery_id: int) -> DeliveryRow:
        return DeliveryRow(**tx.execute(sa.select(t.delivery).where(t.delivery.c.id == delivery_id)).one()._mapping)

    def deliveries_of_result(self, tx: sa.Connection, result_uid: str) -> list[DeliveryRow]:
        rows = tx.execute(sa.select(t.delivery).where(t.delivery.c.result_uid == result_uid).order_by(t.delivery.c.id))
        return [DeliveryRow(**row._mapping) for row in rows]

    def update_delivery(self, tx: sa.Connection, delivery_id: int, **values: Any) -> None:
        tx.execute(sa.update(t.delivery).where(t.delivery.c.id == delivery_id).values(**values))

    def restart_delivery(self, tx: sa.Connection, delivery_id: int) -> None:
        """A person asked for it again: the time after which it is given up starts anew."""
        self.update_delivery(tx, delivery_id, state="queued", created_at=now_utc(), next_attempt_at=None)

    def sop_class_accepted(self, tx: sa.Connection, remote_ae: str, sop_class_uid: str) -> bool | None:
        """What the last association with `remote_ae` showed about a SOP class; None = never asked."""
        return tx.execute(
            sa.select(t.capability.c.accepted).where(
                t.capability.c.remote_ae == remote_ae, t.capability.c.sop_class_uid == sop_class_uid
            )
        ).scalar_one_or_none()

    def set_sop_class_accepted(self, tx: sa.Connection, remote_ae: str, sop_class_uid: str, accepted: bool) -> None:
        where = (t.capability.c.remote_ae == remote_ae, t.capability.c.sop_class_uid == sop_class_uid)
        values = {"accepted": accepted, "seen_at": now_utc()}
        if tx.execute(sa.update(t.capability).where(*where).values(**values)).rowcount == 0:
            tx.execute(sa.insert(t.capability).values(remote_ae=remote_ae, sop_class_uid=sop_class_uid, **values))

    # --- jobs -----------------------------------------------------------------------------------------------------

    def add_job(
        self,
        tx: sa.Connection,
        job_id: str,
        kind: JobKind,
        subject: str,
        study_instance_uid: str,
        queue: str,
        due_at: datetime,
    ) -> bool:
        """Enter a job once. False if it is already there."""
        if self.job(tx, job_id) is not None:
            return False
        moment = now_utc()
        tx.execute(
            sa.insert(t.job).values(
                job_id=job_id,
                kind=kind,
                subject=subject,
                study_instance_uid=study_instance_uid,
                queue=queue,
                state="queued",
                attempt=1,
                starts=0,
                created_at=moment,
                due_at=due_at,
                changed_at=moment,
                error="",
            )
        )
        return True

    def job(self, tx: sa.Connection, job_id: str) -> JobRow | None:
        row = tx.execute(sa.select(t.job).where(t.job.c.job_id == job_id)).one_or_none()
        return None if row is None else JobRow(**row._mapping)

    def update_job(self, tx: sa.Connection, job_id: str, **values: Any) -> None:
        tx.execute(sa.update(t.job).where(t.job.c.job_id == job_id).values(**values, changed_at=now_utc()))

    def count_jobs_of(self, tx: sa.Connection, subject: str) -> int:
        """How many jobs there were for one subject."""
        return tx.execute(sa.select(sa.func.count()).where(t.job.c.subject == subject)).scalar_one()

    def jobs(self, tx: sa.Connection, states: Sequence[JobState], limit: int) -> list[JobRow]:
        rows = tx.execute(
            sa.select(t.job).where(t.job.c.state.in_(states)).order_by(t.job.c.created_at, t.job.c.job_id).limit(limit)
        )
        return [JobRow(**row._mapping) for row in rows]

    def jobs_of_study(self, tx: sa.Connection, study_instance_uid: str) -> list[JobRow]:
        rows = tx.execute(
            sa.select(t.job).where(t.job.c.study_instance_uid == study_instance_uid).order_by(t.job.c.created_at)
        )
        return [JobRow(**row._mapping) for row in rows]

    def count_jobs(self, tx: sa.Connection) -> dict[tuple[str, str], int]:
        """Number of jobs by (kind, state)."""
        rows = tx.execute(sa.select(t.job.c.kind, t.job.c.state, sa.func.count()).group_by(t.job.c.kind, t.job.c.state))
        return {(kind, state): count for kind, state, count in rows}

    def routes_to_report(self, tx: sa.Connection) -> list[tuple[str, str]]:
        """(study, route) pairs with judged images that no report covers and that no study job will see to."""
        will_see = sa.select(t.job.c.job_id).where(
            t.job.c.study_instance_uid == t.instance.c.study_instance_uid,
            t.job.c.kind == "study",
            t.job.c.subject == t.instance.c.route,
            t.job.c.state.in_((*LIVE_JOBS, "dead")),
        )
        rows = tx.execute(
            sa.select(t.instance.c.study_instance_uid, t.instance.c.route)
            .where(
                t.instance.c.covered.is_(False),
                t.instance.c.reportable,
                t.instance.c.state.in_(JUDGED),
                t.instance.c.route.is_not(None),
                ~will_see.exists(),
            )
            .distinct()
        )
        return [(study, route) for study, route in rows]

    # --- events and look-ups --------------------------------------------------------------------------------------

    def add_event(
        self,
        tx: sa.Connection,
        study_instance_uid: str,
        subject: str,
        step: str,
        outcome: str,
        took_ms: float | None = None,
        at: datetime | None = None,
    ) -> None:
        tx.execute(
            sa.insert(t.event).values(
                at=at or now_utc(),
                study_instance_uid=study_instance_uid,
                subject=subject,
                step=step,
                outcome=outcome,
                took_ms=took_ms,
            )
        )

    def events_of_study(self, tx: sa.Connection, study_instance_uid: str) -> list[EventRow]:
        rows = tx.execute(
            sa.select(t.event).where(t.event.c.study_instance_uid == study_instance_uid).order_by(t.event.c.id)
        )
        return [
            EventRow(row.at, row.study_instance_uid, row.subject, row.step, row.outcome, row.took_ms) for row in rows
        ]

    def studies_matching(self, tx: sa.Connection, key: str) -> list[str]:
        """Study Instance UIDs that `key` names: an accession number, or a study, SOP instance or result UID."""
        found: dict[str, None] = {}
        for statement in (
            sa.select(t.study.c.study_instance_uid).where(
                sa.or_(t.study.c.accession_number == key, t.study.c.study_instance_uid == key)
            ),
            sa.select(t.instance.c.study_instance_uid).where(
                sa.or_(t.instance.c.sop_instance_uid == key, t.instance.c.series_instance_uid == key)
            ),
            sa.select(t.report.c.study_instance_uid)
            .join(t.result, t.result.c.report_id == t.report.c.id)
            .where(t.result.c.sop_instance_uid == key),
        ):
            found.update(dict.fromkeys(tx.execute(statement).scalars()))
        return list(found)
