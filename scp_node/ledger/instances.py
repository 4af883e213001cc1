"""Received instances and what was found in them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import numpy as np
import sqlalchemy as sa

from converter.image.priority import ROUTINE
from scp_node.ledger import tables as t
from scp_node.ledger.events import Events, told_of
from scp_node.ledger.finding_rows import finding_of, row_of
from scp_node.ledger.insert_once import insert_once
from scp_node.ledger.outline_column import packed, unpacked
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
from scp_node.ledger.studies import Studies

# Receiving waits for these statements: they are built once, which spares most of what a statement costs.
_CONTENT = sa.select(t.instance.c.digest, t.instance.c.bytes, t.instance.c.removed_at).where(
    t.instance.c.sop_instance_uid == sa.bindparam("uid")
)
_SEEN = sa.select(t.version.c.version).where(
    t.version.c.sop_instance_uid == sa.bindparam("uid"),
    t.version.c.digest == sa.bindparam("seen"),
    t.version.c.bytes == sa.bindparam("size"),
)
_NOT_OF_IMAGE = {"accession_number", "damage"}
_AS_RECEIVED: dict[str, Any] = {
    "state": "received",
    "reportable": True,
    "covered": False,
    "detail": "",
    "notes": [],
    "version": 1,
}


class Instances(Repository):
    """Statements on instances, their analyses and findings."""

    def add(self, record: ReceivedInstance) -> AddOutcome:
        """Enter a received object once. Of a known SOP Instance UID nothing is entered, but told what its bytes are:
        `identical`, `removed`, `changed` or `returned`."""
        values = {column: value for column, value in vars(record).items() if column not in _NOT_OF_IMAGE}
        if not self._connection.execute(insert_once(self._connection, t.instance), _AS_RECEIVED | values).rowcount:
            outcome = self.outcome_if_known(record)
            assert outcome is not None
            return outcome
        Studies(self._connection).add(record)
        Events(self._connection).add(
            record.study_instance_uid,
            record.sop_instance_uid,
            "received",
            told_of(record),
            at=record.received_at,
        )
        return "added"

    def outcome_if_known(self, record: ReceivedInstance) -> AddOutcome | None:
        """What entering `record` would come to; None while nothing has its SOP Instance UID."""
        known = self._connection.execute(_CONTENT, {"uid": record.sop_instance_uid}).one_or_none()
        if known is None:
            return None
        if (known.digest, known.bytes) == (record.digest, record.bytes):
            return "identical" if known.removed_at is None else "removed"
        seen = {"uid": record.sop_instance_uid, "seen": record.digest, "size": record.bytes}
        return "changed" if self._connection.execute(_SEEN, seen).one_or_none() is None else "returned"

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
        version: int = 1,
        priority: int = ROUTINE,
    ) -> bool:
        """Enter the outcome of an image job, in place of what was found before. False if there is nothing to enter it
        for: that version has its outcome (a second run of the job), or is not current any more."""
        changed = self._connection.execute(
            sa.update(t.instance)
            .where(*_awaited(sop_instance_uid, version))
            .values(
                state=state,
                route=route,
                model=model,
                reportable=reportable,
                covered=False,
                decline_code=decline_code,
                detail=detail,
                notes=list(notes),
                finished_at=now_utc(),
                judged_version=version,
                priority=priority,
            )
        )
        if changed.rowcount == 0:
            return False
        self._drop_analysis(sop_instance_uid)
        if analysis is not None:
            self._add_analysis(sop_instance_uid, analysis)
        return True

    def stand(self, sop_instance_uid: str, version: int, state: InstanceState) -> bool:
        """What was found in the version before holds for this one too, and what was reported of it. False like
        `finish`."""
        changed = sa.update(t.instance).where(*_awaited(sop_instance_uid, version)).values(state=state)
        return bool(self._connection.execute(changed).rowcount)

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
                lungs=None if analysis.lungs is None else packed(analysis.lungs),
            )
        )
        for position, found in enumerate(analysis.findings):
            self._connection.execute(sa.insert(t.finding).values(row_of(sop_instance_uid, position, found)))

    def _drop_analysis(self, sop_instance_uid: str) -> None:
        for table in (t.finding, t.analysis):
            self._connection.execute(sa.delete(table).where(table.c.sop_instance_uid == sop_instance_uid))

    def reopen(self, sop_instance_uid: str) -> None:
        """Take back what was found in an image, so that it is analysed anew."""
        self._drop_analysis(sop_instance_uid)
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

    def uncover(self, study_instance_uid: str, route: str) -> int:
        """A report on this study has lost an image: have the others reported anew. Returns how many these are."""
        mine = (
            t.instance.c.study_instance_uid == study_instance_uid,
            t.instance.c.route == route,
            t.instance.c.reportable,
        )
        others = self._connection.execute(sa.update(t.instance).where(*mine).values(covered=False)).rowcount
        self._connection.execute(
            sa.update(t.instance).where(*mine, t.instance.c.state == "reported").values(state="inferred")
        )
        return others

    def leave_out(self, sop_instance_uids: Sequence[str], code: str, reason: str) -> None:
        """These images are named in a report and no part of it. What was found in them is kept for a later one."""
        mine = t.instance.c.sop_instance_uid.in_(sop_instance_uids)
        analysed = t.instance.c.state.in_(("inferred", "reported"))
        self._connection.execute(
            sa.update(t.instance).where(mine, analysed).values(state="declined", decline_code=code, detail=reason)
        )

    def take_in(self, sop_instance_uids: Sequence[str], code: str) -> None:
        """These images are part of a report; what was left out with `code` before counts as analysed again."""
        mine = (t.instance.c.sop_instance_uid.in_(sop_instance_uids), t.instance.c.decline_code == code)
        self._connection.execute(
            sa.update(t.instance)
            .where(*mine, t.instance.c.state == "declined")
            .values(state="inferred", decline_code=None, detail="")
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
            lungs=None if row.lungs is None else unpacked(row.lungs),
            findings=tuple(map(finding_of, findings)),
        )

    def waiting_priority(self, study_instance_uid: str, route: str) -> int | None:
        """The priority of the most urgent of the judged images of the route that are in no report yet; None where
        there are none."""
        mine = (t.instance.c.study_instance_uid == study_instance_uid, t.instance.c.route == route)
        most = sa.select(sa.func.min(t.instance.c.priority)).where(t.UNCOVERED, *mine, t.instance.c.state.in_(JUDGED))
        return self._connection.execute(most).scalar_one_or_none()

    def is_being_analysed(self, study_instance_uid: str) -> bool:
        """Whether an image of the study is not judged yet. The last one is looked at first, because it most likely is
        the one."""
        mine = t.instance.c.study_instance_uid == study_instance_uid
        last = sa.select(t.instance.c.state).where(mine, t.instance.c.state == "received")
        ordered = last.order_by(t.instance.c.received_at.desc()).limit(1)
        return self._connection.execute(ordered).one_or_none() is not None

    def last_arrival(self, study_instance_uid: str, moment: datetime) -> datetime | None:
        """When the last image came, up to `moment`, that belongs into a report. A clock that was set back makes nobody
        wait for it."""
        mine = (t.instance.c.study_instance_uid == study_instance_uid, t.instance.c.received_at <= moment)
        arrivals = sa.select(t.instance.c.received_at).where(*mine, t.instance.c.reportable)
        ordered = arrivals.order_by(t.instance.c.received_at.desc()).limit(1)
        return self._connection.execute(ordered).scalar_one_or_none()

    def routes_to_report(self) -> list[tuple[str, str]]:
        """(study, route) pairs with judged images that no report covers and that no study job will see to."""
        will_see = sa.select(t.job.c.job_id).where(
            t.job.c.study_instance_uid == t.instance.c.study_instance_uid,
            t.STUDY_JOB,
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


def _awaited(sop_instance_uid: str, version: int) -> tuple[sa.ColumnElement[bool], ...]:
    return (
        t.instance.c.sop_instance_uid == sop_instance_uid,
        t.instance.c.version == version,
        t.instance.c.state == "received",
    )
