"""A report names the patient's earlier analysis on this node, with its date and probability."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pydicom import Dataset, dcmread

from converter.result.sheet.reading import read_report
from scp_node.ledger import ResultRow
from scp_node.monitoring.reproduce import ReproductionSource, overall, reproduce
from scp_node.workflow.services import Services
from tests.support.dicom.phantoms import make_dx
from tests.support.ledger.studies import SETTINGS, report_study, worker_services

STARTS = "Earlier analysis of this patient on this device: "


def earlier_named(services: Services, results: list[ResultRow]) -> list[str]:
    (sr,) = (one for one in results if one.kind == "sr")
    remarks = read_report(dcmread(services.spool.path(sr.spool_name))).remarks
    return [one.removeprefix(STARTS) for one in remarks if one.startswith(STARTS)]


def film(**others: Any) -> Dataset:
    return make_dx(WindowCenter=900, **others)


def test_the_earlier_study_is_named_with_date_and_probability_and_comes_out_the_same_again(tmp_path: Path) -> None:
    with worker_services(tmp_path) as services:
        assert earlier_named(services, report_study(services, 1, film(), patient_id="P7")) == []
        with services.ledger.transaction() as tx:
            (first,) = tx.reports.of_study("1.2.3.1")
            tx.connection.exec_driver_sql("UPDATE hilum_report SET created_at = '2026-01-31 10:00:00.000000'")
            finding = max(tx.instances.analysis("1.2.3.1.1").findings, key=lambda one: one.probability)  # type: ignore[union-attr]
        results = report_study(services, 2, film(), patient_id="p7 ")
        (said,) = earlier_named(services, results)
        assert "2026-01-31" in said and "1.2.3.1)" in said and first.model in said
        assert finding.concept.meaning in said and f"{100 * finding.probability:.1f}" in said
        source = ReproductionSource(SETTINGS, services.ledger, services.spool, services.models, services.decode_pool)
        assert overall(list(reproduce(source, results[-1].sop_instance_uid))) == "same"


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ({"patient_id": "P7"}, {"patient_id": "P8"}),
        ({"patient_id": ""}, {"patient_id": ""}),
        ({"patient_id": "P7", "PatientBirthDate": "20200101"}, {"patient_id": "P7", "PatientBirthDate": "20190101"}),
    ],
    ids=["another ID", "no ID", "another birth date"],
)
def test_nobody_elses_analysis_is_named(tmp_path: Path, first: dict[str, str], second: dict[str, str]) -> None:
    with worker_services(tmp_path) as services:
        for number, one in enumerate((first, second), 1):
            others = {name: value for name, value in one.items() if name != "patient_id"}
            results = report_study(services, number, film(**others), patient_id=one["patient_id"])
    assert earlier_named(services, results) == []
