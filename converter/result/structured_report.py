"""The Structured Report of a study: TID 1500 in a Comprehensive 3D or Comprehensive SR document."""

from __future__ import annotations

from collections.abc import Iterable
from copy import deepcopy

from pydicom import Dataset
from pydicom.uid import UID, Comprehensive3DSRStorage, ComprehensiveSRStorage

from converter.errors import Unreportable
from converter.result.encode import add_file_meta
from converter.result.findings import StudyReport
from converter.result.identity import patient_of
from converter.result.patient import of_one_patient
from converter.result.provenance import add_origin, result_uid, series_description
from converter.result.report_content import report_content
from converter.result.source_attributes import Charset, SourceAttributes, stored_text
from converter.result.template import Elements, Make, Values, encoded

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


def build_structured_report(report: StudyReport, sop_class_uid: str, charset: Charset, make: Make = encoded) -> Dataset:
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
    _add_document(ds, report, sources, make)
    _add_requests(ds, attributes)
    for element in report_content(report, make):
        ds[element.tag] = element
    add_file_meta(ds)
    return ds


def as_comprehensive(sr: Dataset) -> Dataset:
    """The same content as Comprehensive SR, for archives that refuse Comprehensive 3D; its UID follows from `sr`'s.

    Predecessors follow suit: an archive that gets this object got their Comprehensive form too.
    """
    twin = Dataset()
    twin.set_original_encoding(False, True, sr.original_character_set)
    # elements that stay are shared, those that change are new
    twin.update({tag: sr.get_item(tag) for tag in sr.keys()})  # noqa: SIM118 (iterating would decode)
    _replace(twin, "SOPClassUID", ComprehensiveSRStorage)
    _replace(twin, "SOPInstanceUID", comprehensive_uid(sr.SOPInstanceUID))
    if "PredecessorDocumentsSequence" in twin:
        studies = deepcopy(sr.PredecessorDocumentsSequence)
        for reference in (
            ref
            for study in studies
            for series in study.ReferencedSeriesSequence
            for ref in series.ReferencedSOPSequence
        ):
            if reference.ReferencedSOPClassUID == Comprehensive3DSRStorage:
                reference.ReferencedSOPClassUID = ComprehensiveSRStorage
                reference.ReferencedSOPInstanceUID = comprehensive_uid(reference.ReferencedSOPInstanceUID)
        _replace(twin, "PredecessorDocumentsSequence", studies)
    add_file_meta(twin)
    return twin


def _replace(ds: Dataset, keyword: str, value: object) -> None:
    del ds[keyword]
    setattr(ds, keyword, value)


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
    if not all(of_one_patient([patient_of(source) if _names_patient(source) else None for source in sources])):
        raise Unreportable(f"the images of study {study} belong to more than one patient: no report can be on both")
    return sources


def _names_patient(source: Dataset) -> bool:
    """False for an unreadable image, of whose header all but the UIDs is lost."""
    return "PatientName" in source or "PatientID" in source


def _identifying(sources: list[Dataset]) -> Dataset:
    """The first image that states a Patient ID, else the first that names its patient at all."""
    with_id = (source for source in sources if stored_text(source, "PatientID"))
    return next(with_id, None) or next(filter(_names_patient, sources), sources[0])


def _add_document(ds: Dataset, report: StudyReport, sources: list[Dataset], make: Make) -> None:
    """SR Document Series and SR Document General (PS3.3 C.17.1, C.17.2)."""
    identity, algorithm = report.identity, report.algorithm
    study, model = identity.study_instance_uid, (algorithm.name, algorithm.version)
    images = ",".join(str(source.SOPInstanceUID) for source in sources)
    evidence = [
        (ref.SOPClassUID, ref.SOPInstanceUID, ref.SeriesInstanceUID) for ref in (*sources, *report.heatmaps.values())
    ]
    values = {
        "instance_uid": result_uid(study, images, *model, "sr", Comprehensive3DSRStorage, str(identity.revision)),
        "study_uid": study,
        # every revision joins the same series, so that a viewer finds the newest one beside those it replaces
        "series_uid": result_uid(study, *model, "sr series"),
        "instance_number": max(1, identity.revision),
        "evidence": [_study_references(study, evidence, make)],
    }
    if report.predecessors:
        values["predecessors"] = [_study_references(study, report.predecessors, make)]
    for element in make(document, algorithm.name, values):
        ds[element.tag] = element
    add_origin(ds, identity, algorithm, make)


def document(algorithm_name: str, values: Values) -> Dataset:
    """The attributes of the document that do not come from the patient or the equipment."""
    ds = Dataset()
    ds.SOPClassUID = Comprehensive3DSRStorage
    ds.SOPInstanceUID = values["instance_uid"]
    ds.StudyInstanceUID = values["study_uid"]
    ds.SeriesInstanceUID = values["series_uid"]
    ds.Modality = "SR"
    ds.SeriesNumber = SERIES_NUMBER
    ds.SeriesDescription = series_description(f"{algorithm_name} report")
    ds.ReferencedPerformedProcedureStepSequence = []
    ds.InstanceNumber = values["instance_number"]
    ds.ContentQualification = "RESEARCH"
    ds.CompletionFlag = "COMPLETE"
    ds.PreliminaryFlag = "PRELIMINARY"
    ds.VerificationFlag = "UNVERIFIED"
    ds.PerformedProcedureCodeSequence = []
    ds.CurrentRequestedProcedureEvidenceSequence = values["evidence"]
    if "predecessors" in values:
        ds.PredecessorDocumentsSequence = values["predecessors"]
    return ds


def _study_references(study_instance_uid: str, references: Iterable[tuple[str, str, str]], make: Make) -> Elements:
    """Hierarchical SOP Instance Reference (PS3.3 C.17.2.1) to (SOP class, SOP instance, series) of one study."""
    by_series: dict[str, dict[str, Elements]] = {}
    for sop_class_uid, sop_instance_uid, series_instance_uid in references:
        reference = make(instance_reference, None, {"class_uid": sop_class_uid, "instance_uid": sop_instance_uid})
        by_series.setdefault(series_instance_uid, {})[sop_instance_uid] = reference
    series = [
        make(series_reference, None, {"series_uid": uid, "instances": list(instances.values())})
        for uid, instances in by_series.items()
    ]
    return make(study_reference, None, {"study_uid": study_instance_uid, "series": series})


def instance_reference(_: None, values: Values) -> Dataset:
    """SOP Instance Reference Macro (PS3.3 table 10-11)."""
    reference = Dataset()
    reference.ReferencedSOPClassUID = values["class_uid"]
    reference.ReferencedSOPInstanceUID = values["instance_uid"]
    return reference


def series_reference(_: None, values: Values) -> Dataset:
    series = Dataset()
    series.SeriesInstanceUID = values["series_uid"]
    series.ReferencedSOPSequence = values["instances"]
    return series


def study_reference(_: None, values: Values) -> Dataset:
    study = Dataset()
    study.StudyInstanceUID = values["study_uid"]
    study.ReferencedSeriesSequence = values["series"]
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
