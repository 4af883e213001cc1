"""The Key Object Selection of a study: the films with a finding that is present, and the results over them; and the one
that rejects results with data of the patient that were corrected."""

from __future__ import annotations

from collections.abc import Iterable

from highdicom.sr import (
    CompositeContentItem,
    ContainerContentItem,
    ContentItem,
    ContentSequence,
    ImageContentItem,
    TextContentItem,
)
from pydicom import Dataset
from pydicom.sr.coding import Code
from pydicom.uid import KeyObjectSelectionDocumentStorage, SecondaryCaptureImageStorage

from converter.image.pixel_layout import stated_frames
from converter.result import coding
from converter.result.document import add_requests, identifying, sources_of, study_references
from converter.result.encode import add_file_meta
from converter.result.findings import StudyReport
from converter.result.labels import RESEARCH_LINE
from converter.result.provenance import add_origin, result_uid, series_description
from converter.result.report_parts import CONTAINS, Observer, language_and_observer
from converter.result.series_numbers import OF_STUDY
from converter.result.source_attributes import Charset, SourceAttributes
from converter.result.study_summary import StudyStatement
from converter.result.template import Elements, Make, Values, encoded

REJECTED = "Results with data of the patient that were corrected since"
OF_INTEREST = Code("113000", "DCM", "Of Interest")
INCORRECT_ENTRY = Code("113038", "DCM", "Incorrect Modality Worklist Entry")
TITLES: dict[str, Code] = {code.value: code for code in (OF_INTEREST, INCORRECT_ENTRY)}
KEY_OBJECT_DESCRIPTION = Code("113012", "DCM", "Key Object Description")


def build_key_objects(
    report: StudyReport, results: Iterable[Dataset], charset: Charset, make: Make = encoded
) -> Dataset:
    """TID 2010 with the title Of Interest (CID 7010). `results`: what it refers to beside the films, each of its own
    SOP class; one with pixels as an image."""
    sources = sources_of(report)
    positive = [image.source for image in report.images if any(finding.positive for finding in image.findings)]
    objects = [*positive, *results]
    attributes = SourceAttributes.of(identifying(sources), charset)
    ds = attributes.new_result()
    _add_document(ds, report, objects, make)
    ds.SeriesNumber = OF_STUDY["kos"]
    ds.SeriesDescription = series_description("key objects", f" - {report.algorithm.name}")
    add_requests(ds, attributes)
    words = {"text": f"{StudyStatement.of(report).text} {RESEARCH_LINE}."}
    entries = [
        *language_and_observer(Observer(report.identity.device_uid, report.identity.station_name)),
        make(description, None, words),
        *(_entry(one, make) for one in objects),
    ]
    for element in make(selection, OF_INTEREST.value, {"entries": entries}):
        ds[element.tag] = element
    add_file_meta(ds)
    return ds


def selection(title: str, values: Values) -> ContainerContentItem:
    """The root container of TID 2010 Key Object Selection, under a title of CID 7010 or CID 7011."""
    container = ContainerContentItem(name=TITLES[title], is_content_continuous=False, template_id="2010")
    container.ContentSequence = ContentSequence(values["entries"])
    return container


def description(_: None, values: Values) -> ContentItem:
    return TextContentItem(name=KEY_OBJECT_DESCRIPTION, value=values["text"], relationship_type=CONTAINS)


def build_rejection_note(
    report: StudyReport, rejected: Iterable[tuple[str, str, str]], charset: Charset, make: Make = encoded
) -> Dataset:
    """TID 2010 with the title Incorrect Modality Worklist Entry (CID 7011), as IHE Imaging Object Change Management has
    it: `rejected`, (SOP class, SOP instance, series) of results with data of the patient that were corrected since."""
    objects = [_referred(*one) for one in rejected]
    attributes = SourceAttributes.of(identifying(sources_of(report)), charset)
    ds = attributes.new_result()
    _add_document(ds, report, objects, make, "rejection note")
    ds.SeriesNumber = OF_STUDY["rejection"]
    ds.SeriesDescription = series_description("rejection note", f" - {report.algorithm.name}")
    add_requests(ds, attributes)
    entries = [
        *language_and_observer(Observer(report.identity.device_uid, report.identity.station_name)),
        make(description, None, {"text": f"{REJECTED}; report {report.identity.revision} takes their place."}),
        *(_entry(one, make) for one in objects),
    ]
    for element in make(selection, INCORRECT_ENTRY.value, {"entries": entries}):
        ds[element.tag] = element
    add_file_meta(ds)
    return ds


def _referred(sop_class_uid: str, sop_instance_uid: str, series_instance_uid: str) -> Dataset:
    """As much of a result as a reference to it needs; one with pixels has rows."""
    ds = Dataset()
    ds.SOPClassUID, ds.SOPInstanceUID, ds.SeriesInstanceUID = sop_class_uid, sop_instance_uid, series_instance_uid
    if sop_class_uid == SecondaryCaptureImageStorage:
        ds.Rows = 1
    return ds


def _add_document(ds: Dataset, report: StudyReport, objects: list[Dataset], make: Make, what: str = "kos") -> None:
    """Key Object Document Series and Key Object Document (PS3.3 C.17.6.1, C.17.6.2). `what`: part of its UIDs."""
    identity, algorithm = report.identity, report.algorithm
    study, model = identity.study_instance_uid, (algorithm.name, algorithm.version)
    named = ",".join(str(one.SOPInstanceUID) for one in objects)
    ds.SOPClassUID = KeyObjectSelectionDocumentStorage
    ds.SOPInstanceUID = result_uid(study, named, *model, what, str(identity.revision))
    ds.StudyInstanceUID = study
    # every revision joins the same series, as those of the report do
    ds.SeriesInstanceUID = result_uid(study, *model, f"{what} series")
    ds.Modality = "KO"
    ds.ReferencedPerformedProcedureStepSequence = []
    ds.InstanceNumber = max(1, identity.revision)
    evidence = [(one.SOPClassUID, one.SOPInstanceUID, one.SeriesInstanceUID) for one in objects]
    for element in make(evidence_of, None, {"evidence": [study_references(study, evidence, make)]}):
        ds[element.tag] = element
    add_origin(ds, identity, algorithm, make)


def evidence_of(_: None, values: Values) -> Dataset:
    ds = Dataset()
    ds.CurrentRequestedProcedureEvidenceSequence = values["evidence"]
    return ds


def _entry(one: Dataset, make: Make) -> Elements:
    multi_frame = (stated_frames(one) or 1) > 1
    part = image_entry if "Rows" in one else document_entry
    return make(part, multi_frame, {"class_uid": one.SOPClassUID, "instance_uid": one.SOPInstanceUID})


def image_entry(multi_frame: bool, values: Values) -> ContentItem:
    return _nameless(
        ImageContentItem(
            name=coding.SOURCE,
            referenced_sop_class_uid=values["class_uid"],
            referenced_sop_instance_uid=values["instance_uid"],
            referenced_frame_numbers=[1] if multi_frame else None,
            relationship_type=CONTAINS,
        )
    )


def document_entry(_: bool, values: Values) -> ContentItem:
    return _nameless(
        CompositeContentItem(
            name=coding.SOURCE,
            referenced_sop_class_uid=values["class_uid"],
            referenced_sop_instance_uid=values["instance_uid"],
            relationship_type=CONTAINS,
        )
    )


def _nameless(item: ContentItem) -> ContentItem:
    """Rows 7 to 9 of TID 2010 have no concept name, which highdicom cannot leave out."""
    del item.ConceptNameCodeSequence
    return item
