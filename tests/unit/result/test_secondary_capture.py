"""The heat map as a DICOM object: identity, references, orientation, and pixels that are the picture."""

from io import BytesIO

import numpy as np
import pytest
from pydicom import Dataset, dcmread
from pydicom.uid import JPEG2000, UID, ExplicitVRLittleEndian, JPEGBaseline8Bit, JPEGLSLossless, JPEGLSNearLossless

from converter.declined import Declined
from converter.errors import Unreportable
from converter.image.eligibility import check_header
from converter.image.gray_image import IDENTITY_AFFINE
from converter.image.pixels import render
from converter.package.intended_use import AgeRange, IntendedUse
from converter.result.encode import to_bytes
from converter.result.findings import HeatmapInput
from converter.result.heatmap import Caption, draw_heatmap
from converter.result.secondary_capture import build_heatmap, preview_orientation
from converter.result.source_attributes import Charset
from tests.support.dicom.phantoms import make_dx
from tests.support.dicom.slices import make_mr
from tests.support.dicom.sources import SOURCES, as_read, cr_with_holes, dx_full, sc_of_cr
from tests.support.results.reports import ALGORITHM, a_cam, a_heatmap, a_report, an_identity, an_image
from tests.support.results.result_assertions import assert_heatmap
from tests.unit.result.test_regions import ORIENTATIONS

USE = IntendedUse(
    modalities=("CR", "DX", "OT", "SR"),
    body_parts=("CHEST",),
    views=("PA", "AP"),
    ages=AgeRange(min_years=0, max_years=150),
    statement="research",
)


def _read(ds: Dataset) -> Dataset:
    return dcmread(BytesIO(to_bytes(ds)))


@pytest.mark.parametrize("charset", ["source", "utf8"])
@pytest.mark.parametrize("name", SOURCES)
def test_a_heat_map_belongs_to_its_source(name: str, charset: Charset) -> None:
    sc = _read(a_heatmap(an_image(SOURCES[name]()), charset))
    assert_heatmap(sc, SOURCES[name]())


@pytest.mark.parametrize("probability", [0.9512, 0.03])
def test_its_pixels_are_the_picture(probability: float) -> None:
    image = an_image(dx_full(), probability)
    sc = _read(a_heatmap(image, side_max=640))
    preview = np.full((512, 448), 96, np.uint8)
    cam = a_cam()
    picture = draw_heatmap(preview, cam, image.findings[0], Caption(ALGORITHM, "PA 1"), IDENTITY_AFFINE, 640)
    assert np.array_equal(sc.pixel_array, picture)
    assert max(sc.Rows, sc.Columns) <= 640


@pytest.mark.parametrize("orientation", ORIENTATIONS)
def test_the_preview_of_a_turned_film_is_labelled_upright(orientation: tuple[str, str]) -> None:
    ds = make_dx(rows=128, columns=96, orientation=orientation)
    assert preview_orientation(ds, render(ds).to_source) == ["L", "F"]


@pytest.mark.parametrize("orientation", [None, "", ["L"]])
def test_an_orientation_that_the_source_lacks_stays_unknown(orientation: object) -> None:
    ds = Dataset()
    ds.PatientOrientation = orientation
    assert preview_orientation(ds, IDENTITY_AFFINE) == []
    assert preview_orientation(Dataset(), IDENTITY_AFFINE) == []


def test_oblique_directions_are_turned_letter_by_letter() -> None:
    ds = Dataset()
    ds.PatientOrientation = ["AL", "FR"]
    mirrored = np.array([[-1.0, 0.0, 10.0], [0.0, 1.0, 0.0]])
    assert preview_orientation(ds, mirrored) == ["PR", "FR"]


def test_body_part_and_laterality_go_together() -> None:
    assert _read(a_heatmap(an_image(cr_with_holes()))).BodyPartExamined == "CHEST"
    assert "Laterality" not in _read(a_heatmap(an_image(dx_full())))
    source = dx_full()
    source.BodyPartExamined = "LUNG"
    sc = _read(a_heatmap(an_image(as_read(source))))
    assert (sc.BodyPartExamined, sc.Laterality) == ("LUNG", "")


def test_a_slice_that_names_no_body_part_is_not_called_a_chest() -> None:
    sc = _read(a_heatmap(an_image(as_read(make_mr(rows=64, BodyPartExamined=None)))))
    assert "BodyPartExamined" not in sc
    sc = _read(a_heatmap(an_image(as_read(make_mr(rows=64)))))
    assert (sc.BodyPartExamined, sc.Laterality) == ("BRAIN", "")


def test_a_lossy_source_stays_known_as_lossy() -> None:
    sc = _read(a_heatmap(an_image(sc_of_cr())))
    assert (sc.LossyImageCompression, str(sc.LossyImageCompressionRatio)) == ("01", "9.12")
    assert sc.LossyImageCompressionMethod == "ISO_10918_1"


@pytest.mark.parametrize(
    ("syntax", "said", "expected"),
    [
        (ExplicitVRLittleEndian, None, "00"),
        (JPEGLSLossless, None, "00"),
        (JPEGBaseline8Bit, None, "01"),
        (JPEGLSNearLossless, None, "01"),
        (JPEG2000, "", "01"),
        (JPEG2000, "00", "00"),  # reversible JPEG 2000 in the syntax that also allows lossy
        (ExplicitVRLittleEndian, "01", "01"),
    ],
)
def test_a_source_that_does_not_say_whether_it_is_lossy_is_judged_by_its_transfer_syntax(
    syntax: str, said: str | None, expected: str
) -> None:
    source = dx_full()
    if said is not None:
        source.LossyImageCompression = said
    source.file_meta.TransferSyntaxUID = UID(syntax)
    sc = _read(a_heatmap(an_image(source)))
    assert sc.LossyImageCompression == expected
    assert_heatmap(sc, source)


def test_a_heat_map_states_its_times_in_the_zone_it_declares() -> None:
    sc = _read(a_heatmap(an_image(dx_full())))
    assert (sc.TimezoneOffsetFromUTC, sc.ContentTime) == ("+0100", "111500.123456")


def test_request_attributes_and_issuer_are_carried_over() -> None:
    sc = _read(a_heatmap(an_image(dx_full())))
    assert sc.IssuerOfPatientID == "HOSPITAL-A"
    assert sc.RequestAttributesSequence[0].RequestedProcedureDescription == "Thorax Übersicht"
    assert not any(element.tag.is_private for element in sc)


def test_each_revision_and_finding_has_a_uid_of_its_own() -> None:
    image, again = an_image(dx_full()), an_image(dx_full(), 0.9512, 0.8)
    first, second = a_heatmap(image, revision=1), a_heatmap(image, revision=2)
    assert first.SOPInstanceUID != second.SOPInstanceUID
    other = HeatmapInput(again, again.findings[1], np.zeros((512, 448), np.uint8), IDENTITY_AFFINE, a_cam())
    third = build_heatmap(other, an_identity(dx_full().StudyInstanceUID), ALGORITHM, 512, "source")
    assert third.SOPInstanceUID != first.SOPInstanceUID
    assert third.SeriesDescription == "AI Opacity PRESENT 80.0 % - PA 1 (research)"


def test_two_builds_give_the_same_bytes() -> None:
    assert to_bytes(a_heatmap(an_image(dx_full()))) == to_bytes(a_heatmap(an_image(dx_full())))


def test_a_source_of_another_study_is_refused() -> None:
    image = an_image(dx_full())
    heatmap = HeatmapInput(image, image.findings[0], np.zeros((64, 64), np.uint8), IDENTITY_AFFINE, a_cam())
    with pytest.raises(Unreportable, match="does not belong"):
        build_heatmap(heatmap, an_identity("1.2.3"), ALGORITHM, 512, "source")


def test_our_results_are_recognised_and_never_analysed() -> None:
    image = an_image(dx_full())
    for result in (a_heatmap(image), a_report([image])):
        verdict = check_header(_read(result), USE)
        assert isinstance(verdict, Declined) and verdict.code == "own-result"
