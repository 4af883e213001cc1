"""What the model found in a study, before it becomes a report: plain records, no DICOM encoding yet."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from converter.declined import Declined
from converter.package.concept import Concept
from converter.result.place import Place
from converter.result.unplaced import unplaced_words
from converter.words.catalogue import ENGLISH, Say, Words

if TYPE_CHECKING:  # who only looks into the ledger needs no pydicom
    from pydicom import Dataset

Point = tuple[float, float]


@dataclass(frozen=True)
class Region:
    """One spot of a map. `outline`: closed polygon of (column, row) in the source frame, in SCOORD's coordinates, in
    which the frame spans 0 to columns and 0 to rows (PS3.3 C.18.6.1.1). `place`: where in the lungs that is, None where
    it is not known."""

    outline: tuple[Point, ...]
    place: Place | None = None


def place_of_regions(regions: Sequence[Region]) -> Place | None:
    return Place.together([region.place for region in regions if region.place is not None])


def where_in_words(regions: Sequence[Region], unplaced: str, say: Say = ENGLISH) -> str:
    """The place of `regions`, or why there is none; empty where there is nothing to say."""
    place = place_of_regions(regions)
    return unplaced_words(unplaced, say) or ("" if place is None else place.told(say))


@dataclass(frozen=True)
class Finding:
    """One judged score. probability and threshold are calibrated, 0..1; positive means probability >= threshold.

    `regions`: where the model saw it, the strongest spot first; none of a negative finding, and none where it cannot be
    placed, for which `unplaced` is the reason, a code of converter.result.unplaced. `full_scale`: the activation, in
    logit units, that maps of this finding show in full colour; None where each map has a scale of its own.
    """

    name: str
    concept: Concept
    probability: float
    threshold: float
    positive: bool
    regions: tuple[Region, ...] = ()
    unplaced: str = ""
    full_scale: float | None = None

    @property
    def place(self) -> Place | None:
        """Where in the lungs its regions lie, taken together; None where it is known of none."""
        return place_of_regions(self.regions)

    @property
    def where(self) -> str:
        """In words: its place, or why it has none; empty where there is nothing to say."""
        return where_in_words(self.regions, self.unplaced)


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

    number: of its series and instance, one that no other heat map of the study has. remarks: on the other films of the
    study, a line each in the language of `say`. cam: None where the film is shown without a map.

    preview: uint8 [rows, columns], the rendered radiograph, upright, long side bounded.
    preview_to_source: float64 [2, 3], (column, row) of preview to (column, row) of the source frame.
    cam: float32 [h, w], class activation map (logit units) over the same field of view as preview.
    lungs: float32 [h, w], share of lung in each cell of the same field of view, where the model found lungs.
    """

    image: AnalysedImage
    finding: Finding
    preview: NDArray[np.uint8]
    preview_to_source: NDArray[np.float64]
    cam: NDArray[np.float32] | None
    lungs: NDArray[np.float32] | None = None
    number: int = 1
    remarks: tuple[str, ...] = ()
    say: Words = ENGLISH


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
    after an earlier report. prior: what is said of an earlier study of the same patient; empty where there is none."""

    identity: ReportIdentity
    algorithm: Algorithm
    images: tuple[AnalysedImage, ...]
    declined: tuple[DeclinedImage, ...]
    heatmaps: dict[str, Dataset]
    predecessors: tuple[tuple[str, str, str], ...] = ()
    left_out: tuple[str, ...] = ()
    gone: tuple[str, ...] = ()
    prior: str = ""

    @property
    def sources(self) -> list[Dataset]:
        """The header of every image the report speaks of, the analysed ones first."""
        return [image.source for image in self.images] + [image.source for image in self.declined]
