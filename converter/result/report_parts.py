"""The parts of a report's content tree, as highdicom builds them: TID 1500 and the templates that it includes.

Each builder takes a kind, which stays the same from report to report, and values, which do not (see template.py).
"""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

from highdicom.sr import (
    CodeContentItem,
    CodedConcept,
    ContainerContentItem,
    ContentItem,
    ContentSequence,
    DeviceObserverIdentifyingAttributes,
    ImageContentItem,
    LanguageOfContentItemAndDescendants,
    ObservationContext,
    ObserverContext,
    RelationshipTypeValues,
    TextContentItem,
)
from pydicom.sr.coding import Code

from converter.product import MANUFACTURER, MODEL_NAME
from converter.result import coding
from converter.result.template import Values
from converter.result.wording import plain

CONTAINS = RelationshipTypeValues.CONTAINS
HAS_CONCEPT_MOD = RelationshipTypeValues.HAS_CONCEPT_MOD
HAS_PROPERTIES = RelationshipTypeValues.HAS_PROPERTIES
INFERRED_FROM = RelationshipTypeValues.INFERRED_FROM


# A node is one observer for each model.
OBSERVERS_MAX = 64


class Observer(NamedTuple):
    """This node, a device."""

    uid: str
    station_name: str


class Root(NamedTuple):
    """Kind of a report's root: this node, a device, observed; `measured`: whether a film was analysed."""

    uid: str
    station_name: str
    measured: bool


def report_root(kind: Root, values: Values) -> ContainerContentItem:
    """The root container of TID 1500 Measurement Report, document title 126000 (CID 7021).

    A report without measurements has no container for them, which TID 1500 leaves to us, and a title that does not
    promise any: viewers show the text of such a document, and nothing of a measurement report that has none.
    """
    title = coding.IMAGING_MEASUREMENT_REPORT if kind.measured else coding.DIAGNOSTIC_IMAGING_REPORT
    root = ContainerContentItem(name=title, is_content_continuous=False, template_id="1500")
    content = ContentSequence()
    content.extend(language_and_observer(Observer(kind.uid, kind.station_name)))
    content.append(
        CodeContentItem(
            name=coding.PROCEDURE_REPORTED,
            value=coding.IMAGING_PROCEDURE,
            relationship_type=HAS_CONCEPT_MOD,
        )
    )
    library = _container(coding.IMAGE_LIBRARY, [_container(coding.IMAGE_LIBRARY_GROUP, values["entries"])])
    content.append(library)
    if kind.measured:
        content.append(_container(coding.IMAGING_MEASUREMENTS, values["groups"]))
    content.append(_container(coding.QUALITATIVE_EVALUATIONS, values["evaluations"]))
    root.ContentSequence = content
    return root


def summary(_: None, values: Values) -> ContentItem:
    """Row 14 of TID 1500: the report in one line."""
    return TextContentItem(name=coding.SUMMARY, value=values["text"], relationship_type=CONTAINS)


def not_attempted(_: None, values: Values) -> ContentItem:
    """Row 12 of TID 1500: an image that was not analysed, with the reason."""
    item = CodeContentItem(name=coding.SUMMARY_OF_ANALYSES, value=coding.NOT_ATTEMPTED, relationship_type=CONTAINS)
    reason = TextContentItem(name=coding.COMMENT, value=values["text"], relationship_type=HAS_PROPERTIES)
    item.ContentSequence = ContentSequence([reason, *_film(values)])
    return item


def comment(_: None, values: Values) -> ContentItem:
    """Row 14 of TID 1500: a remark on the report, or on one image where the values name one."""
    item = TextContentItem(name=coding.COMMENT, value=values["text"], relationship_type=CONTAINS)
    if "instance_uid" in values:
        item.ContentSequence = ContentSequence(_film(values))
    return item


@lru_cache(OBSERVERS_MAX)
def language_and_observer(observer: Observer) -> tuple[ContentItem, ...]:
    """What every document begins with: its language (TID 1204), and who says all this (TID 1001)."""
    language = LanguageOfContentItemAndDescendants(CodedConcept.from_code(coding.ENGLISH))
    return *language, *_observation_context(observer)


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


def _film(values: Values) -> list[ContentItem]:
    """The film that an item is about: its name, and the reference."""
    name = TextContentItem(
        name=coding.TRACKING_IDENTIFIER, value=values["identifier"], relationship_type=HAS_PROPERTIES
    )
    reference = ImageContentItem(
        name=coding.SOURCE,
        referenced_sop_class_uid=values["class_uid"],
        referenced_sop_instance_uid=values["instance_uid"],
        relationship_type=INFERRED_FROM,
    )
    return [name, reference]
