"""Reports and heat maps over the headers of tests.support.dicom.sources, as the node would have them built."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
from numpy.typing import NDArray
from pydicom import Dataset
from pydicom.uid import Comprehensive3DSRStorage

from converter.declined import Declined
from converter.image.gray_image import IDENTITY_AFFINE
from converter.package.concept import Concept
from converter.result.findings import (
    Algorithm,
    AnalysedImage,
    DeclinedImage,
    Finding,
    HeatmapInput,
    ReportIdentity,
    StudyReport,
)
from converter.result.place import Place
from converter.result.provenance import device_uid
from converter.result.regions import Field, regions_of
from converter.result.secondary_capture import build_heatmap
from converter.result.source_attributes import Charset
from converter.result.structured_report import build_structured_report

PNEUMONIA = Concept(value="233604007", scheme="SCT", meaning="Pneumonia")
OPACITY = Concept(value="112001", scheme="DCM", meaning="Opacity")
ALGORITHM = Algorithm(
    name="Pneumonia on chest radiographs",
    version="1.0.0",
    weights_sha256="0123456789abcdef" * 4,
    manufacturer="Hilum",
    calibration="pneumonia: temperature 1.31",
    preprocessing="area average to 224 x 224, centre-standardise",
    intended_use="Frontal chest radiographs of children and adults.",
)
CREATED_AT = datetime(2026, 11, 1, 10, 15, 0, 123456, tzinfo=UTC)
THRESHOLD = 0.42


def an_identity(study_instance_uid: str, revision: int = 1) -> ReportIdentity:
    return ReportIdentity(study_instance_uid, revision, CREATED_AT, device_uid("HILUM", "pneumonia 1.0.0"), "HILUM")


def a_cam(row: int = 4, column: int = 2, side: int = 7, peak: float = 8.0) -> NDArray[np.float32]:
    """An activation map with one hot cell."""
    cam = np.full((side, side), -3.0, dtype=np.float32)
    cam[row, column] = peak
    return cam


def a_finding(
    source: Dataset, probability: float = 0.9512, concept: Concept = PNEUMONIA, name: str = "pneumonia"
) -> Finding:
    shape = (int(source.Rows), int(source.Columns))
    positive = probability >= THRESHOLD
    regions, _ = regions_of(a_cam(), None, Field(shape, IDENTITY_AFFINE, shape)) if positive else ((), "")
    return Finding(name, concept, probability, THRESHOLD, positive, regions)


def placed(finding: Finding, place: Place | None) -> Finding:
    """`finding` with all its regions at `place`."""
    return replace(finding, regions=tuple(replace(region, place=place) for region in finding.regions))


def an_image(source: Dataset, *probabilities: float, notes: tuple[str, ...] = ()) -> AnalysedImage:
    """The image with a finding for each probability: pneumonia, then opacity."""
    names = ((PNEUMONIA, "pneumonia"), (OPACITY, "opacity"))
    findings = (a_finding(source, p, *name) for p, name in zip(probabilities or (0.9512,), names, strict=False))
    return AnalysedImage(source, tuple(findings), notes)


def a_heatmap(image: AnalysedImage, charset: Charset = "source", side_max: int = 512, revision: int = 1) -> Dataset:
    """The heat map of the image's first finding over a plain gray film."""
    preview = np.full((int(image.source.Rows), int(image.source.Columns)), 96, dtype=np.uint8)
    heatmap = HeatmapInput(image, image.findings[0], preview, IDENTITY_AFFINE, a_cam())
    return build_heatmap(heatmap, an_identity(image.source.StudyInstanceUID, revision), ALGORITHM, side_max, charset)


def a_study_report(
    images: Sequence[AnalysedImage],
    declined: Sequence[Dataset] = (),
    heatmaps: bool = True,
    predecessors: tuple[tuple[str, str, str], ...] = (),
    revision: int = 1,
    charset: Charset = "source",
) -> StudyReport:
    sources = [image.source for image in images] + list(declined)
    return StudyReport(
        identity=an_identity(sources[0].StudyInstanceUID, revision),
        algorithm=ALGORITHM,
        images=tuple(images),
        declined=tuple(DeclinedImage(source, Declined("not-frontal", "View Position is LL")) for source in declined),
        heatmaps={image.source.SOPInstanceUID: a_heatmap(image, charset) for image in images} if heatmaps else {},
        predecessors=predecessors,
    )


def a_report(
    images: Sequence[AnalysedImage],
    declined: Sequence[Dataset] = (),
    sop_class_uid: str = Comprehensive3DSRStorage,
    charset: Charset = "source",
) -> Dataset:
    report = a_study_report(images, declined, charset=charset)
    return build_structured_report(report, sop_class_uid, charset)
