"""What a report says, TID 1500: the study in a line, groups for findings and regions, and what was not analysed."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping

from pydicom import Dataset

from converter.errors import Unreportable
from converter.image.pixel_layout import stated_frames
from converter.result.film_names import film_name, film_names
from converter.result.finding_groups import FilmKind, FindingKind, RegionKind, finding_group, region_group
from converter.result.findings import AnalysedImage, Finding, Point, Region, StudyReport
from converter.result.image_library import library_entries
from converter.result.label_mark import label_mark
from converter.result.provenance import heatmap_description, result_uid
from converter.result.report_parts import Root, comment, not_attempted, report_root, summary
from converter.result.study_summary import StudyStatement, by_weight
from converter.result.template import Elements, Make, Part, Value
from converter.result.verdict import verdict_on
from converter.result.verdict_words import remarks
from converter.result.wording import percent, plain


def report_content(report: StudyReport, make: Make) -> Elements:
    """The elements of the root container."""
    groups = [make(part, kind, values) for part, kind, values in _groups(report)]
    parts: dict[str, Value] = {
        "entries": library_entries(report.sources, make),
        "evaluations": list(_evaluations(report, make)),
    }
    if groups:
        parts["groups"] = groups
    return make(report_root, Root(report.identity.device_uid, report.identity.station_name, bool(groups)), parts)


def _groups(report: StudyReport) -> Iterator[tuple[Part, Hashable, dict[str, Value]]]:
    """A group for each finding of each film, the most urgent first, and behind it one for each of its regions."""
    names = film_names(report.sources)
    for image in by_weight(report.images):
        name = names[str(image.source.SOPInstanceUID)]
        bare = [finding for finding in image.findings if not _regions(finding)]
        for finding in image.findings:
            if finding.positive != (finding.probability >= finding.threshold):
                raise Unreportable(f"finding {finding.name}: the decision contradicts probability and threshold")
            rows, columns = int(image.source.Rows), int(image.source.Columns)
            regions = _regions(finding)
            drawn = regions[0].outline if regions else label_mark(rows, columns, bare.index(finding), len(bare))
            yield _finding_group(report, image, finding, name, drawn)
            yield from _region_groups(report, image, finding, name)


def _finding_group(
    report: StudyReport, image: AnalysedImage, finding: Finding, film: str, drawn: tuple[Point, ...]
) -> tuple[Part, FindingKind, dict[str, Value]]:
    source = image.source
    values = {
        "tracking_uid": _tracking_uid(report, source, finding),
        "identifier": plain(f"{finding.concept.meaning}, {film}"),
        "polygon": drawn,
        "percentage": float(percent(finding.probability, finding.threshold)),
        "instance_uid": source.SOPInstanceUID,
        "verdict": verdict_on(finding).line,
    }
    if finding.positive and finding.where:
        values["place"] = finding.where
    heatmap = report.heatmaps.get(source.SOPInstanceUID)
    if heatmap is not None and heatmap.SeriesDescription == heatmap_description(finding, film_name(source)):
        values["heatmap_class_uid"], values["heatmap_uid"] = heatmap.SOPClassUID, heatmap.SOPInstanceUID
    place = finding.place if _regions(finding) else None
    side = None if place is None else place.side
    kind = FindingKind(report.algorithm, finding.concept, finding.threshold, finding.positive, _film_kind(source), side)
    return finding_group, kind, values


def _region_groups(
    report: StudyReport, image: AnalysedImage, finding: Finding, film: str
) -> Iterator[tuple[Part, RegionKind, dict[str, Value]]]:
    for number, region in enumerate(_regions(finding), 1):
        values: dict[str, Value] = {
            "tracking_uid": _tracking_uid(report, image.source, finding, f"region {number}"),
            "identifier": plain(f"{finding.concept.meaning}, {film}, region {number}"),
            "polygon": region.outline,
            "instance_uid": image.source.SOPInstanceUID,
        }
        if region.place is not None:
            values["place"] = region.place.words
        yield region_group, RegionKind(finding.concept, _film_kind(image.source)), values


def _regions(finding: Finding) -> tuple[Region, ...]:
    return finding.regions if finding.positive else ()


def _tracking_uid(report: StudyReport, source: Dataset, finding: Finding, *region: str) -> str:
    study = report.identity.study_instance_uid
    return result_uid("tracking", study, source.SOPInstanceUID, report.algorithm.name, finding.name, *region)


def _film_kind(source: Dataset) -> FilmKind:
    return FilmKind(str(source.SOPClassUID), (stated_frames(source) or 1) > 1)


def _evaluations(report: StudyReport, make: Make) -> Iterator[Elements]:
    """Rows 12 to 14 of TID 1500: the study in a line, what was not analysed and why, assumptions, intended use."""
    names = film_names(report.sources)
    yield make(summary, None, {"text": StudyStatement.of(report).text})
    for image in report.declined:
        reason = plain(f"Not analysed [{image.declined.code}]: {image.declined.reason}")
        yield make(not_attempted, None, {"text": reason, **_reference(image.source, names)})
    for analysed in report.images:
        for note in analysed.notes:
            yield make(comment, None, {"text": plain(note), **_reference(analysed.source, names)})
    for text in remarks(report):
        yield make(comment, None, {"text": text})


def _reference(source: Dataset, names: Mapping[str, str]) -> dict[str, Value]:
    return {
        "identifier": names[str(source.SOPInstanceUID)],
        "class_uid": source.SOPClassUID,
        "instance_uid": source.SOPInstanceUID,
    }
