"""The Structured Report of a study: TID 1500 in a Comprehensive 3D or Comprehensive SR document."""

from __future__ import annotations

from collections.abc import Iterable
from copy import deepcopy

from pydicom import Dataset
from pydicom.uid import UID, Comprehensive3DSRStorage, ComprehensiveSRStorage

from converter.errors import Unreportable
from converter.result.encode import add_file_meta
from converter.result.findings import StudyReport
from converter.result.provenance import add_equipment, add_times, result_uid, series_description
from converter.result.report_content import report_content
from converter.result.source_attributes import Charset, SourceAttributes, stored_text
from converter.result.template import Make, encoded

SERIES_NUMBER = 9001

# Request attributes of an image that have a place in the Referenced Request Sequence (PS3.3 C.17.2.2).
_REQUEST = (
    "AccessionNumber",
    "IssuerOfAccessionNumberSequence",
    "RequestedProcedureID",
    "RequestedProcedureDescription",
    "RequestedProcedureCodeSequence",
    "ReasonForTheRequestedProcedure",
    "ReasonForRequestedProcedureCodeSequence",
)
_REQUEST_TYPE_2 = (
    "AccessionNumber",
    "PlacerOrderNumberImagingServiceRequest",
    "FillerOrderNumberImagingServiceRequest",
    "RequestedProcedureID",
    "RequestedProcedureDescription",
)


def build_structured_report(
    report: StudyReport, sop_class_uid: str, charset: Charset, make: Make = encoded
) -> Dataset:
    """One SR document that says all of `report`. Raises Unreportable when it has no image or mixes studies or patients.

    `sop_class_uid`: Comprehensive 3D SR or Comprehensive SR Storage; the content is the same. Patient and study
    attributes are those of the first analysed image, else of the first declined one.
    """
    if sop_class_uid == ComprehensiveSRStorage:
        return as_comprehensive(build_structured_report(report, Comprehensive3DSRStorage, charset, make))
    if sop_class_uid != Comprehensive3DSRStorage:
        raise Unreportable(f"SOP Class {sop_class_uid} is neither Comprehensive nor Comprehensive 3D SR")
    sources = _sources(report)
    attributes = SourceAttributes.of(_identifying(sources), charset)
    ds = attributes.new_result()
    _add_document(ds, report, sources)
    _add_requests(ds, attributes)
    for element in report_content(report, make):
        ds[element.tag] = element
    add_file_meta(ds)
    return ds


def as_comprehensive(sr: Dataset) -> Dataset:
    """The same content as Comprehensive SR, for archives that refuse Comprehensive 3D; its UID follows from `sr`'s.

    Predecessors follow suit: an archive that gets this object got their Comprehensive form too.
    """
    twin = deepcopy(sr)
    twin.SOPClassUID = ComprehensiveSRStorage
    twin.SOPInstanceUID = comprehensive_uid(sr.SOPInstanceUID)
    for study in twin.get("PredecessorDocumentsSequence", ()):
        for series in study.ReferencedSeriesSequence:
            for reference in series.ReferencedSOPSequence:
                if reference.ReferencedSOPClassUID == Comprehensive3DSRStorage:
                    reference.ReferencedSOPClassUID = ComprehensiveSRStorage
                    reference.ReferencedSOPInstanceUID = comprehensive_uid(reference.ReferencedSOPInstanceUID)
    add_file_meta(twin)
    return twin


def comprehensive_uid(sop_instance_uid: str) -> UID:
    """The UID of the Comprehensive SR with the content of a Comprehensive 3D SR."""
    return result_uid(sop_instance_uid, ComprehensiveSRStorage)


def _sources(report: StudyReport) -> list[Dataset]:
    sources = report.sources
    if not sources:
        raise Unreportable("a report needs at least one image, analysed or declined")
    study = report.identity.study_instance_uid
    for source in sources:
        if source.get("StudyInstanceUID") != study or not source.get("SeriesInstanceUID"):
            raise Unreportable(f"image {source.get('SOPInstanceUID')} does not belong to study {study}")
    if any(len(_stated(sources, keyword)) > 1 for keyword in ("PatientID", "IssuerOfPatientID")):
        raise Unreportable(f"the images of study {study} belong to more than one patient: no report can be on both")
    return sources


def _stated(sources: list[Dataset], keyword: str) -> set[str]:
    """The different values that the images with a Patient ID state."""
    texts = (stored_text(source, keyword) for source in sources if stored_text(source, "PatientID"))
    return {text for text in texts if text}


def _identifying(sources: list[Dataset]) -> Dataset:
    """The first image that names its patient: of an unreadable one the header may be all but lost."""
    return next((source for source in sources if "PatientName" in source or "PatientID" in source), sources[0])


def _add_document(ds: Dataset, report: StudyReport, sources: list[Dataset]) -> None:
    """SR Document Series and SR Document General (PS3.3 C.17.1, C.17.2)."""
    identity, algorithm = report.identity, report.algorithm
    model = (algorithm.name, algorithm.version)
    images = ",".join(str(source.SOPInstanceUID) for source in sources)
    ds.SOPClassUID = Comprehensive3DSRStorage
    ds.SOPInstanceUID = result_uid(
        identity.study_instance_uid, images, *model, "sr", Comprehensive3DSRStorage, str(identity.revision)
    )
    ds.StudyInstanceUID = identity.study_instance_uid
    # every revision joins the same series, so that a viewer finds the newest one beside those it replaces
    ds.SeriesInstanceUID = result_uid(identity.study_instance_uid, *model, "sr series")
    ds.Modality = "SR"
    ds.SeriesNumber = SERIES_NUMBER
    ds.SeriesDescription = series_description(f"{algorithm.name} report")
    ds.ReferencedPerformedProcedureStepSequence = []
    add_equipment(ds, identity, algorithm)
    add_times(ds, identity)
    ds.InstanceNumber = max(1, identity.revision)
    ds.ContentQualification = "RESEARCH"
    ds.CompletionFlag = "COMPLETE"
    ds.PreliminaryFlag = "PRELIMINARY"
    ds.VerificationFlag = "UNVERIFIED"
    ds.PerformedProcedureCodeSequence = []
    references = [*sources, *report.heatmaps.values()]
    ds.CurrentRequestedProcedureEvidenceSequence = [
        _study_references(
            identity.study_instance_uid,
            ((ref.SOPClassUID, ref.SOPInstanceUID, ref.SeriesInstanceUID) for ref in references),
        )
    ]
    if report.predecessors:
        ds.PredecessorDocumentsSequence = [_study_references(identity.study_instance_uid, report.predecessors)]


def _study_references(study_instance_uid: str, references: Iterable[tuple[str, str, str]]) -> Dataset:
    """Hierarchical SOP Instance Reference (PS3.3 C.17.2.1) to (SOP class, SOP instance, series) of one study."""
    by_series: dict[str, dict[str, Dataset]] = {}
    for sop_class_uid, sop_instance_uid, series_instance_uid in references:
        reference = Dataset()
        reference.ReferencedSOPClassUID = sop_class_uid
        reference.ReferencedSOPInstanceUID = sop_instance_uid
        by_series.setdefault(series_instance_uid, {})[sop_instance_uid] = reference
    study = Dataset()
    study.StudyInstanceUID = study_instance_uid
    study.ReferencedSeriesSequence = []
    for series_instance_uid, instances in by_series.items():
        series = Dataset()
        series.SeriesInstanceUID = series_instance_uid
        series.ReferencedSOPSequence = list(instances.values())
        study.ReferencedSeriesSequence.append(series)
    return study


def _add_requests(ds: Dataset, attributes: SourceAttributes) -> None:
    """Referenced Request Sequence (PS3.3 C.17.2): the request that the source image answers, when it names one."""
    requests = []
    for origin in attributes.source.get("RequestAttributesSequence") or ():
        request = attributes.new_item()
        attributes.copy_to(request, ("AccessionNumber", "IssuerOfAccessionNumberSequence"))
        attributes.copy_to(request, _REQUEST, origin)
        request.StudyInstanceUID = origin.get("StudyInstanceUID") or ds.StudyInstanceUID
        request.ReferencedStudySequence = []
        if "RequestedProcedureCodeSequence" not in request:
            request.RequestedProcedureCodeSequence = []
        for keyword in _REQUEST_TYPE_2:
            if keyword not in request:
                setattr(request, keyword, None)
        requests.append(request)
    if requests:
        ds.ReferencedRequestSequence = requests
