"""What highdicom reads from every kind of result: the findings, regions and references that were written into it.

highdicom builds the parts of our reports, too, but not by the way they are read here: its readers find groups, regions
and codes by the templates of PS3.16, as a viewer that trusts them would.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from io import BytesIO
from pathlib import Path
from typing import Any

import highdicom
import numpy as np
import pytest
from highdicom.sr import (
    Comprehensive3DSR,
    ComprehensiveSR,
    MeasurementReport,
    MeasurementsAndQualitativeEvaluations,
    PlanarROIMeasurementsAndQualitativeEvaluations,
    srread,
)
from pydicom import Dataset, dcmread
from pydicom.uid import Comprehensive3DSRStorage, ComprehensiveSRStorage, SecondaryCaptureImageStorage
from pypdf import PdfReader

from converter.declined import Declined
from converter.image.gray_image import IDENTITY_AFFINE
from converter.result import coding
from converter.result.encapsulated_pdf import document_in
from converter.result.findings import Finding
from converter.result.kinds.content import BuiltResult, Rendering, ReportedImage, ResultOptions, SrClass, StudyContent
from converter.result.kinds.table import RESULT_KINDS
from converter.result.wording import percent
from tests.conformance.test_other_forms import FORMS
from tests.support.dicom.sources import STUDY, cr_japanese, cr_with_holes, dx_full, lateral, sc_of_cr
from tests.support.results.reports import ALGORITHM, CREATED_AT, OPACITY, a_cam, a_finding, an_identity

SR_READERS = {Comprehensive3DSRStorage: Comprehensive3DSR, ComprehensiveSRStorage: ComprehensiveSR}
POSITIVE, NEGATIVE, AT_THRESHOLD = 0.9512, 0.0731, 0.42


def analysed(source: Dataset, *probabilities: float, region: bool = True, notes: tuple[str, ...] = ()) -> ReportedImage:
    """An image with a finding for each probability, pneumonia first, then opacity."""
    names: tuple[dict[str, Any], ...] = ({}, {"concept": OPACITY, "name": "opacity"})
    findings: list[Finding] = [a_finding(source, p, **name) for p, name in zip(probabilities, names, strict=False)]
    if not region:
        findings = [replace(finding, regions=(), unplaced="flat-map") for finding in findings]
    cam = np.stack([a_cam() for _ in findings])
    return ReportedImage(source.SOPInstanceUID, source, tuple(findings), notes, cam, CREATED_AT)


def declined(source: Dataset) -> ReportedImage:
    verdict = Declined("not-frontal", "View Position is LL")
    return ReportedImage(source.SOPInstanceUID, source, declined=verdict)


def multi_frame() -> Dataset:
    """A Multi-frame Grayscale Word Secondary Capture, of which the first frame was analysed."""
    source = sc_of_cr()
    source.SOPClassUID, source.NumberOfFrames = "1.2.840.10008.5.1.4.1.1.7.3", 3
    return source


STUDIES: dict[str, Callable[[], list[ReportedImage]]] = {
    "one positive finding": lambda: [analysed(dx_full(), POSITIVE)],
    "one negative finding": lambda: [analysed(dx_full(), NEGATIVE)],
    "exactly at the threshold": lambda: [analysed(dx_full(), AT_THRESHOLD)],
    "the ends of the scale": lambda: [analysed(dx_full(), 1.0, 0.0)],
    "positive and without a region": lambda: [analysed(dx_full(), POSITIVE, region=False)],
    "two findings": lambda: [analysed(dx_full(), NEGATIVE, POSITIVE)],
    "assumptions": lambda: [analysed(dx_full(), POSITIVE, notes=("no View Position: taken as frontal",))],
    "several images": lambda: [analysed(make(), POSITIVE, NEGATIVE) for make in (dx_full, cr_japanese, cr_with_holes)],
    "an analysed and a declined image": lambda: [analysed(dx_full(), POSITIVE), declined(lateral())],
    "declined images only": lambda: [declined(lateral(10)), declined(lateral(11))],
    "the first of several frames": lambda: [analysed(multi_frame(), POSITIVE)],
}


def results_of(
    images: Sequence[ReportedImage], sr_class: SrClass = "comprehensive_3d"
) -> Mapping[str, list[BuiltResult]]:
    """All results of a study that a route can ask for, by kind."""
    plain = np.full((512, 448), 96, dtype=np.uint8)
    content = StudyContent(
        identity=an_identity(STUDY),
        algorithm=ALGORITHM,
        images=tuple(images),
        options=ResultOptions("source", sr_class, heatmap_side_max=512, heatmap_for="all"),
        rendering=lambda image: Rendering(plain, IDENTITY_AFFINE),
    )
    built: dict[str, list[BuiltResult]] = {}
    for name, kind in RESULT_KINDS.items():
        built[name] = kind.load().build(content, built)
    return built


def written(ds: Dataset, folder: Path) -> Path:
    path = folder / f"{ds.SOPInstanceUID}.dcm"
    ds.save_as(path, enforce_file_format=True)
    return path


@pytest.mark.parametrize("study", STUDIES)
@pytest.mark.parametrize("sr_class", ["comprehensive_3d", "comprehensive"])
def test_highdicom_reads_the_findings_that_were_written(study: str, sr_class: SrClass, tmp_path: Path) -> None:
    images = STUDIES[study]()
    built = results_of(images, sr_class)
    (report,) = built["sr"]
    heatmaps = {one.source_instance_uid: one.ds for one in built["heatmap"]}

    sr = srread(written(report.ds, tmp_path))

    assert type(sr) is SR_READERS[report.ds.SOPClassUID]
    groups = _groups(sr)
    regions = _region_groups(sr)
    assert len(groups) == sum(len(image.findings) for image in images)
    assert len(regions) == sum(len(finding.regions) for image in images for finding in image.findings)
    assert len({group.tracking_uid for group in (*groups, *regions)}) == len(groups) + len(regions)
    for image in images:
        for finding in image.findings:
            code, uid = coding.finding_code(finding.concept), image.sop_instance_uid
            (group,) = _groups(sr, finding_type=code, referenced_sop_instance_uid=uid)
            assert_says(group, image.source, finding)
            own = _region_groups(sr, finding_type=code, referenced_sop_instance_uid=uid)
            assert_outlines(own, image.source, finding)
    illustrated = [uid for group in groups for uid in _illustrations(group)]
    assert sorted(illustrated) == sorted(str(ds.SOPInstanceUID) for ds in heatmaps.values())


def assert_says(group: MeasurementsAndQualitativeEvaluations, source: Dataset, finding: Finding) -> None:
    """Finding, probability, decision, method, place and film of the group of one finding."""
    concept = coding.finding_code(finding.concept)
    assert group.finding_type == concept and group.finding_type.meaning == concept.meaning
    assert group.finding_sites == []  # no lungs were outlined
    (measurement,) = group.get_measurements(name=coding.PROBABILITY)
    assert str(measurement.value) == percent(finding.probability, finding.threshold)
    assert measurement.unit == coding.PERCENT
    assert (float(measurement.value) >= 100 * finding.threshold) == finding.positive
    (verdict,) = group.get_qualitative_evaluations(name=concept)
    assert verdict.value == (coding.PRESENT if finding.positive else coding.ABSENT)
    assert group.method == coding.CLASS_ACTIVATION
    (film,) = group.source_images
    assert film.referenced_sop_instance_uid == source.SOPInstanceUID

    (drawn,) = measurement.referenced_coordinates
    assert drawn.graphic_type.value == "POLYLINE"
    if finding.regions:
        np.testing.assert_allclose(drawn.value, np.array(finding.regions[0].outline), atol=1e-3)
    else:
        (left, top), (right, bottom) = drawn.value
        assert top == bottom and 0 < left < right < source.Columns / 10, "a mark in the margin"
    _assert_on(drawn, source)


def assert_outlines(
    groups: Sequence[PlanarROIMeasurementsAndQualitativeEvaluations], source: Dataset, finding: Finding
) -> None:
    """The groups of its regions, which say neither a verdict nor a probability again."""
    for group, region in zip(groups, finding.regions, strict=True):
        assert group.get_measurements() == [] and group.get_qualitative_evaluations() == []
        assert group.method == coding.CLASS_ACTIVATION
        outline = group.roi
        assert outline is not None and outline.graphic_type.value == "POLYLINE"
        np.testing.assert_allclose(outline.value, np.array(region.outline), atol=1e-3)
        _assert_on(outline, source)


def _assert_on(scoord: Dataset, source: Dataset) -> None:
    (image,) = [item for item in scoord.ContentSequence if item.ValueType == "IMAGE"]
    (reference,) = image.ReferencedSOPSequence
    assert (reference.ReferencedSOPClassUID, reference.ReferencedSOPInstanceUID) == (
        source.SOPClassUID,
        source.SOPInstanceUID,
    )
    assert reference.get("ReferencedFrameNumber") == (1 if source.get("NumberOfFrames") else None)


@pytest.mark.parametrize("study", STUDIES)
def test_groups_are_found_by_finding_image_and_tracking_uid(study: str, tmp_path: Path) -> None:
    """A viewer asks for the groups of the image that it shows."""
    images = STUDIES[study]()
    sr = srread(written(results_of(images)["sr"][0].ds, tmp_path))

    for image in images:
        of_image = _groups(sr, referenced_sop_instance_uid=image.sop_instance_uid)
        assert len(of_image) == len(image.findings)
        for finding in image.findings:
            code = coding.finding_code(finding.concept)
            found = _groups(sr, finding_type=code, referenced_sop_instance_uid=image.sop_instance_uid)
            assert [group.finding_type for group in found] == [code]
            (again,) = _groups(sr, tracking_uid=found[0].tracking_uid)
            assert again.tracking_identifier == found[0].tracking_identifier


def test_the_observer_is_the_device_that_was_named(tmp_path: Path) -> None:
    sr = srread(written(results_of(STUDIES["one positive finding"]())["sr"][0].ds, tmp_path))

    (observer,) = _content(sr).get_observer_contexts(observer_type=coding.DEVICE)
    attributes: Any = observer.observer_identifying_attributes
    assert (attributes.uid, attributes.name) == (an_identity(STUDY).device_uid, an_identity(STUDY).station_name)


@pytest.mark.parametrize("study", STUDIES)
def test_the_evidence_of_a_report_is_every_image_and_heat_map(study: str, tmp_path: Path) -> None:
    images = STUDIES[study]()
    built = results_of(images)
    sr = srread(written(built["sr"][0].ds, tmp_path))

    references = {(study_uid, uid, class_uid) for study_uid, _, uid, class_uid in sr.get_evidence()}
    expected = {(STUDY, image.sop_instance_uid, str(image.source.SOPClassUID)) for image in images}
    expected |= {(STUDY, str(one.ds.SOPInstanceUID), str(one.ds.SOPClassUID)) for one in built["heatmap"]}
    assert references == expected


@pytest.mark.parametrize("study", STUDIES)
def test_highdicom_reads_the_pixels_of_every_heat_map(study: str, tmp_path: Path) -> None:
    images = STUDIES[study]()
    heatmaps = results_of(images)["heatmap"]
    assert len(heatmaps) == sum(bool(image.findings) for image in images)
    for one in heatmaps:
        image = highdicom.imread(written(one.ds, tmp_path))
        assert image.SOPClassUID == SecondaryCaptureImageStorage
        frame = image.get_frame(1, apply_icc_profile=False, dtype=np.uint8)
        assert frame.shape == (one.ds.Rows, one.ds.Columns, 3)
        np.testing.assert_array_equal(frame, one.ds.pixel_array)
        assert frame.min() < frame.max()


@pytest.mark.parametrize("study", STUDIES)
def test_the_class_for_archives_that_refuse_the_first_one_reads_the_same(study: str, tmp_path: Path) -> None:
    for name, kind in RESULT_KINDS.items():
        for one in results_of(STUDIES[study]())[name]:
            twin = kind.load().as_class(one.ds, str(one.ds.SOPClassUID))
            if name != "sr":
                assert twin is None
                continue
            assert twin is not None and twin.SOPInstanceUID != one.ds.SOPInstanceUID
            first, second = srread(written(one.ds, tmp_path)), srread(written(twin, tmp_path))
            assert type(second) is ComprehensiveSR
            assert _told(first) == _told(second)


@pytest.mark.parametrize("study", STUDIES)
def test_another_reader_finds_one_sheet_in_every_encapsulated_pdf(study: str, tmp_path: Path) -> None:
    (one,) = results_of(STUDIES[study]())["pdf"]
    ds = dcmread(written(one.ds, tmp_path))
    pages = PdfReader(BytesIO(document_in(ds))).pages
    assert len(pages) == (2 if study == "several images" else 1)
    assert "Research use only." in pages[-1].extract_text()


def test_every_kind_of_result_is_read_here() -> None:
    """A new row of the table asks for a reader of its own: above, in test_other_forms.py, or in test_status_card.py."""
    assert set(RESULT_KINDS) == {"sr", "heatmap", "status", "pdf", *FORMS}


def _content(sr: Any) -> MeasurementReport:
    content = sr.content
    assert isinstance(content, MeasurementReport)
    return content


def _groups(sr: Any, **wanted: Any) -> list[MeasurementsAndQualitativeEvaluations]:
    return list(_content(sr).get_image_measurement_groups(**wanted))


def _region_groups(sr: Any, **wanted: Any) -> list[PlanarROIMeasurementsAndQualitativeEvaluations]:
    return list(_content(sr).get_planar_roi_measurement_groups(**wanted))


def _told(sr: Any) -> list[tuple[object, ...]]:
    return [
        (
            group.tracking_uid,
            group.finding_type,
            [one.value for one in group.get_measurements()],
            [one.value for one in group.get_qualitative_evaluations()],
            [one.value.tolist() for measured in group.get_measurements() for one in measured.referenced_coordinates],
        )
        for group in _groups(sr)
    ] + [
        (group.tracking_uid, group.finding_type, group.roi and group.roi.value.tolist()) for group in _region_groups(sr)
    ]


def _illustrations(group: MeasurementsAndQualitativeEvaluations) -> list[str]:
    return [
        str(item.ReferencedSOPSequence[0].ReferencedSOPInstanceUID)
        for item in group[0].ContentSequence
        if item.ValueType == "IMAGE" and item.name == coding.ILLUSTRATION_OF_ROI
    ]
