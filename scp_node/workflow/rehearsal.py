"""Reports over blank films, built and thrown away before a worker is ready: what results share from one to the next
(templates, tables, modules) is made then, and not while the first study waits."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from itertools import cycle, product

import numpy as np
from pydicom import Dataset
from pydicom.uid import Comprehensive3DSRStorage

from converter.image.gray_image import IDENTITY_AFFINE, Declined
from converter.image.sop_classes import (
    COMPUTED_RADIOGRAPHY,
    CT_IMAGE,
    DIGITAL_X_RAY_FOR_PRESENTATION,
    MR_IMAGE,
    SECONDARY_CAPTURE,
)
from converter.manifest import Manifest
from converter.result.encode import to_bytes
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
from converter.result.regions import attention_region
from converter.result.secondary_capture import build_heatmap
from converter.result.structured_report import build_structured_report
from scp_node.assembly import algorithm_of
from scp_node.settings import Report

STUDY, SERIES, PREDECESSOR = "2.25.1", "2.25.2", "2.25.3"
SIDE, CELLS = 64, 8
GRAY, CAM = np.full((SIDE, SIDE), 128, np.uint8), np.ones((CELLS, CELLS), np.float32)
# The class in which images of a modality usually come; the templates of another are made when one comes.
USUAL_CLASSES = {
    "CR": COMPUTED_RADIOGRAPHY,
    "DX": DIGITAL_X_RAY_FOR_PRESENTATION,
    "CT": CT_IMAGE,
    "MR": MR_IMAGE,
}
# What a header may have of the attributes that an image library shows.
SPACING, ORIENTATION = {"ImagerPixelSpacing": [0.2, 0.2]}, {"PatientOrientation": ["L", "F"]}
HEADERS: tuple[dict[str, list[float] | list[str]], ...] = ({**SPACING, **ORIENTATION}, {**SPACING}, {**ORIENTATION}, {})


def rehearse(manifest: Manifest, ae_title: str, settings: Report) -> int:
    """Build what studies of the model get: each finding, present and absent, with its heat map and without, an image
    that was declined, a first report and a later one. Returns how many results that were."""
    algorithm = algorithm_of(manifest)
    device = device_uid(ae_title, f"{manifest.name}@{manifest.version}")
    identity = ReportIdentity(STUDY, 1, datetime.now(UTC), device, ae_title)
    images = list(_images(manifest))
    heatmaps = [_heatmap(images[0], finding, identity, algorithm, settings) for finding in images[0].findings]
    shown: list[Dataset | None] = [None, *heatmaps]  # not every image has one
    first = StudyReport(
        identity,
        algorithm,
        images=tuple(images),
        declined=(DeclinedImage(images[0].source, Declined("not-frontal", "nobody has sent it")),),
        heatmaps={
            str(image.source.SOPInstanceUID): heatmap
            for image, heatmap in zip(images, cycle(shown), strict=False)
            if heatmap is not None
        },
    )
    later = replace(first, predecessors=((Comprehensive3DSRStorage, PREDECESSOR, SERIES),))
    empty = replace(first, images=(), heatmaps={})
    reports = [
        build_structured_report(one, Comprehensive3DSRStorage, settings.charset) for one in (first, later, empty)
    ]
    for ds in (*reports, *heatmaps):
        to_bytes(ds)
    return len(reports) + len(heatmaps)


def _images(manifest: Manifest) -> Iterator[AnalysedImage]:
    """As many of each modality and decision as meet every kind of header and each heat map."""
    each = max(len(HEADERS), len(manifest.findings) + 1)
    kinds = product(manifest.intended_use.modalities, (True, False), range(each))
    for number, (modality, positive, place) in enumerate(kinds, 1):
        source = Dataset()
        source.SOPClassUID, source.SOPInstanceUID = USUAL_CLASSES.get(modality, SECONDARY_CAPTURE), f"{STUDY}.{number}"
        source.StudyInstanceUID, source.SeriesInstanceUID, source.Modality = STUDY, SERIES, modality
        source.Rows = source.Columns = SIDE
        for keyword, value in HEADERS[place % len(HEADERS)].items():
            setattr(source, keyword, value)
        findings = (
            Finding(
                spec.name,
                spec.concept,
                spec.operating_threshold if positive else 0.0,
                spec.operating_threshold,
                positive,
                attention_region(CAM, GRAY.shape, IDENTITY_AFFINE, GRAY.shape) if positive else None,
            )
            for spec in manifest.findings
        )
        yield AnalysedImage(source, tuple(findings), notes=("a rehearsal",))


def _heatmap(
    image: AnalysedImage, finding: Finding, identity: ReportIdentity, algorithm: Algorithm, settings: Report
) -> Dataset:
    drawn_from = HeatmapInput(image, finding, GRAY, IDENTITY_AFFINE, CAM)
    return build_heatmap(drawn_from, identity, algorithm, settings.heatmap_side_max, settings.charset)
