"""Reports over blank films, built and thrown away before a worker is ready: what results share from one to the next
(templates, tables, modules) is made then, and not while the first study waits."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from itertools import product

import numpy as np
from pydicom import Dataset
from pydicom.uid import Comprehensive3DSRStorage

from converter.declined import Declined
from converter.image.gray_image import IDENTITY_AFFINE
from converter.image.sop_classes import (
    COMPUTED_RADIOGRAPHY,
    CT_IMAGE,
    DIGITAL_X_RAY_FOR_PRESENTATION,
    MR_IMAGE,
    SECONDARY_CAPTURE,
)
from converter.package.manifest import Manifest
from converter.result.encode import to_bytes
from converter.result.findings import (
    AnalysedImage,
    DeclinedImage,
    Finding,
    HeatmapInput,
    ReportIdentity,
    StudyReport,
)
from converter.result.provenance import device_uid, result_uid
from converter.result.regions import attention_region
from converter.result.secondary_capture import build_heatmap
from converter.result.structured_report import build_structured_report
from scp_node.reporting.assemble import algorithm_of
from scp_node.settings import Report

STUDY, SERIES, PREDECESSOR = "2.25.1", "2.25.2", "2.25.3"
SIDE, CELLS, HEATMAP_SIDE = 64, 8, 320
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
Header = Mapping[str, list[float] | list[str]]
HEADERS: tuple[Header, ...] = ({**SPACING, **ORIENTATION}, {**SPACING}, {**ORIENTATION}, {})


def rehearse(manifest: Manifest, ae_title: str, settings: Report) -> int:
    """Build what studies of the model get: each finding, present and absent, with its heat map and without, an image
    that was declined, a first report and a later one. Returns how many results that were."""
    algorithm = algorithm_of(manifest)
    device = device_uid(ae_title, f"{manifest.name}@{manifest.version}")
    identity = ReportIdentity(STUDY, 1, datetime.now(UTC), device, ae_title)
    cases = list(product(manifest.intended_use.modalities, (True, False)))
    plain = [_image(manifest, *case, header) for case in cases for header in HEADERS]
    drawn = [_image(manifest, *case, {}, place) for case in cases for place in range(len(manifest.findings))]
    heatmaps = {
        str(image.source.SOPInstanceUID): build_heatmap(
            HeatmapInput(image, image.findings[0], GRAY, IDENTITY_AFFINE, CAM),
            identity,
            algorithm,
            HEATMAP_SIDE,
            settings.charset,
        )
        for image in drawn
    }
    declined = DeclinedImage(plain[0].source, Declined("not-frontal", "nobody has sent it"))
    first = StudyReport(identity, algorithm, (*plain, *drawn), (declined,), heatmaps)
    later = replace(first, predecessors=((Comprehensive3DSRStorage, PREDECESSOR, SERIES),))
    empty = replace(first, images=(), heatmaps={})
    reports = [
        build_structured_report(one, Comprehensive3DSRStorage, settings.charset) for one in (first, later, empty)
    ]
    results = (*reports, *heatmaps.values())
    for ds in results:
        to_bytes(ds)
    return len(results)


def _image(
    manifest: Manifest, modality: str, positive: bool, header: Header, place: int | None = None
) -> AnalysedImage:
    """A film with all findings, or with the one at `place`."""
    source = Dataset()
    source.SOPClassUID = USUAL_CLASSES.get(modality, SECONDARY_CAPTURE)
    source.SOPInstanceUID = result_uid("rehearsal", modality, str(positive), *header, str(place))
    source.StudyInstanceUID, source.SeriesInstanceUID, source.Modality = STUDY, SERIES, modality
    source.Rows = source.Columns = SIDE
    for keyword, value in header.items():
        setattr(source, keyword, value)
    region = attention_region(CAM, GRAY.shape, IDENTITY_AFFINE, (SIDE, SIDE)) if positive else None
    findings = tuple(
        Finding(
            spec.name,
            spec.concept,
            spec.operating_threshold if positive else 0.0,
            spec.operating_threshold,
            positive,
            region,
        )
        for spec in manifest.findings
    )
    return AnalysedImage(source, findings if place is None else findings[place : place + 1], notes=("a rehearsal",))
