"""What every document over a study has: whose it is, which objects it refers to, which request it answers."""

from __future__ import annotations

from collections.abc import Iterable

from pydicom import Dataset

from converter.errors import Unreportable
from converter.result.findings import StudyReport
from converter.result.identity import patient_of
from converter.result.patient import of_one_patient
from converter.result.source_attributes import SourceAttributes, stored_text
from converter.result.template import Elements, Make, Values

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


def sources_of(report: StudyReport) -> list[Dataset]:
    """Its images. Raises Unreportable when it has none, or when it mixes studies or patients."""
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


def identifying(sources: list[Dataset]) -> Dataset:
    """The first image that states a Patient ID, else the first that names its patient at all."""
    with_id = (source for source in sources if stored_text(source, "PatientID"))
    return next(with_id, None) or next(filter(_names_patient, sources), sources[0])


def study_references(study_instance_uid: str, references: Iterable[tuple[str, str, str]], make: Make) -> Elements:
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


def add_requests(ds: Dataset, attributes: SourceAttributes) -> None:
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
