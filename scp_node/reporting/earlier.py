"""What came before a report: the documents that it supersedes, the results that it rejects, an earlier study."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from converter.result.kinds.table import RESULT_KINDS
from converter.result.prior import PriorAnalysis
from scp_node.ledger import ReportRow, ResultRow, Transaction

Reference = tuple[str, str, str]


@dataclass(frozen=True)
class Earlier:
    """predecessors, rejected: (SOP class, SOP instance, series) of results that went to destinations."""

    predecessors: tuple[Reference, ...] = ()
    rejected: tuple[Reference, ...] = ()
    prior: PriorAnalysis | None = None


def earlier_of(tx: Transaction, report: ReportRow) -> Earlier:
    """By the ledger, as of the moment when the report was opened: every run of its job finds the same."""
    before = [
        one
        for one in tx.reports.of_study(report.study_instance_uid)
        if one.route == report.route and one.revision < report.revision and one.built_at is not None
    ]
    before.sort(key=lambda one: one.revision, reverse=True)
    superseding = {kind.name for kind in RESULT_KINDS.values() if kind.supersedes}
    return Earlier(
        tuple(_reference(one) for one in _delivered(tx, before[0]) if one.kind in superseding) if before else (),
        tuple(_reference(one) for old in _with_other_patient(tx, report, before) for one in _delivered(tx, old)),
        _prior_of(tx, report),
    )


def _delivered(tx: Transaction, report: ReportRow) -> Iterator[ResultRow]:
    """Its DICOM results that are on their way to a destination, or there."""
    for one in tx.results.of_report(report.id):
        if one.kind in RESULT_KINDS and tx.deliveries.of_result(one.sop_instance_uid):
            yield one


def _reference(result: ResultRow) -> Reference:
    return result.sop_class_uid, result.sop_instance_uid, result.series_instance_uid


def _with_other_patient(tx: Transaction, report: ReportRow, before: list[ReportRow]) -> Iterator[ReportRow]:
    """The reports since the last correction, where an image that both cover has named its patient otherwise. What was
    before that, the report that followed it has rejected."""
    last = report
    for one in before:
        if last is not report and _is_corrected(tx, one, last):
            return
        if not _is_corrected(tx, one, report):
            return
        yield one
        last = one


def _is_corrected(tx: Transaction, earlier: ReportRow, now: ReportRow) -> bool:
    """Whether an image of both has other data of its patient in the version that the later one covers."""
    for uid in {*earlier.instances} & {*now.instances}:
        versions = earlier.version_of(uid), now.version_of(uid)
        if versions[0] == versions[1]:
            continue
        kept = [tx.versions.get(uid, version) for version in versions]
        patients = [None if one is None else one.facts.patient for one in kept]
        if None not in patients and patients[0] != patients[1]:
            return True
    return False


def _prior_of(tx: Transaction, report: ReportRow) -> PriorAnalysis | None:
    """The last analysis of the patient in another study that was reported before this report was opened."""
    patients = tx.versions.patients_of_study(report.study_instance_uid)
    named = (patients[uid] for uid in sorted(report.instances) if uid in patients)
    patient = next((one for one in named if one.id), None)
    if patient is None:
        return None
    name, _, _ = report.model.partition("@")
    return tx.priors.last_before(patient, report.study_instance_uid, name, report.created_at)
