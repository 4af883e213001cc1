"""The Grayscale Softcopy Presentation State of a film: outlines and a short text that a viewer can switch off."""

from __future__ import annotations

import re
from collections.abc import Sequence

from pydicom import Dataset
from pydicom.uid import UID

from converter.image.header import numbers, word
from converter.image.pixel_layout import stated_frames
from converter.image.sop_classes import is_sectional
from converter.result.encode import add_file_meta
from converter.result.film_names import film_name
from converter.result.findings import Algorithm, AnalysedImage, Finding, Point, ReportIdentity, where_in_words
from converter.result.labels import RESEARCH_LINE
from converter.result.provenance import add_origin, result_uid, series_description
from converter.result.secondary_capture import SERIES, complete_body_part
from converter.result.series_numbers import film_series_number
from converter.result.softcopy import softcopy_grayscale
from converter.result.source_attributes import Charset, SourceAttributes
from converter.result.template import encoded
from converter.result.verdict import verdict_on
from converter.result.verdict_words import ordered
from converter.result.wording import plain
from converter.words.catalogue import ENGLISH, Words

GRAYSCALE_SOFTCOPY_PRESENTATION_STATE = UID("1.2.840.10008.5.1.4.1.1.11.1")
CONTENT_LABEL = "AI FINDINGS"
TEXT_LAYER = "AI TEXT"
# Of the displayed area, from its upper left corner. Viewers write into all four corners, and into the middle of the
# upper, left and right edge which way the patient lies: the middle of the lower edge is free, and below the lungs.
TEXT_LEFT, TEXT_RIGHT, TEXT_BOTTOM, TEXT_LINE = 0.2, 0.8, 0.98, 0.03
TEXT_LINES_MAX = 8
# Orange (230, 159, 0), which colour-blind readers tell from gray, as CIELab of 16 bits (PS3.3 C.10.7.1.1); and white.
LAYER_CIELAB, LAYER_GRAY = (46273, 37131, 52089), 0xFFFF
ASPECT_UNITS = 10000


def has_outlines(image: AnalysedImage) -> bool:
    """Whether anything is present in it that has a place."""
    return any(finding.positive and finding.regions for finding in image.findings)


def build_presentation_state(
    image: AnalysedImage,
    number: int,
    identity: ReportIdentity,
    algorithm: Algorithm,
    charset: Charset,
    say: Words = ENGLISH,
) -> Dataset | None:
    """The state (PS3.3 A.33.1): the film as its header shows it, the outlines of each finding that is present in a
    layer of their own, the verdict in another. `number`: of its film among those of the study. `say`: the language of
    the verdict, which is in English where the character set of the state lacks a letter of it. None where the grayscale
    of the film cannot be repeated."""
    source = image.source
    grayscale = softcopy_grayscale(source)
    if grayscale is None:
        return None
    attributes = SourceAttributes.of(source, charset)
    ds = attributes.new_result()
    _add_series(ds, image, number, identity, algorithm)
    attributes.copy_to(ds, SERIES)
    complete_body_part(ds, is_sectional(str(source.SOPClassUID), word(source, "Modality")))
    add_origin(ds, identity, algorithm, encoded)
    _add_identification(ds, image)
    _add_relationship(ds, source)
    _add_displayed_area(ds, source)
    _add_annotations(ds, image, _lines_in(image, say, attributes))
    ds.update(grayscale)
    add_file_meta(ds)
    return ds


def _add_series(ds: Dataset, image: AnalysedImage, number: int, identity: ReportIdentity, algorithm: Algorithm) -> None:
    """Presentation Series (PS3.3 C.11.9): one of its own for each film, as heat maps have it."""
    parts = (identity.study_instance_uid, str(image.source.SOPInstanceUID), algorithm.name, algorithm.version)
    ds.SOPClassUID = GRAYSCALE_SOFTCOPY_PRESENTATION_STATE
    ds.SOPInstanceUID = result_uid(*parts, "gsps", GRAYSCALE_SOFTCOPY_PRESENTATION_STATE, str(identity.revision))
    ds.StudyInstanceUID = identity.study_instance_uid
    ds.SeriesInstanceUID = result_uid(*parts, "gsps series", str(identity.revision))
    ds.Modality = "PR"
    ds.SeriesNumber = film_series_number("gsps", number)
    ds.SeriesDescription = series_description(_first_verdict(image), f" outlines - {film_name(image.source)}")
    ds.InstanceNumber = number


def _add_identification(ds: Dataset, image: AnalysedImage) -> None:
    """Presentation State Identification (PS3.3 C.11.10)."""
    ds.ContentLabel = CONTENT_LABEL
    ds.ContentDescription = f"{_first_verdict(image)} - {film_name(image.source)}"[:64]
    ds.ContentCreatorName = None
    ds.PresentationCreationDate, ds.PresentationCreationTime = ds.ContentDate, ds.ContentTime
    del ds.ContentDate, ds.ContentTime


def _first_verdict(image: AnalysedImage) -> str:
    return verdict_on(ordered(image)[0]).line


def _add_relationship(ds: Dataset, source: Dataset) -> None:
    """Presentation State Relationship (PS3.3 C.11.11)."""
    series = Dataset()
    series.SeriesInstanceUID = source.SeriesInstanceUID
    series.ReferencedImageSequence = [_reference(source)]
    ds.ReferencedSeriesSequence = [series]


def _add_displayed_area(ds: Dataset, source: Dataset) -> None:
    """Displayed Area (PS3.3 C.10.4): the whole frame, as large as the viewer has room."""
    area = Dataset()
    area.DisplayedAreaTopLeftHandCorner = [1, 1]
    area.DisplayedAreaBottomRightHandCorner = [int(source.Columns), int(source.Rows)]
    area.PresentationSizeMode = "SCALE TO FIT"
    area.PresentationPixelAspectRatio = _aspect_ratio(source)
    ds.DisplayedAreaSelectionSequence = [area]


def _aspect_ratio(source: Dataset) -> list[int]:
    """Height and width of a pixel, as far as the header says it."""
    for keyword in ("ImagerPixelSpacing", "PixelSpacing", "PixelAspectRatio"):
        sides = numbers(source, keyword)
        if len(sides) == 2 and min(sides) > 0 and sides[0] != sides[1]:
            ratio = round(sides[0] / sides[1] * ASPECT_UNITS)
            return [ratio, ASPECT_UNITS] if ratio > 0 else [1, 1]
    return [1, 1]


def _add_annotations(ds: Dataset, image: AnalysedImage, lines: Sequence[str]) -> None:
    """Graphic Annotation and Graphic Layer (PS3.3 C.10.5, C.10.7)."""
    drawn = [finding for finding in ordered(image) if finding.positive and finding.regions]
    names = [_layer_name(number, finding) for number, finding in enumerate(drawn, 1)]
    layers = [(TEXT_LAYER, "FindingVerdict")]
    layers += [(name, plain(f"Outlines: {one.concept.meaning}")[:64]) for name, one in zip(names, drawn, strict=True)]
    ds.GraphicLayerSequence = [_layer(order, *layer) for order, layer in enumerate(layers, 1)]
    annotations = [_annotation(image.source, TEXT_LAYER)]
    annotations[0].TextObjectSequence = [_text(lines)]
    for name, finding in zip(names, drawn, strict=True):
        outlines = _annotation(image.source, name)
        outlines.GraphicObjectSequence = [_outline(region.outline) for region in finding.regions]
        annotations.append(outlines)
    ds.GraphicAnnotationSequence = annotations


def _layer_name(number: int, finding: Finding) -> str:
    """A code string of 16 characters at most: "AI 1 PNEUMONIA"."""
    letters = re.sub(r"[^A-Z0-9]+", " ", plain(finding.concept.meaning).upper())
    return f"AI {number} {letters}"[:16].strip()


def _layer(order: int, name: str, description: str) -> Dataset:
    layer = Dataset()
    layer.GraphicLayer, layer.GraphicLayerOrder, layer.GraphicLayerDescription = name, order, description
    layer.GraphicLayerRecommendedDisplayGrayscaleValue = LAYER_GRAY
    layer.GraphicLayerRecommendedDisplayCIELabValue = list(LAYER_CIELAB)
    return layer


def _annotation(source: Dataset, layer: str) -> Dataset:
    annotation = Dataset()
    annotation.ReferencedImageSequence = [_reference(source)]
    annotation.GraphicLayer = layer
    return annotation


def _lines_in(image: AnalysedImage, say: Words, attributes: SourceAttributes) -> list[str]:
    lines = _lines(image, say)
    return lines if attributes.can_say("\r\n".join(lines)) else _lines(image, ENGLISH)


def _lines(image: AnalysedImage, say: Words) -> list[str]:
    """What is present, where it is, and that this is research."""
    present = [one for one in ordered(image) if one.positive]
    told = [(verdict_on(one, say).line, where_in_words(one.regions, one.unplaced, say)) for one in present]
    lines = [", ".join(filter(None, parts)) for parts in told]
    return [*lines[: TEXT_LINES_MAX - 1], say(RESEARCH_LINE)]


def _text(lines: Sequence[str]) -> Dataset:
    text = Dataset()
    text.BoundingBoxAnnotationUnits = "DISPLAY"
    text.UnformattedTextValue = "\r\n".join(lines)
    text.BoundingBoxTopLeftHandCorner = [TEXT_LEFT, TEXT_BOTTOM - TEXT_LINE * len(lines)]
    text.BoundingBoxBottomRightHandCorner = [TEXT_RIGHT, TEXT_BOTTOM]
    text.BoundingBoxTextHorizontalJustification = "CENTER"
    return text


def _outline(outline: Sequence[Point]) -> Dataset:
    """A closed polyline in the pixels of the frame, whose corner is 0, 0, as that of SCOORD is (PS3.3 C.10.5.1.2)."""
    points = list(outline) if outline[0] == outline[-1] else [*outline, outline[0]]
    graphic = Dataset()
    graphic.GraphicAnnotationUnits = "PIXEL"
    graphic.GraphicDimensions = 2
    graphic.NumberOfGraphicPoints = len(points)
    graphic.GraphicData = [coordinate for point in points for coordinate in point]
    graphic.GraphicType = "POLYLINE"
    graphic.GraphicFilled = "N"
    return graphic


def _reference(source: Dataset) -> Dataset:
    reference = Dataset()
    reference.ReferencedSOPClassUID = source.SOPClassUID
    reference.ReferencedSOPInstanceUID = source.SOPInstanceUID
    if (stated_frames(source) or 1) > 1:
        reference.ReferencedFrameNumber = 1
    return reference
