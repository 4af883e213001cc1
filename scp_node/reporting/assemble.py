"""Puts together what one report says, from ledger and spool; all of it fixed before, so that a second run is equal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pydicom import Dataset

from converter.declined import Declined
from converter.errors import Unreadable
from converter.image.image_file import read_header
from converter.package.manifest import Manifest
from converter.result.findings import (
    Algorithm,
    AnalysedImage,
    DeclinedImage,
    Finding,
    HeatmapInput,
    ReportIdentity,
    StudyReport,
)
from converter.result.provenance import device_uid
from converter.result.secondary_capture import build_heatmap
from scp_node.ledger import Analysis, InstanceRow, ReportRow
from scp_node.settings import Report


@dataclass(frozen=True)
class CoveredImage:
    """One instance of a report with its header and, if it was analysed, its analysis."""

    instance: InstanceRow
    source: Dataset
    analysis: Analysis | None

    @property
    def findings(self) -> tuple[Finding, ...]:
        return () if self.analysis is None else self.analysis.findings

    @property
    def analysed(self) -> AnalysedImage:
        return AnalysedImage(self.source, self.findings, tuple(self.instance.notes))


def algorithm_of(manifest: Manifest) -> Algorithm:
    """The model package as the results name it (TID 4019)."""
    use, spec = manifest.intended_use, manifest.input
    calibrations = {
        f"{found.name}: {found.calibration.summary}, fitted on {found.calibration.fitted_on}"
        for found in manifest.findings
    }
    return Algorithm(
        name=manifest.title,
        version=manifest.version,
        weights_sha256=manifest.onnx_sha256,
        manufacturer=manifest.manufacturer,
        calibration="; ".join(sorted(calibrations)),
        preprocessing=f"area average to {spec.width} x {spec.height}, {spec.normalisation.name}",
        intended_use=use.statement,
    )


def identity_of(report: ReportRow, ae_title: str, model_label: str) -> ReportIdentity:
    """Times are those of this site's clock, as the Study Time beside them is."""
    return ReportIdentity(
        study_instance_uid=report.study_instance_uid,
        revision=report.revision,
        created_at=report.created_at.astimezone(),
        device_uid=device_uid(ae_title, model_label),
        station_name=ae_title,
    )


def prominent(findings: Sequence[Finding]) -> int:
    """Place of the finding that a heat map is drawn for: a positive one comes before any negative one."""
    return max(range(len(findings)), key=lambda place: (findings[place].positive, findings[place].probability))


def draw_heatmap(
    identity: ReportIdentity,
    manifest: Manifest,
    image: CoveredImage,
    preview: NDArray[np.uint8],
    preview_to_source: NDArray[np.float64],
    settings: Report,
) -> Dataset:
    """The heat map of the prominent finding of an analysed image. Its identity does not depend on the report's
    revision: a later report of the same study refers to the object that the archive already has."""
    assert image.analysis is not None
    place = prominent(image.findings)
    created_at = identity.created_at
    if image.instance.finished_at is not None:
        created_at = image.instance.finished_at.replace(microsecond=0).astimezone()
    return build_heatmap(
        HeatmapInput(image.analysed, image.findings[place], preview, preview_to_source, image.analysis.cam[place]),
        replace(identity, revision=1, created_at=created_at),
        algorithm_of(manifest),
        settings.heatmap_side_max,
        settings.charset,
    )


def assemble(
    identity: ReportIdentity,
    algorithm: Algorithm,
    covered: list[CoveredImage],
    heatmaps: Mapping[str, Dataset],
    predecessors: tuple[tuple[str, str, str], ...],
) -> StudyReport:
    """One report over all covered images, analysed and declined."""
    return StudyReport(
        identity=identity,
        algorithm=algorithm,
        images=tuple(image.analysed for image in covered if image.analysis is not None),
        declined=tuple(
            DeclinedImage(image.source, Declined(image.instance.decline_code, image.instance.detail))
            for image in covered
            if image.analysis is None and image.instance.decline_code is not None
        ),
        heatmaps=dict(heatmaps),
        predecessors=predecessors,
    )


def header_or_stub(instance: InstanceRow, path: Path) -> Dataset:
    """The header of an instance, or, where it cannot be read, what the ledger knows: a report must still name it."""
    try:
        ds = read_header(path)
    except Unreadable:
        ds = Dataset()
        ds.SOPClassUID, ds.SOPInstanceUID = instance.sop_class_uid, instance.sop_instance_uid
        ds.StudyInstanceUID, ds.SeriesInstanceUID = instance.study_instance_uid, instance.series_instance_uid
    ds.pop("PixelData", None)
    return ds
