"""The verdicts of a study in sentences: a Basic Text SR, for archives and viewers that read no measurements."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from highdicom.sr import (
    ContainerContentItem,
    ContentItem,
    ContentSequence,
    ImageContentItem,
    TextContentItem,
)
from pydicom import Dataset
from pydicom.sr.coding import Code
from pydicom.uid import BasicTextSRStorage

from converter.result import coding
from converter.result.document import add_requests, identifying, sources_of, study_references
from converter.result.encode import add_file_meta
from converter.result.film_names import film_names
from converter.result.findings import StudyReport
from converter.result.provenance import add_origin, result_uid, series_description
from converter.result.report_parts import CONTAINS, INFERRED_FROM, Observer, language_and_observer
from converter.result.series_numbers import OF_STUDY
from converter.result.source_attributes import Charset, SourceAttributes
from converter.result.structured_report import document
from converter.result.study_summary import StudyStatement
from converter.result.template import Elements, Make, Values, encoded
from converter.result.verdict_words import film_sentence, not_analysed_sentence, remarks
from converter.result.wording import plain

# Title and headings (CID 7000, CID 7001), and what stands below them (CID 7002).
IMPRESSIONS = Code("19005-8", "LN", "Impressions")
FINDINGS = Code("59776-5", "LN", "Findings")
CONCLUSIONS = Code("55110-1", "LN", "Conclusions")
IMPRESSION = Code("121073", "DCM", "Impression")
CONCLUSION = Code("121077", "DCM", "Conclusion")


class TextSection(NamedTuple):
    """Kind of a section: the values of its heading and of what stands below it."""

    heading: str
    item: str


HEADINGS: dict[str, Code] = {code.value: code for code in (IMPRESSIONS, FINDINGS, CONCLUSIONS)}
ITEMS: dict[str, Code] = {code.value: code for code in (IMPRESSION, coding.FINDING, CONCLUSION)}
VERDICT = TextSection(IMPRESSIONS.value, IMPRESSION.value)
FILMS = TextSection(FINDINGS.value, coding.FINDING.value)
LIMITS = TextSection(CONCLUSIONS.value, CONCLUSION.value)


def build_text_report(report: StudyReport, charset: Charset, make: Make = encoded) -> Dataset:
    """TID 2000 in a Basic Text SR (PS3.3 A.35.1): the verdict on the study, each film in a sentence, what was not
    analysed, and for whom this is not. Neither number nor coordinate stands in it."""
    sources = sources_of(report)
    attributes = SourceAttributes.of(identifying(sources), charset)
    ds = attributes.new_result()
    _add_document(ds, report, sources, make)
    add_requests(ds, attributes)
    sections = [
        _section(VERDICT, [make(sentence, VERDICT.item, {"text": StudyStatement.of(report).text})], make),
        _section(FILMS, list(_films(report, make)), make),
        _section(LIMITS, [make(sentence, LIMITS.item, {"text": text}) for text in remarks(report)], make),
    ]
    observer = Observer(report.identity.device_uid, report.identity.station_name)
    for element in make(narrative, None, {"groups": [*language_and_observer(observer), *sections]}):
        ds[element.tag] = element
    add_file_meta(ds)
    return ds


def narrative(_: None, values: Values) -> ContainerContentItem:
    """The root container of TID 2000 Basic Diagnostic Imaging Report."""
    title = coding.DIAGNOSTIC_IMAGING_REPORT
    container = ContainerContentItem(name=title, is_content_continuous=False, template_id="2000")
    container.ContentSequence = ContentSequence(values["groups"])
    return container


def section(kind: TextSection, values: Values) -> ContentItem:
    container = ContainerContentItem(
        name=HEADINGS[kind.heading], is_content_continuous=False, relationship_type=CONTAINS
    )
    container.ContentSequence = ContentSequence(values["entries"])
    return container


def sentence(item: str, values: Values) -> ContentItem:
    """One sentence, on one film where the values name it."""
    text = TextContentItem(name=ITEMS[item], value=values["text"], relationship_type=CONTAINS)
    if "instance_uid" in values:
        film = ImageContentItem(
            name=coding.SOURCE,
            referenced_sop_class_uid=values["class_uid"],
            referenced_sop_instance_uid=values["instance_uid"],
            relationship_type=INFERRED_FROM,
        )
        text.ContentSequence = ContentSequence([film])
    return text


def _section(kind: TextSection, entries: list[Elements], make: Make) -> Elements:
    return make(section, kind, {"entries": entries})


def _films(report: StudyReport, make: Make) -> Iterator[Elements]:
    """The films that were analysed, with what was assumed; then those that were not, and why."""
    names = film_names(report.sources)
    for image in report.images:
        name = names[str(image.source.SOPInstanceUID)]
        notes = "".join(f" Note: {plain(note)}." for note in image.notes)
        yield _on_film(f"{film_sentence(name, image)}{notes}", image.source, make)
    for declined in report.declined:
        name = names[str(declined.source.SOPInstanceUID)]
        yield _on_film(not_analysed_sentence(name, declined), declined.source, make)


def _on_film(text: str, source: Dataset, make: Make) -> Elements:
    reference = {"class_uid": source.SOPClassUID, "instance_uid": source.SOPInstanceUID}
    return make(sentence, FILMS.item, {"text": text, **reference})


def _add_document(ds: Dataset, report: StudyReport, sources: list[Dataset], make: Make) -> None:
    """SR Document Series and SR Document General (PS3.3 C.17.1, C.17.2)."""
    identity, algorithm = report.identity, report.algorithm
    study, model = identity.study_instance_uid, (algorithm.name, algorithm.version)
    images = ",".join(str(source.SOPInstanceUID) for source in sources)
    evidence = [(one.SOPClassUID, one.SOPInstanceUID, one.SeriesInstanceUID) for one in sources]
    values = {
        "instance_uid": result_uid(study, images, *model, "text sr", BasicTextSRStorage, str(identity.revision)),
        "study_uid": study,
        "series_uid": result_uid(study, *model, "text sr series"),
        "instance_number": max(1, identity.revision),
        "evidence": [study_references(study, evidence, make)],
    }
    if report.predecessors:
        values["predecessors"] = [study_references(study, report.predecessors, make)]
    for element in make(text_document, algorithm.name, values):
        ds[element.tag] = element
    add_origin(ds, identity, algorithm, make)


def text_document(algorithm_name: str, values: Values) -> Dataset:
    """As the report of measurements has them, in its own class and series."""
    ds = document(algorithm_name, values)
    ds.SOPClassUID = BasicTextSRStorage
    ds.SeriesNumber = OF_STUDY["text_sr"]
    ds.SeriesDescription = series_description(algorithm_name, " in sentences")
    return ds
