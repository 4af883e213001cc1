"""Reports over blank films, built and thrown away before a worker is ready: what results share from one to the next
(templates, tables, modules) is made then, and not while the first study waits."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from itertools import product

import numpy as np
from pydicom import Dataset
from pydicom.uid import BasicTextSRStorage, Comprehensive3DSRStorage

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
from converter.result.algorithm import algorithm_of
from converter.result.encode import to_bytes
from converter.result.findings import Finding, Region, ReportIdentity
from converter.result.kinds.content import BuiltResult, Rendering, ReportedImage, StudyContent
from converter.result.kinds.table import RESULT_KINDS
from converter.result.place import Place
from converter.result.provenance import device_uid, result_uid
from converter.result.regions import whole_frame
from scp_node.reporting.content import result_options
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
# One in each lung, in both and in neither; the zones are words of a template, whichever they are.
PLACES = (Place(right=("lower",)), Place(left=("lower",)), Place(("lower",), ("lower",)), Place())
HEADERS: tuple[Header, ...] = ({**SPACING, **ORIENTATION}, {**SPACING}, {**ORIENTATION}, {})


def rehearse(
    manifest: Manifest, ae_title: str, settings: Report, kinds: Collection[str] = frozenset(RESULT_KINDS)
) -> int:
    """Build what studies of the model get, each of these kinds of results: each finding, present and absent, with its
    map and without, in each lung where the model outlines them, an image that was declined, a first report and a later
    one. Returns how many results that were."""
    cases = list(product(manifest.intended_use.modalities, (True, False)))
    plain = [_image(manifest, *case, header) for case in cases for header in HEADERS]
    drawn = [_image(manifest, *case, {}, place) for case in cases for place in range(len(manifest.findings))]
    if manifest.lungs is not None:
        placed = list(product(manifest.intended_use.modalities, PLACES))
        plain += [_image(manifest, modality, True, {}, None, where) for modality, where in placed]
        positions = range(len(manifest.findings))
        drawn += [_image(manifest, modality, True, {}, at, where) for modality, where in placed for at in positions]
    declined = replace(plain[0], findings=(), declined=Declined("not-frontal", "nobody has sent it"))
    options = replace(result_options(settings), sr_class="comprehensive_3d", heatmap_side_max=HEATMAP_SIDE)
    first = StudyContent(
        ReportIdentity(
            STUDY, 1, datetime.now(UTC), device_uid(ae_title, f"{manifest.name}@{manifest.version}"), ae_title
        ),
        algorithm_of(manifest),
        (*plain, *drawn, declined),
        options,
        lambda image: Rendering(GRAY, IDENTITY_AFFINE),
    )
    drawn_before: dict[tuple[str, str], Dataset] = {}
    results = _built(first, drawn_before, kinds)
    later = replace(
        first,
        earlier=lambda kind, uid: drawn_before.get((kind, uid)),
        predecessors=((Comprehensive3DSRStorage, PREDECESSOR, SERIES), (BasicTextSRStorage, PREDECESSOR, SERIES)),
    )
    empty = replace(first, images=(declined,))
    return results + _built(later, drawn_before, kinds) + _built(empty, drawn_before, kinds)


def _built(content: StudyContent, drawn: dict[tuple[str, str], Dataset], kinds: Collection[str]) -> int:
    """Build and encode results of these kinds; what is drawn over an image is kept in `drawn`. Returns how many."""
    built, count = dict[str, list[BuiltResult]](), 0
    for kind in (one for one in RESULT_KINDS.values() if one.name in kinds):
        built[kind.name] = kind.load().build(content, built)
        for one in built[kind.name]:
            place = (kind.name, one.source_instance_uid or "")
            if drawn.get(place) is not one.ds:
                to_bytes(one.ds)
                count += 1
            if one.source_instance_uid is not None:
                drawn[place] = one.ds
    return count


def _image(
    manifest: Manifest,
    modality: str,
    positive: bool,
    header: Header,
    position: int | None = None,
    where: Place | None = None,
) -> ReportedImage:
    """A film with all findings and no map, or with the one at `position` and its map; all of them at `where`."""
    source = Dataset()
    source.SOPClassUID = USUAL_CLASSES.get(modality, SECONDARY_CAPTURE)
    source.SOPInstanceUID = result_uid("rehearsal", modality, str(positive), *header, str(position), str(where))
    source.StudyInstanceUID, source.SeriesInstanceUID, source.Modality = STUDY, SERIES, modality
    source.Rows = source.Columns = SIDE
    source.PhotometricInterpretation = "MONOCHROME2"
    for keyword, value in header.items():
        setattr(source, keyword, value)
    regions = (Region(whole_frame((SIDE, SIDE)), where),) if positive else ()
    findings = tuple(
        Finding(
            spec.name,
            spec.concept,
            spec.operating_threshold if positive else 0.0,
            spec.operating_threshold,
            positive,
            regions,
        )
        for spec in manifest.findings
    )
    uid, notes = str(source.SOPInstanceUID), ("a rehearsal",)
    if position is None:
        return ReportedImage(uid, source, findings, notes)
    return ReportedImage(uid, source, findings[position : position + 1], notes, CAM[np.newaxis])
