"""Received instances and what was found in them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import sqlalchemy as sa

from converter.package.concept import Concept
from converter.result.findings import Finding
from scp_node.ledger import tables as t
from scp_node.ledger.events import Events
from scp_node.ledger.insert_once import insert_once
from scp_node.ledger.records import (
    JUDGED,
    LIVE_JOBS,
    AddOutcome,
    Analysis,
    InstanceRow,
    InstanceState,
    ReceivedInstance,
    now_utc,
)
from scp_node.ledger.repository import Repository

# Receiving waits for these statements: they are built once, which spares most of what a statement costs.
_CONTENT = sa.select(t.instance.c.digest, t.instance.c.bytes).where(
    t.instance.c.sop_instance_uid == sa.bindparam("uid")
)
_AS_RECEIVED: dict[str, Any] = {
    "state": "received",
    "reportable": True,
    "covered": False,
    "detail": "",
    "notes": [],
}


class Instances(Repository):
    """Statements on instances, their analyses and findings."""

    def add(self, record: ReceivedInstance) -> AddOutcome:
        """Enter a received object once: `identical` for the same bytes again, `conflict` for other bytes."""
        values = {column: value for column, value in vars(record).items() if column != "accession_number"}
        if not self._connection.execute(insert_once(self._connection, t.instance), _AS_RECEIVED | values).rowcount:
            outcome = self.outcome_if_known(record)
            assert outcome is not None
            return outcome
        self._connection.execute(
            insert_once(self._connection, t.study),
            {
                "study_instance_uid": record.study_instance_uid,
                "accession_number": record.accession_number,
                "first_received_at": record.received_at,
            },
        )
        Events(self._connection).add(
            record.study_instance_uid,
            record.sop_instance_uid,
            "received",
            f"{record.bytes} bytes from {record.source} ({record.calling_ae_title})",
            at=record.received_at,
        )
        return "added"

    def outcome_if_known(self, record: ReceivedInstance) -> AddOutcome | None:
        """What entering `record` would come to; None while nothing has its SOP Instance UID."""
        known = self._connection.execute(_CONTENT, {"uid": record.sop_instance_uid}).one_or_none()
        if known is None:
            return None
        return "identical" if (known.digest, known.bytes) == (record.digest, record.bytes) else "conflict"

    def get(self, sop_instance_uid: str) -> InstanceRow:
        row = self._connection.execute(
            sa.select(t.instance).where(t.instance.c.sop_instance_uid == sop_instance_uid)
        ).one()
        return InstanceRow(**row._mapping)

    def of_study(self, study_instance_uid: str) -> list[InstanceRow]:
        rows = self._connection.execute(
            sa.select(t.instance)
            .where(t.instance.c.study_instance_uid == study_instance_uid)
            .order_by(t.instance.c.received_at, t.instance.c.sop_instance_uid)
        )
        return [InstanceRow(**row._mapping) for row in rows]

    def finish(
        self,
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
        changed = self._connection.execute(
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
            self._add_analysis(sop_instance_uid, analysis)
        return True

    def _add_analysis(self, sop_instance_uid: str, analysis: Analysis) -> None:
        cam = np.ascontiguousarray(analysis.cam, dtype="<f4")
        self._connection.execute(
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
            self._connection.execute(
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

    def reopen(self, sop_instance_uid: str) -> None:
        """Take back what was found in an image, so that it is analysed anew."""
        for table in (t.finding, t.analysis):
            self._connection.execute(sa.delete(table).where(table.c.sop_instance_uid == sop_instance_uid))
        self._connection.execute(
            sa.update(t.instance)
            .where(t.instance.c.sop_instance_uid == sop_instance_uid)
            .values(state="received", covered=False, finished_at=None)
        )

    def cover(self, sop_instance_uids: Sequence[str]) -> None:
        """These images are reported, or deliberately not: no report waits for them."""
        mine = t.instance.c.sop_instance_uid.in_(sop_instance_uids)
        self._connection.execute(sa.update(t.instance).where(mine).values(covered=True))
        self._connection.execute(
            sa.update(t.instance).where(mine, t.instance.c.state == "inferred").values(state="reported")
        )

    def analysis(self, sop_instance_uid: str) -> Analysis | None:
        row = self._connection.execute(
            sa.select(t.analysis).where(t.analysis.c.sop_instance_uid == sop_instance_uid)
        ).one_or_none()
        if row is None:
            return None
        findings = self._connection.execute(
            sa.select(t.finding).where(t.finding.c.sop_instance_uid == sop_instance_uid).order_by(t.finding.c.position)
        )
        rows, columns = row.source_shape
        return Analysis(
            cam=np.frombuffer(row.cam, dtype="<f4").reshape(row.cam_shape).astype(np.float32),
            preview_to_source=np.array(row.preview_to_source, dtype=np.float64),
            source_shape=(rows, columns),
            provider=row.provider,
            findings=tuple(
                Finding(
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

    def routes_to_report(self) -> list[tuple[str, str]]:
        """(study, route) pairs with judged images that no report covers and that no study job will see to."""
        will_see = sa.select(t.job.c.job_id).where(
            t.job.c.study_instance_uid == t.instance.c.study_instance_uid,
            t.job.c.kind == "study",
            t.job.c.subject == t.instance.c.route,
            t.job.c.state.in_((*LIVE_JOBS, "dead")),
        )
        rows = self._connection.execute(
            sa.select(t.instance.c.study_instance_uid, t.instance.c.route)
            .where(
                t.UNCOVERED,
                t.instance.c.state.in_(JUDGED),
                t.instance.c.route.is_not(None),
                ~will_see.exists(),
            )
            .distinct()
        )
        return [(study, route) for study, route in rows]
