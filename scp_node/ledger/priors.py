"""What was found earlier in the same patient: the last report before a moment, in another study."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import sqlalchemy as sa

from converter.result.findings import Finding
from converter.result.patient import Patient
from converter.result.prior import PriorAnalysis
from scp_node.ledger import tables as t
from scp_node.ledger.finding_rows import finding_of
from scp_node.ledger.repository import Repository
from scp_node.ledger.versions import Versions

# Studies of one Patient ID that are looked at, the last ones: a test patient may have thousands.
STUDIES_MAX = 50


class Priors(Repository):
    """Statements on earlier studies of a patient."""

    def last_before(
        self, patient: Patient, study_instance_uid: str, model_name: str, before: datetime
    ) -> PriorAnalysis | None:
        """Of studies that the model of this name has analysed, in any version, and that were reported before. Only a
        stated Patient ID leads to one, and whatever else both state must agree (`Compared.is_same`)."""
        if not patient.id.strip():
            return None
        for study, route, model, created_at in self._reported(patient, study_instance_uid, model_name, before):
            patients = Versions(self._connection).patients_of_study(study).values()
            found = (
                self._findings(study, route) if all(one.compared.is_same(patient.compared) for one in patients) else []
            )
            if found:
                strongest = max(found, key=lambda one: (one.positive, one.probability))
                return PriorAnalysis(strongest, created_at.date(), study, model)
        return None

    def _reported(
        self, patient: Patient, study_instance_uid: str, model_name: str, before: datetime
    ) -> Sequence[sa.Row[str, str, str, datetime]]:
        """Study, route, model and time of the reports, the last first."""
        judged = sa.and_(
            t.version.c.sop_instance_uid == t.instance.c.sop_instance_uid,
            t.version.c.version == t.instance.c.judged_version,
        )
        studies = (
            sa.select(t.instance.c.study_instance_uid)
            .join(t.version, judged)
            .where(t.version.c.patient_id.is_not(None), t.PATIENT_ID.in_([patient.id.lower()]))
        )
        return self._connection.execute(
            sa.select(t.report.c.study_instance_uid, t.report.c.route, t.report.c.model, t.report.c.created_at)
            .where(
                t.report.c.study_instance_uid.in_(studies),
                t.report.c.study_instance_uid != study_instance_uid,
                t.report.c.model.startswith(f"{model_name}@", autoescape=True),
                t.report.c.built_at.is_not(None),
                t.report.c.created_at < before,
            )
            .order_by(t.report.c.created_at.desc(), t.report.c.id.desc())
            .limit(STUDIES_MAX)
        ).all()

    def _findings(self, study_instance_uid: str, route: str) -> list[Finding]:
        mine = (t.instance.c.study_instance_uid == study_instance_uid, t.instance.c.route == route)
        rows = self._connection.execute(
            sa.select(t.finding)
            .join(t.instance, t.instance.c.sop_instance_uid == t.finding.c.sop_instance_uid)
            .where(*mine, t.instance.c.state == "reported")
        )
        return [finding_of(row) for row in rows]
