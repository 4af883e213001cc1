"""Reads what arrived in the archive: what the report says, and whether report and heat maps belong to the study."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from pydicom import Dataset

from converter.image.sop_classes import SECONDARY_CAPTURE
from converter.result import coding
from converter.result.content_items import descendants, is_named
from scp_node.demo.archive import StoredObject
from scp_node.demo.study import Study
from scp_node.dimse.uids import COMPREHENSIVE_3D_SR, COMPREHENSIVE_SR

REPORT_CLASSES = (COMPREHENSIVE_3D_SR, COMPREHENSIVE_SR)
_THRESHOLD = re.compile(r"operating threshold: ([0-9.]+) %")
_DECLINED = re.compile(r"Not analysed \[(?P<code>[a-z-]+)\]: (?P<reason>.*)", re.DOTALL)


@dataclass(frozen=True)
class ShownFinding:
    """One measurement group of the report, in percent as the report states them."""

    name: str
    probability_percent: float
    threshold_percent: str
    present: bool


@dataclass(frozen=True)
class ArrivedResults:
    """The report of a study and the heat maps that it refers to."""

    report: StoredObject
    report_ds: Dataset
    heatmaps: tuple[StoredObject, ...]
    findings: tuple[ShownFinding, ...]
    declined: tuple[str, ...]


@dataclass(frozen=True)
class ResultCheck:
    """One thing that must hold of the results, as a sentence, and whether it does."""

    sentence: str
    holds: bool


def results_of(study: Study, stored: tuple[StoredObject, ...]) -> ArrivedResults | None:
    """The newest report on all images of `study` with all its heat maps, or None as long as something is missing."""
    objects = {one.sop_instance_uid: one for one in stored if one.study_instance_uid == study.study_instance_uid}
    for report in reversed(objects.values()):
        if report.sop_class_uid not in REPORT_CLASSES:
            continue
        ds = report.read()
        references = dict(_references(ds))
        wanted = [uid for uid, sop_class in references.items() if _is_heatmap(uid, sop_class, study)]
        if set(study.sop_instance_uids) <= set(references) and all(uid in objects for uid in wanted):
            heatmaps = tuple(objects[uid] for uid in wanted)
            return ArrivedResults(report, ds, heatmaps, tuple(_findings(ds)), tuple(_declined(ds)))
    return None


def checks_of(study: Study, results: ArrivedResults) -> list[ResultCheck]:
    """What makes these the results of that study and of no other patient."""
    checks = []
    for kind, ds in [("report", results.report_ds), *(("heat map", one.read()) for one in results.heatmaps)]:
        checks.append(
            ResultCheck(
                f"the {kind} is in the study that was sent", ds.get("StudyInstanceUID") == study.study_instance_uid
            )
        )
        patient = (str(ds.get("PatientID") or ""), str(ds.get("IssuerOfPatientID") or ""))
        checks.append(
            ResultCheck(f"the {kind} has the patient's ID", patient == (study.patient_id, study.issuer_of_patient_id))
        )
        referenced = set(dict(_references(ds)))
        checks.append(
            ResultCheck(f"the {kind} refers to an image that was sent", bool(referenced & set(study.sop_instance_uids)))
        )
    return checks


def _is_heatmap(uid: str, sop_class: str, study: Study) -> bool:
    return sop_class == SECONDARY_CAPTURE and uid not in study.sop_instance_uids


def _references(ds: Dataset) -> Iterator[tuple[str, str]]:
    """(SOP Instance UID, SOP Class UID) of everything that the object refers to, but predecessors."""
    for element in ds:
        if element.VR != "SQ" or element.keyword == "PredecessorDocumentsSequence":
            continue
        for item in element.value:
            if "ReferencedSOPInstanceUID" in item:
                yield str(item.ReferencedSOPInstanceUID), str(item.get("ReferencedSOPClassUID", ""))
            yield from _references(item)


def _findings(report: Dataset) -> Iterator[ShownFinding]:
    for group in descendants(report):
        if not is_named(group, coding.MEASUREMENT_GROUP):
            continue
        items = list(descendants(group))
        probability = next((item for item in items if is_named(item, coding.PROBABILITY)), None)
        name = next((item for item in items if is_named(item, coding.FINDING)), None)
        if probability is None or name is None:
            continue
        texts = [str(item.get("TextValue", "")) for item in items if is_named(item, coding.ALGORITHM_PARAMETERS)]
        threshold = next((match[1] for text in texts if (match := _THRESHOLD.search(text))), "?")
        codes = {str(code.CodeValue) for item in items for code in item.get("ConceptCodeSequence", ())}
        yield ShownFinding(
            name=str(name.ConceptCodeSequence[0].CodeMeaning),
            probability_percent=float(probability.MeasuredValueSequence[0].NumericValue),
            threshold_percent=threshold,
            present=coding.PRESENT.value in codes,
        )


def _declined(report: Dataset) -> Iterator[str]:
    for item in descendants(report):
        if is_named(item, coding.COMMENT) and (match := _DECLINED.match(str(item.get("TextValue", "")))):
            yield f"{match['reason']} ({match['code']})"
