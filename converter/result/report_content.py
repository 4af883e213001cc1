"""What a report says, TID 1500: a measurement group per finding and image, and what was not analysed."""

from __future__ import annotations

from collections.abc import Iterator

from pydicom import Dataset

from converter.declined import OTHER_PATIENT
from converter.errors import Unreportable
from converter.image.pixel_layout import stated_frames
from converter.result import coding
from converter.result.film_names import film_name
from converter.result.findings import AnalysedImage, Finding, StudyReport
from converter.result.image_library import library_entries
from converter.result.provenance import heatmap_description, result_uid
from converter.result.regions import whole_frame
from converter.result.report_parts import GroupKind, Observer, comment, measurement_group, not_attempted, report_root
from converter.result.template import Elements, Make, Value
from converter.result.wording import percent, plain

NOTICE = "Research use only. Not for diagnosis. Output of an algorithm that no physician has verified."


def report_content(report: StudyReport, make: Make) -> Elements:
    """The elements of the root container."""
    parts = {
        "entries": library_entries(report.sources, make),
        "groups": [make(measurement_group, kind, values) for kind, values in _measurement_groups(report)],
        "evaluations": list(_evaluations(report, make)),
    }
    if not parts["groups"]:
        del parts["groups"]
    return make(report_root, Observer(report.identity.device_uid, report.identity.station_name), parts)


def _measurement_groups(report: StudyReport) -> Iterator[tuple[GroupKind, dict[str, Value]]]:
    for number, image in enumerate(report.images, 1):
        for finding in image.findings:
            yield _measurement_group(report, number, image, finding)


def _measurement_group(
    report: StudyReport, number: int, image: AnalysedImage, finding: Finding
) -> tuple[GroupKind, dict[str, Value]]:
    if finding.positive != (finding.probability >= finding.threshold):
        raise Unreportable(f"finding {finding.name}: the decision contradicts probability and threshold")
    source = image.source
    # SCOORD of the attention of a positive finding, of the whole frame for any other
    region = finding.regions[0].outline if finding.positive and finding.regions else None
    values = {
        "tracking_uid": result_uid(
            "tracking", report.identity.study_instance_uid, source.SOPInstanceUID, report.algorithm.name, finding.name
        ),
        "identifier": f"{coding.finding_code(finding.concept).meaning}, image {number}",
        "polygon": region or whole_frame((int(source.Rows), int(source.Columns))),
        "percentage": float(percent(finding.probability, finding.threshold)),
        "instance_uid": source.SOPInstanceUID,
    }
    heatmap = report.heatmaps.get(source.SOPInstanceUID)
    if heatmap is not None and heatmap.SeriesDescription == heatmap_description(finding, film_name(source)):
        values["heatmap_class_uid"], values["heatmap_uid"] = heatmap.SOPClassUID, heatmap.SOPInstanceUID
    place = finding.place if region is not None else None
    if place is not None:
        values["place"] = place.words
    multi_frame = (stated_frames(source) or 1) > 1
    kind = GroupKind(
        report.algorithm,
        finding.concept,
        finding.threshold,
        finding.positive,
        str(source.SOPClassUID),
        multi_frame,
        None if place is None else place.side,
    )
    return kind, values


def _evaluations(report: StudyReport, make: Make) -> Iterator[Elements]:
    """Rows 12 to 14 of TID 1500: images that were not analysed and why, assumptions, intended use."""
    for image in report.declined:
        reason = plain(f"Not analysed [{image.declined.code}]: {image.declined.reason}")
        yield make(not_attempted, None, {"text": reason, **_reference(image.source)})
    for analysed in report.images:
        for note in analysed.notes:
            yield make(comment, None, {"text": plain(note), **_reference(analysed.source)})
    if report.left_out:
        count = len(report.left_out)
        images = (
            "1 image of another patient in this study was" if count == 1 else f"{count} images of another patient were"
        )
        yield make(comment, None, {"text": f"{images} left out [{OTHER_PATIENT}]: {', '.join(report.left_out)}"})
    if report.gone:
        count = len(report.gone)
        images = "1 earlier image of this study is" if count == 1 else f"{count} earlier images of this study are"
        text = f"{images} not part of this report, removed from this device by then: {', '.join(report.gone)}"
        yield make(comment, None, {"text": text})
    yield make(comment, None, {"text": f"{NOTICE} Intended use: {plain(report.algorithm.intended_use)}"})


def _reference(source: Dataset) -> dict[str, Value]:
    return {"class_uid": source.SOPClassUID, "instance_uid": source.SOPInstanceUID}
