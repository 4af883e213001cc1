"""What the model found in a study, before it becomes a report: plain records, no DICOM encoding yet."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from converter.declined import Declined
from converter.package.concept import Concept
from converter.result.place import Place

if TYPE_CHECKING:  # who only looks into the ledger needs no pydicom
    from pydicom import Dataset

Point = tuple[float, float]


@dataclass(frozen=True)
class Finding:
    """One judged score. `region`: closed polygon of (column, row) in the source frame where attention was, or None;
    in SCOORD's coordinates, in which the frame spans 0 to columns and 0 to rows (PS3.3 C.18.6.1.1). `place`: where in
    the lungs that is, None where it is not known.

    probability and threshold are calibrated, 0..1; positive means probability >= threshold.
    """

    name: str
    concept: Concept
    probability: float
    threshold: float
    positive: bool
    region: tuple[Point, ...] | None = None
    place: Place | None = None


@dataclass(frozen=True)
class AnalysedImage:
    """source: header of the instance (no pixel data); notes: what was assumed while converting."""

    source: Dataset
    findings: tuple[Finding, ...]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class DeclinedImage:
    source: Dataset
    declined: Declined


@dataclass(frozen=True)
class Algorithm:
    """What analysed the images: goes into TID 4019 and Contributing Equipment."""

    name: str
    version: str
    weights_sha256: str
    manufacturer: str
    calibration: str
    preprocessing: str
    intended_use: str


@dataclass(frozen=True)
class HeatmapInput:
    """What a heat map of one finding in one image is drawn from.

    preview: uint8 [rows, columns], the rendered radiograph, upright, long side bounded.
    preview_to_source: float64 [2, 3], (column, row) of preview to (column, row) of the source frame.
    cam: float32 [h, w], class activation map (logit units) over the same field of view as preview.
    """

    image: AnalysedImage
    finding: Finding
    preview: NDArray[np.uint8]
    preview_to_source: NDArray[np.float64]
    cam: NDArray[np.float32]


@dataclass(frozen=True)
class ReportIdentity:
    """Everything that makes a result reproducible to the byte: derived from the ledger, never from a clock here."""

    study_instance_uid: str
    revision: int
    created_at: datetime
    device_uid: str
    station_name: str


@dataclass(frozen=True)
class StudyReport:
    """All that one Structured Report says. heatmaps: SOP Instance UID of a source image to its heat map's data set.
    predecessors: the (SOP class, SOP instance, series) UIDs of the report this one supersedes, or empty. left_out: SOP
    Instance UIDs of the images of the study that are another patient's. gone: of those whose bytes the node had removed
    after an earlier report."""

    identity: ReportIdentity
    algorithm: Algorithm
    images: tuple[AnalysedImage, ...]
    declined: tuple[DeclinedImage, ...]
    heatmaps: dict[str, Dataset]
    predecessors: tuple[tuple[str, str, str], ...] = ()
    left_out: tuple[str, ...] = ()
    gone: tuple[str, ...] = ()

    @property
    def sources(self) -> list[Dataset]:
        """The header of every image the report speaks of, the analysed ones first."""
        return [image.source for image in self.images] + [image.source for image in self.declined]
