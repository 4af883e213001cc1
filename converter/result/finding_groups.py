"""The measurement groups of a report: one of TID 1501 for each finding of each film, which carries the verdict and the
probability, and one of TID 1410 for each of its regions, which carries neither.

Who counts findings counts the groups that have a Probability. OHIF writes the comments of a group beside the SCOORD
below its NUM, but only where the group has no SCOORD of its own, and it draws nothing of a report in which a group has
neither; hence the two kinds.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, cast

import numpy as np
from highdicom.sr import (
    AlgorithmIdentification,
    CodeContentItem,
    ContentItem,
    CoordinatesForMeasurement,
    FindingSite,
    ImageContentItem,
    ImageRegion,
    Measurement,
    MeasurementsAndQualitativeEvaluations,
    PlanarROIMeasurementsAndQualitativeEvaluations,
    QualitativeEvaluation,
    RelationshipTypeValues,
    SourceImageForMeasurementGroup,
    SourceImageForRegion,
    TextContentItem,
    TrackingIdentifier,
)
from pydicom import Dataset

from converter.package.concept import Concept
from converter.result import coding
from converter.result.findings import Algorithm
from converter.result.place import Side
from converter.result.provenance import algorithm_version
from converter.result.template import Values
from converter.result.wording import plain, threshold_percent

CONTAINS = RelationshipTypeValues.CONTAINS
HAS_CONCEPT_MOD = RelationshipTypeValues.HAS_CONCEPT_MOD


class FilmKind(NamedTuple):
    """What a reference to a film needs beside its UID."""

    class_uid: str
    multi_frame: bool


class FindingKind(NamedTuple):
    """Kind of the group of a finding: what the model package, the decision and the class of the image determine.

    A Concept and no Code, because two Codes that differ in nothing but their meaning are equal. `side`: of the lung
    that the finding is in, where that is known.
    """

    algorithm: Algorithm
    concept: Concept
    threshold: float
    positive: bool
    film: FilmKind
    side: Side | None = None


class RegionKind(NamedTuple):
    """Kind of the group of a region."""

    concept: Concept
    film: FilmKind


def finding_group(kind: FindingKind, values: Values) -> ContentItem:
    """TID 1501: what was found on a film, how probable it is and what was decided; below the number the first region,
    or, where there is none, the mark beside which viewers write."""
    concept = coding.finding_code(kind.concept)
    coordinates = CoordinatesForMeasurement("POLYLINE", _points(values["polygon"]), _film(kind.film, values))
    probability = Measurement(
        name=coding.PROBABILITY,
        value=values["percentage"],
        unit=coding.PERCENT,
        referenced_coordinates=[coordinates],
    )
    groups = MeasurementsAndQualitativeEvaluations(
        tracking_identifier=TrackingIdentifier(uid=values["tracking_uid"], identifier=values["identifier"]),
        finding_type=concept,
        algorithm_id=_algorithm(kind),
        finding_sites=None if kind.side is None else [FindingSite(coding.LUNG, coding.LATERALITIES[kind.side])],
        measurements=[probability],
        qualitative_evaluations=[
            QualitativeEvaluation(name=concept, value=coding.PRESENT if kind.positive else coding.ABSENT)
        ],
        source_images=[
            SourceImageForMeasurementGroup(kind.film.class_uid, values["instance_uid"], _frames(kind.film)),
        ],
    )
    group = _finished(groups, values, ("verdict", "place"))
    if "heatmap_uid" in values:
        illustration = ImageContentItem(
            coding.ILLUSTRATION_OF_ROI,
            referenced_sop_class_uid=values["heatmap_class_uid"],
            referenced_sop_instance_uid=values["heatmap_uid"],
            relationship_type=CONTAINS,
        )
        group.ContentSequence.append(illustration)
    return cast(ContentItem, group)


def region_group(kind: RegionKind, values: Values) -> ContentItem:
    """TID 1410: a region of a finding. Its side is in words: OHIF would write the code of a Finding Site beside it."""
    groups = PlanarROIMeasurementsAndQualitativeEvaluations(
        tracking_identifier=TrackingIdentifier(uid=values["tracking_uid"], identifier=values["identifier"]),
        referenced_region=ImageRegion("POLYLINE", _points(values["polygon"]), _film(kind.film, values)),
        finding_type=coding.finding_code(kind.concept),
    )
    return cast(ContentItem, _finished(groups, values, ("place",)))


def _finished(groups: Sequence[Dataset], values: Values, comments: Sequence[str]) -> Dataset:
    """The group with its method, and with those of its `comments` that there are."""
    group = groups[0]
    group.ContinuityOfContent = "SEPARATE"
    # the method is a concept modifier (TID 1501, TID 1419 row 1); highdicom would write it as contained
    group.ContentSequence.append(
        CodeContentItem(
            name=coding.MEASUREMENT_METHOD, value=coding.CLASS_ACTIVATION, relationship_type=HAS_CONCEPT_MOD
        )
    )
    for name in comments:
        if name in values:
            group.ContentSequence.append(
                TextContentItem(name=coding.COMMENT, value=values[name], relationship_type=CONTAINS)
            )
    return group


def _algorithm(kind: FindingKind) -> AlgorithmIdentification:
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


def _points(polygon: Sequence[tuple[float, float]]) -> np.ndarray[tuple[int, int], np.dtype[np.float64]]:
    return np.array(polygon, dtype=np.float64)


def _film(film: FilmKind, values: Values) -> SourceImageForRegion:
    return SourceImageForRegion(film.class_uid, values["instance_uid"], _frames(film))


def _frames(film: FilmKind) -> list[int] | None:
    return [1] if film.multi_frame else None
