"""The whole conversion of a file: what comes out, and that positions lead back to the stored frame."""

from __future__ import annotations

import pickle
from pathlib import Path

import cv2
import numpy as np
import pytest
from pydicom.uid import JPEG2000Lossless

from converter.declined import Declined
from converter.errors import Undecodable
from converter.image.convert import Converted, convert, shrink
from converter.image.eligibility import age_unknown
from converter.image.gray_image import GrayImage
from converter.image.model_input import to_model_input
from converter.image.pixels import render
from converter.package.intended_use import AgeRange, IntendedUse
from converter.package.network import InputSpec, Normalisation
from converter.phantom.chest_sketch import sketch_chest
from tests.support.dicom.part10 import read_dicom
from tests.support.dicom.phantoms import make_dx, write_dx

USE = IntendedUse(
    modalities=("CR", "DX"),
    body_parts=("CHEST",),
    views=("PA", "AP"),
    ages=AgeRange(min_years=0, max_years=120),
    statement="tests",
)


def spec(layout: str) -> InputSpec:
    return InputSpec(height=64, width=48, layout=layout, normalisation=Normalisation(name="scale"))


def run(path: Path, use: IntendedUse | None = USE, side_max: int = 256, layout: str = "NCHW") -> Converted | Declined:
    return convert(path, spec(layout), use, preview_side_max=side_max, pixels_max=10_000_000)


@pytest.mark.parametrize(("layout", "shape"), [("NCHW", (1, 64, 48)), ("NHWC", (64, 48, 1))])
def test_a_radiograph_becomes_model_input_and_preview(layout: str, shape: tuple[int, ...], tmp_path: Path) -> None:
    path = write_dx(tmp_path / "chest.dcm", make_dx(transfer_syntax=JPEG2000Lossless, PatientAge=None))
    del_birth = make_dx(PatientAge=None, PatientBirthDate=None, instance=2)

    converted = run(path, layout=layout)

    assert isinstance(converted, Converted)
    assert converted.model_input.shape == shape and converted.model_input.dtype == np.float32
    assert converted.preview.shape == (256, 210) and converted.preview.dtype == np.uint8
    assert converted.source_shape == (512, 420)
    assert converted.notes == ()
    noted = run(write_dx(tmp_path / "ageless.dcm", del_birth))
    assert isinstance(noted, Converted) and noted.notes == (age_unknown(USE),)


@pytest.mark.parametrize(
    ("stored", "shown"),
    [((500, 420), (250, 210)), ((460, 420), (256, 234)), ((501, 420), (256, 215)), ((520, 420), (256, 207))],
    ids=["nearly the half", "not nearly", "odd", "more than twice as large"],
)
def test_a_preview_is_exactly_half_where_that_is_nearly_as_large(
    stored: tuple[int, int], shown: tuple[int, int]
) -> None:
    pixels = np.random.default_rng(0).integers(0, 65536, stored, np.uint16)

    small, to_source = shrink(GrayImage(pixels, stored), 256)

    assert np.array_equal(small, cv2.resize(pixels, shown[::-1], interpolation=cv2.INTER_AREA))
    last = to_source @ (shown[1] - 0.5, shown[0] - 0.5, 1)  # the outer corner of the last pixel
    assert np.allclose(last, (stored[1] - 0.5, stored[0] - 0.5))


def test_the_model_sees_what_the_pipeline_renders(tmp_path: Path) -> None:
    path = write_dx(tmp_path / "chest.dcm", make_dx())

    converted = run(path)

    assert isinstance(converted, Converted)
    image = render(read_dicom(path))
    assert np.array_equal(converted.model_input, to_model_input(image, spec("NCHW")))


def test_a_picture_without_a_header_says_nothing_of_the_age(tmp_path: Path) -> None:
    gray = np.tile(np.linspace(0, 255, 300).astype(np.uint8), (300, 1))
    for name in ("film.png", "film.jpg"):
        cv2.imwrite(str(tmp_path / name), gray)
        converted, unasked = run(tmp_path / name), run(tmp_path / name, use=None)
        assert isinstance(converted, Converted) and isinstance(unasked, Converted)
        assert converted.notes == (age_unknown(USE), *unasked.notes)
        assert age_unknown(USE) not in unasked.notes


def test_dicom_and_png_of_the_same_film_give_the_same_model_input(tmp_path: Path) -> None:
    gray = np.rint(sketch_chest() * 65535).astype(np.uint16)
    cv2.imwrite(str(tmp_path / "chest.png"), gray)
    write_dx(tmp_path / "chest.dcm", make_dx(gray, bits_stored=16))

    results = [run(tmp_path / name) for name in ("chest.png", "chest.dcm")]

    assert isinstance(results[0], Converted) and isinstance(results[1], Converted)
    assert np.array_equal(results[0].model_input, results[1].model_input)
    assert np.array_equal(results[0].preview, results[1].preview)


@pytest.mark.parametrize("orientation", [("L", "F"), ("R", "F"), ("F", "L"), ("H", "R")], ids="\\".join)
def test_the_preview_leads_back_to_the_stored_frame(orientation: tuple[str, str], tmp_path: Path) -> None:
    path = write_dx(tmp_path / "chest.dcm", make_dx(orientation=orientation))

    converted = run(path, side_max=200)

    assert isinstance(converted, Converted)
    rows, columns = converted.preview.shape
    corners = np.array([[-0.5, -0.5, 1], [columns - 0.5, rows - 0.5, 1]])
    found = np.sort((converted.preview_to_source @ corners.T).T, axis=0)
    height, width = converted.source_shape
    assert np.allclose(found, [[-0.5, -0.5], [width - 0.5, height - 0.5]])


def test_a_small_image_is_not_enlarged(tmp_path: Path) -> None:
    converted = run(write_dx(tmp_path / "small.dcm", make_dx(rows=180, columns=150)), side_max=1536)

    assert isinstance(converted, Converted)
    assert converted.preview.shape == (180, 150)
    assert np.array_equal(converted.preview_to_source, [[1, 0, 0], [0, 1, 0]])


def test_without_an_intended_use_the_header_is_not_asked_but_pixels_are(tmp_path: Path) -> None:
    hand = write_dx(tmp_path / "hand.dcm", make_dx(BodyPartExamined="HAND"))
    blank = write_dx(tmp_path / "blank.dcm", make_dx(np.zeros((300, 300), np.uint16), BodyPartExamined="HAND"))

    declined, accepted, implausible = run(hand), run(hand, use=None), run(blank, use=None)

    assert isinstance(declined, Declined) and declined.code == "wrong-body-part"
    assert isinstance(accepted, Converted)
    assert isinstance(implausible, Declined) and implausible.code == "implausible-blank"


def test_the_limit_of_pixels_is_kept(tmp_path: Path) -> None:
    path = write_dx(tmp_path / "chest.dcm", make_dx())

    with pytest.raises(Undecodable, match="more than the 1000 that are decoded"):
        convert(path, spec("NCHW"), USE, preview_side_max=256, pixels_max=1000)


def test_a_declined_header_costs_no_decoding(tmp_path: Path) -> None:
    path = write_dx(tmp_path / "hand.dcm", make_dx(BodyPartExamined="HAND", Rows=60000, Columns=60000))

    assert isinstance(run(path), Declined)


def test_a_result_crosses_a_process_boundary(tmp_path: Path) -> None:
    converted = run(write_dx(tmp_path / "chest.dcm", make_dx()))
    assert isinstance(converted, Converted)

    copy = pickle.loads(pickle.dumps(converted))

    assert isinstance(copy, Converted) and np.array_equal(copy.preview, converted.preview)
