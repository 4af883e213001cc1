"""Contents of studies, as the node would gather them, and every kind of result that is built from them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from pydicom import Dataset

from converter.declined import Declined
from converter.image.gray_image import IDENTITY_AFFINE
from converter.package.concept import Concept
from converter.result.findings import Finding, Point, Region
from converter.result.kinds.content import BuiltResult, Rendering, ReportedImage, ResultOptions, StudyContent
from converter.result.kinds.table import RESULT_KINDS
from converter.result.place import Place
from converter.result.source_attributes import Charset
from converter.words.catalogue import Language
from tests.support.dicom.sources import STUDY
from tests.support.results.reports import ALGORITHM, CREATED_AT, OPACITY, PNEUMONIA, a_cam, an_identity

THRESHOLD = 0.42
LOWER_RIGHT = Place(right=("lower",))


def circle(x: float, y: float, radius: float, points: int = 24) -> tuple[Point, ...]:
    """A closed contour."""
    turns = [2 * np.pi * step / points for step in range(points)]
    outline = tuple((round(x + radius * np.cos(a), 2), round(y + radius * np.sin(a), 2)) for a in turns)
    return (*outline, outline[0])


def a_spot(source: Dataset, place: Place | None = LOWER_RIGHT) -> Region:
    """A region in the lower left of the frame, which is the patient's right."""
    return Region(circle(0.3 * source.Columns, 0.65 * source.Rows, 0.12 * source.Columns), place)


def judged(
    source: Dataset,
    probability: float = 0.9512,
    concept: Concept = PNEUMONIA,
    regions: tuple[Region, ...] | None = None,
    unplaced: str = "",
) -> Finding:
    """A finding over `source`, with one spot where it is positive and nothing else is said."""
    positive = probability >= THRESHOLD
    spots = regions if regions is not None else (a_spot(source),) if positive else ()
    return Finding(concept.meaning.lower(), concept, probability, THRESHOLD, positive, regions=spots, unplaced=unplaced)


def analysed_film(source: Dataset, *findings: Finding, notes: tuple[str, ...] = ()) -> ReportedImage:
    found = findings or (judged(source),)
    cam = np.stack([a_cam() for _ in found])
    return ReportedImage(str(source.SOPInstanceUID), source, found, notes, cam, CREATED_AT)


def declined_film(source: Dataset) -> ReportedImage:
    verdict = Declined("not-frontal", "View Position is LL")
    return ReportedImage(str(source.SOPInstanceUID), source, declined=verdict)


def two_findings(source: Dataset) -> tuple[Finding, Finding]:
    """Opacity is more probable than pneumonia, and has two spots."""
    other = Region(circle(0.7 * source.Columns, 0.4 * source.Rows, 0.05 * source.Columns), Place(left=("upper",)))
    return judged(source, 0.7), judged(source, 0.9, OPACITY, (a_spot(source), other))


def a_content(
    images: Sequence[ReportedImage],
    charset: Charset = "source",
    revision: int = 1,
    predecessors: tuple[tuple[str, str, str], ...] = (),
    language: Language = "en",
) -> StudyContent:
    plain = np.full((512, 448), 96, dtype=np.uint8)
    return StudyContent(
        identity=an_identity(STUDY, revision),
        algorithm=ALGORITHM,
        images=tuple(images),
        options=ResultOptions(charset, "comprehensive_3d", heatmap_side_max=512, heatmap_for="all", language=language),
        rendering=lambda image: Rendering(plain, IDENTITY_AFFINE),
        predecessors=predecessors,
    )


def results_of(content: StudyContent, without: Sequence[str] = ()) -> Mapping[str, list[BuiltResult]]:
    """All results that a route can ask for, by kind, but those `without`."""
    built: dict[str, list[BuiltResult]] = {}
    for name, kind in RESULT_KINDS.items():
        built[name] = [] if name in without else kind.load().build(content, built)
    return built
