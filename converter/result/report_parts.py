"""The parts of a report's content tree, as highdicom builds them: TID 1500 and the templates that it includes.

Each builder takes a kind, which stays the same from report to report, and values, which do not (see template.py).
"""

from __future__ import annotations

from typing import NamedTuple, cast

import numpy as np
from highdicom.sr import (
    AlgorithmIdentification,
    CodeContentItem,
    CodedConcept,
    ContainerContentItem,
    ContentItem,
    ContentSequence,
    DeviceObserverIdentifyingAttributes,
    FindingSite,
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

from converter.package.concept import Concept
from converter.product import MANUFACTURER, MODEL_NAME
from converter.result import coding
from converter.result.findings import Algorithm
from converter.result.place import Side
from converter.result.provenance import algorithm_version
from converter.result.template import Values
from converter.result.wording import plain, threshold_percent

CONTAINS = RelationshipTypeValues.CONTAINS
HAS_CONCEPT_MOD = RelationshipTypeValues.HAS_CONCEPT_MOD
HAS_PROPERTIES = RelationshipTypeValues.HAS_PROPERTIES
INFERRED_FROM = RelationshipTypeValues.INFERRED_FROM


class Observer(NamedTuple):
    """Kind of a report's root: this node, a device."""

    uid: str
    station_name: str


class GroupKind(NamedTuple):
    """Kind of a measurement group: what the model package, the decision and the class of the image determine.

    A Concept and no Code, because two Codes that differ in nothing but their meaning are equal. `side`: of the lung
    that the finding is in, where that is known.
    """

    algorithm: Algorithm
    concept: Concept
    threshold: float
    positive: bool
    source_class_uid: str
    multi_frame: bool
    side: Side | None = None


def report_root(observer: Observer, values: Values) -> ContainerContentItem:
    """The root container of TID 1500 Measurement Report, document title 126000 (CID 7021)."""
    root = ContainerContentItem(name=coding.IMAGING_MEASUREMENT_REPORT, is_content_continuous=False, template_id="1500")
    content = ContentSequence()
    content.extend(LanguageOfContentItemAndDescendants(CodedConcept.from_code(coding.ENGLISH)))
    content.extend(_observation_context(observer))
    content.append(
        CodeContentItem(
            name=coding.PROCEDURE_REPORTED,
            value=coding.IMAGING_PROCEDURE,
            relationship_type=HAS_CONCEPT_MOD,
        )
    )
    library = _container(coding.IMAGE_LIBRARY, [_container(coding.IMAGE_LIBRARY_GROUP, values["entries"])])
    content.append(library)
    # present even when nothing was analysed: viewers look for this container before they look for anything else
    content.append(_container(coding.IMAGING_MEASUREMENTS, values.get("groups", [])))
    content.append(_container(coding.QUALITATIVE_EVALUATIONS, values["evaluations"]))
    root.ContentSequence = content
    return root


def measurement_group(kind: GroupKind, values: Values) -> ContentItem:
    """TID 1410: what was found where. Every group carries a region, because viewers draw groups by it."""
    concept = coding.finding_code(kind.concept)
    groups = PlanarROIMeasurementsAndQualitativeEvaluations(
        tracking_identifier=TrackingIdentifier(uid=values["tracking_uid"], identifier=values["identifier"]),
        referenced_region=_region(kind, values),
        finding_type=concept,
        algorithm_id=_algorithm(kind),
        finding_sites=None if kind.side is None else [FindingSite(coding.LUNG, coding.LATERALITIES[kind.side])],
        measurements=[Measurement(name=coding.PROBABILITY, value=values["percentage"], unit=coding.PERCENT)],
        qualitative_evaluations=[
            QualitativeEvaluation(name=concept, value=coding.PRESENT if kind.positive else coding.ABSENT)
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
    if "place" in values:
        group.ContentSequence.append(
            TextContentItem(name=coding.COMMENT, value=values["place"], relationship_type=CONTAINS)
        )
    if "heatmap_uid" in values:
        illustration = ImageContentItem(
            coding.ILLUSTRATION_OF_ROI,
            referenced_sop_class_uid=values["heatmap_class_uid"],
            referenced_sop_instance_uid=values["heatmap_uid"],
            relationship_type=CONTAINS,
        )
        group.ContentSequence.append(illustration)
    return cast(ContentItem, group)


def not_attempted(_: None, values: Values) -> ContentItem:
    """Row 12 of TID 1500: an image that was not analysed, with the reason."""
    item = CodeContentItem(name=coding.SUMMARY_OF_ANALYSES, value=coding.NOT_ATTEMPTED, relationship_type=CONTAINS)
    reason = TextContentItem(name=coding.COMMENT, value=values["text"], relationship_type=HAS_PROPERTIES)
    item.ContentSequence = ContentSequence([reason, _source(values)])
    return item


def comment(_: None, values: Values) -> ContentItem:
    """Row 14 of TID 1500: a remark on the report, or on one image where the values name one."""
    item = TextContentItem(name=coding.COMMENT, value=values["text"], relationship_type=CONTAINS)
    if "instance_uid" in values:
        item.ContentSequence = ContentSequence([_source(values)])
    return item


def _container(name: Code, items: list[ContentItem]) -> ContainerContentItem:
    container = ContainerContentItem(name=name, is_content_continuous=False, relationship_type=CONTAINS)
    if items:
        container.ContentSequence = ContentSequence(items)
    return container


def _observation_context(observer: Observer) -> ObservationContext:
    """TID 1001 with TID 1004: the observer is this node, a device."""
    device = DeviceObserverIdentifyingAttributes(
        uid=observer.uid,
        name=plain(observer.station_name) or MODEL_NAME,
        manufacturer_name=MANUFACTURER,
        model_name=MODEL_NAME,
        serial_number=observer.uid,
    )
    return ObservationContext(
        observer_device_context=ObserverContext(
            observer_type=CodedConcept.from_code(coding.DEVICE), observer_identifying_attributes=device
        )
    )


def _algorithm(kind: GroupKind) -> AlgorithmIdentification:
    """TID 4019: name, version with the hash of the weights, and what turned its output into a decision."""
    algorithm = kind.algorithm
    return AlgorithmIdentification(
        name=plain(algorithm.name),
        version=plain(algorithm_version(algorithm)),
        parameters=[
            plain(f"operating threshold: {threshold_percent(kind.threshold)} %"),
            plain(f"calibration: {algorithm.calibration}"),
            plain(f"preprocessing: {algorithm.preprocessing}"),
        ],
        family=coding.ARTIFICIAL_INTELLIGENCE,
    )


def _region(kind: GroupKind, values: Values) -> ImageRegion:
    return ImageRegion(
        graphic_type="POLYLINE",
        graphic_data=np.array(values["polygon"], dtype=np.float64),
        source_image=SourceImageForRegion(
            referenced_sop_class_uid=kind.source_class_uid,
            referenced_sop_instance_uid=values["instance_uid"],
            referenced_frame_numbers=[1] if kind.multi_frame else None,
        ),
    )


def _source(values: Values) -> ImageContentItem:
    return ImageContentItem(
        name=coding.SOURCE,
        referenced_sop_class_uid=values["class_uid"],
        referenced_sop_instance_uid=values["instance_uid"],
        relationship_type=INFERRED_FROM,
    )
