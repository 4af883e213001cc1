"""The Structured Report of a study: TID 1500 in a Comprehensive 3D or Comprehensive SR document."""

from __future__ import annotations

from copy import deepcopy

from pydicom import Dataset
from pydicom.uid import UID, Comprehensive3DSRStorage, ComprehensiveSRStorage

from converter.errors import Unreportable
from converter.result.document import add_requests, identifying, sources_of, study_references
from converter.result.encode import add_file_meta
from converter.result.findings import StudyReport
from converter.result.provenance import add_origin, result_uid, series_description
from converter.result.report_content import report_content
from converter.result.series_numbers import OF_STUDY
from converter.result.source_attributes import Charset, SourceAttributes
from converter.result.template import Make, Values, encoded


def build_structured_report(report: StudyReport, sop_class_uid: str, charset: Charset, make: Make = encoded) -> Dataset:
    """One SR document that says all of `report`. Raises Unreportable when it has no image or mixes studies or patients.

    `sop_class_uid`: Comprehensive 3D SR or Comprehensive SR Storage; the content is the same. Patient and study
    attributes are those of the first analysed image, else of the first declined one.
    """
    if sop_class_uid == ComprehensiveSRStorage:
        return as_comprehensive(build_structured_report(report, Comprehensive3DSRStorage, charset, make))
    if sop_class_uid != Comprehensive3DSRStorage:
        raise Unreportable(f"SOP Class {sop_class_uid} is neither Comprehensive nor Comprehensive 3D SR")
    sources = sources_of(report)
    attributes = SourceAttributes.of(identifying(sources), charset)
    ds = attributes.new_result()
    _add_document(ds, report, sources, make)
    add_requests(ds, attributes)
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
        "evidence": [study_references(study, evidence, make)],
    }
    if report.predecessors:
        values["predecessors"] = [study_references(study, report.predecessors, make)]
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
    ds.SeriesNumber = OF_STUDY["sr"]
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
