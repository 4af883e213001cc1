"""What results of a study are built from. All of it is fixed before, so that a second run gives equal bytes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from pydicom import Dataset

from converter.declined import Declined
from converter.result.findings import Algorithm, AnalysedImage, Finding, ReportIdentity
from converter.result.not_analysed import not_analysed
from converter.result.prior import PriorAnalysis
from converter.words.catalogue import Language, Say

SrClass = Literal["comprehensive_3d", "comprehensive"]


@dataclass(frozen=True)
class ReportedImage:
    """One image of a report: judged, with `cam` float32 [findings, h, w] where a map may be drawn, or `declined`.
    lungs: float32 [h, w], the share of lung in each cell of the film, where the model found lungs.

    judged_at: when, with time zone; a heat map bears this time. version: which of those that came under its UID.
    """

    sop_instance_uid: str
    source: Dataset
    findings: tuple[Finding, ...] = ()
    notes: tuple[str, ...] = ()
    cam: NDArray[np.float32] | None = None
    judged_at: datetime | None = None
    declined: Declined | None = None
    version: int = 1
    lungs: NDArray[np.float32] | None = None

    @property
    def analysed(self) -> AnalysedImage:
        return AnalysedImage(self.source, self.findings, self.notes)


@dataclass(frozen=True)
class Rendering:
    """preview: uint8 [rows, columns]; preview_to_source: float64 [2, 3], its (column, row) to that of the source."""

    preview: NDArray[np.uint8]
    preview_to_source: NDArray[np.float64]


@dataclass(frozen=True)
class ResultOptions:
    """What a site may choose: see the section `report` of the settings. refused_classes: SOP Class UIDs that every
    destination of the report is known to refuse."""

    charset: Literal["source", "utf8"]
    sr_class: SrClass
    heatmap_side_max: int
    heatmap_for: Literal["positive", "all"]
    refused_classes: frozenset[str] = frozenset()
    language: Language = "en"


@dataclass(frozen=True)
class StudyContent:
    """rendering: of an image, as a reader sees it. earlier: the result of a kind over an image that was built for an
    earlier report by the same model, without its pixels; its identity does not depend on the report.
    predecessors: the (SOP class, SOP instance, series) UIDs of the report that this one supersedes. left_out: SOP
    Instance UIDs of the images of the study that are another patient's. gone: of those whose bytes the node had removed
    after an earlier report. prior: the earlier analysis of the same patient, where there is one. rejected: as
    predecessors, the results of earlier reports with data of the patient that were corrected since."""

    identity: ReportIdentity
    algorithm: Algorithm
    images: tuple[ReportedImage, ...]
    options: ResultOptions
    rendering: Callable[[ReportedImage], Rendering]
    earlier: Callable[[str, str], Dataset | None] = field(default=lambda kind, sop_instance_uid: None)
    predecessors: tuple[tuple[str, str, str], ...] = ()
    left_out: tuple[str, ...] = ()
    gone: tuple[str, ...] = ()
    prior: PriorAnalysis | None = None
    rejected: tuple[tuple[str, str, str], ...] = ()

    def not_analysed(self, say: Say) -> tuple[str, ...]:
        """What is said of the images that were not analysed, a line each."""
        declined = {image.sop_instance_uid: image.declined for image in self.images if image.declined is not None}
        return not_analysed([image.source for image in self.images], declined, say)


@dataclass(frozen=True)
class BuiltResult:
    """A result object; `source_instance_uid` is the image that it was drawn over, where it belongs to one."""

    ds: Dataset
    source_instance_uid: str | None = None
