"""The content tree of a report, TID 1500: a measurement group per finding and image, and what was not analysed."""

from __future__ import annotations

from typing import cast

import numpy as np
from highdicom.sr import (
    AlgorithmIdentification,
    CodeContentItem,
    CodedConcept,
    ContainerContentItem,
    ContentItem,
    ContentSequence,
    DeviceObserverIdentifyingAttributes,
    ImageContentItem,
    ImageRegion,
    LanguageOfContentItemAndDescendants,
    Measurement,
    ObservationContext,
    ObserverContext,
    PlanarROIMeasurementsAndQualitativeEvaluations,
    QualitativeEvaluation,
    RelationshipTypeValues,
    SourceImageForRegion,
    TextContentItem,
    TrackingIdentifier,
)
from pydicom import Dataset
from pydicom.sr.coding import Code

from converter.errors import Unreportable
from converter.product import MANUFACTURER, MODEL_NAME
from converter.result import coding
from converter.result.findings import Algorithm, AnalysedImage, DeclinedImage, Finding, ReportIdentity, StudyReport
from converter.result.image_library import image_library
from converter.result.provenance import algorithm_version, heatmap_description, result_uid
from converter.result.regions import whole_frame
from converter.result.wording import percent, plain, threshold_percent

NOTICE = "Research use only. Not for diagnosis. Output of an algorithm that no physician has verified."

CONTAINS = RelationshipTypeValues.CONTAINS
HAS_CONCEPT_MOD = RelationshipTypeValues.HAS_CONCEPT_MOD
HAS_PROPERTIES = RelationshipTypeValues.HAS_PROPERTIES
INFERRED_FROM = RelationshipTypeValues.INFERRED_FROM


def report_content(report: StudyReport) -> ContainerContentItem:
    """The root container of TID 1500 Measurement Report, document title 126000 (CID 7021)."""
    root = ContainerContentItem(name=coding.IMAGING_MEASUREMENT_REPORT, is_content_continuous=False, template_id="1500")
    content = ContentSequence()
    content.extend(LanguageOfContentItemAndDescendants(CodedConcept.from_code(coding.ENGLISH)))
    content.extend(_observation_context(report.identity))
    content.append(
        CodeContentItem(
            name=coding.PROCEDURE_REPORTED,
            value=coding.IMAGING_PROCEDURE,
            relationship_type=HAS_CONCEPT_MOD,
        )
    )
    content.append(image_library(report.sources))
    # present even when nothing was analysed: viewers look for this container before they look for anything else
    content.append(_container(coding.IMAGING_MEASUREMENTS, _measurement_groups(report)))
    content.append(_container(coding.QUALITATIVE_EVALUATIONS, _evaluations(report)))
    root.ContentSequence = content
    return root


def _container(name: Code, items: list[ContentItem]) -> ContainerContentItem:
    container = ContainerContentItem(name=name, is_content_continuous=False, relationship_type=CONTAINS)
    if items:
        container.ContentSequence = ContentSequence(items)
    return container


def _observation_context(identity: ReportIdentity) -> ObservationContext:
    """TID 1001 with TID 1004: the observer is this node, a device."""
    device = DeviceObserverIdentifyingAttributes(
        uid=identity.device_uid,
        name=plain(identity.station_name) or MODEL_NAME,
        manufacturer_name=MANUFACTURER,
        model_name=MODEL_NAME,
        serial_number=identity.device_uid,
    )
    return ObservationContext(
        observer_device_context=ObserverContext(
            observer_type=CodedConcept.from_code(coding.DEVICE), observer_identifying_attributes=device
        )
    )


def _measurement_groups(report: StudyReport) -> list[ContentItem]:
    return [
        _measurement_group(report, number, image, finding)
        for number, image in enumerate(report.images, 1)
        for finding in image.findings
    ]


def _measurement_group(report: StudyReport, number: int, image: AnalysedImage, finding: Finding) -> ContentItem:
    """TID 1410: what was found where. Every group carries a region, because viewers draw groups by it."""
    if finding.positive != (finding.probability >= finding.threshold):
        raise Unreportable(f"finding {finding.name}: the decision contradicts probability and threshold")
    concept = coding.finding_code(finding.concept)
    source = image.source
    tracking_uid = result_uid(
        "tracking", report.identity.study_instance_uid, source.SOPInstanceUID, report.algorithm.name, finding.name
    )
    groups = PlanarROIMeasurementsAndQualitativeEvaluations(
        tracking_identifier=TrackingIdentifier(uid=tracking_uid, identifier=f"{concept.meaning}, image {number}"),
        referenced_region=_region(source, finding),
        finding_type=concept,
        algorithm_id=_algorithm(report.algorithm, finding),
        measurements=[
            Measurement(
                name=coding.PROBABILITY,
                value=float(percent(finding.probability, finding.threshold)),
                unit=coding.PERCENT,
            )
        ],
        qualitative_evaluations=[
            QualitativeEvaluation(name=concept, value=coding.PRESENT if finding.positive else coding.ABSENT)
        ],
    )
    group: Dataset = groups[0]
    group.ContinuityOfContent = "SEPARATE"
    # TID 1419 row 1 is a concept modifier; highdicom would write it as contained
    group.ContentSequence.append(
        CodeContentItem(
            name=coding.MEASUREMENT_METHOD, value=coding.CLASS_ACTIVATION, relationship_type=HAS_CONCEPT_MOD
        )
    )
    heatmap = report.heatmaps.get(source.SOPInstanceUID)
    if heatmap is not None and heatmap.SeriesDescription == heatmap_description(finding):
        group.ContentSequence.append(_image(heatmap, coding.ILLUSTRATION_OF_ROI, CONTAINS))
    return cast(ContentItem, group)


def _algorithm(algorithm: Algorithm, finding: Finding) -> AlgorithmIdentification:
    """TID 4019: name, version with the hash of the weights, and what turned its output into a decision."""
    return AlgorithmIdentification(
        name=plain(algorithm.name),
        version=plain(algorithm_version(algorithm)),
        parameters=[
            plain(f"operating threshold: {threshold_percent(finding.threshold)} %"),
            plain(f"calibration: {algorithm.calibration}"),
            plain(f"preprocessing: {algorithm.preprocessing}"),
        ],
        family=coding.ARTIFICIAL_INTELLIGENCE,
    )


def _region(source: Dataset, finding: Finding) -> ImageRegion:
    """SCOORD of the attention of a positive finding, of the whole frame for any other."""
    region = finding.region if finding.positive and finding.region else None
    points = region or whole_frame((int(source.Rows), int(source.Columns)))
    return ImageRegion(
        graphic_type="POLYLINE",
        graphic_data=np.array(points, dtype=np.float64),
        source_image=SourceImageForRegion(
            referenced_sop_class_uid=source.SOPClassUID,
            referenced_sop_instance_uid=source.SOPInstanceUID,
            referenced_frame_numbers=[1] if int(source.get("NumberOfFrames") or 1) > 1 else None,
        ),
    )


def _evaluations(report: StudyReport) -> list[ContentItem]:
    """Rows 12 to 14 of TID 1500: images that were not analysed and why, assumptions, intended use."""
    items: list[ContentItem] = [_not_attempted(declined) for declined in report.declined]
    for image in report.images:
        for note in image.notes:
            items.append(_comment(plain(note), CONTAINS, image.source))
    items.append(_comment(f"{NOTICE} Intended use: {plain(report.algorithm.intended_use)}", CONTAINS))
    return items


def _not_attempted(image: DeclinedImage) -> ContentItem:
    item = CodeContentItem(name=coding.SUMMARY_OF_ANALYSES, value=coding.NOT_ATTEMPTED, relationship_type=CONTAINS)
    reason = plain(f"Not analysed [{image.declined.code}]: {image.declined.reason}")
    item.ContentSequence = ContentSequence(
        [_comment(reason, HAS_PROPERTIES), _image(image.source, coding.SOURCE, INFERRED_FROM)]
    )
    return item


def _comment(text: str, relationship: RelationshipTypeValues, source: Dataset | None = None) -> ContentItem:
    item = TextContentItem(name=coding.COMMENT, value=text, relationship_type=relationship)
    if source is not None:
        item.ContentSequence = ContentSequence([_image(source, coding.SOURCE, INFERRED_FROM)])
    return item


def _image(ds: Dataset, name: Code, relationship: RelationshipTypeValues) -> ImageContentItem:
    return ImageContentItem(
        name=name,
        referenced_sop_class_uid=ds.SOPClassUID,
        referenced_sop_instance_uid=ds.SOPInstanceUID,
        relationship_type=relationship,
    )
