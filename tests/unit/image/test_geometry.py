"""Films come upright with square pixels, and positions lead back to the stored frame exactly."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from pydicom import Dataset

from converter.image.geometry import ABSURD_ASPECT, NOT_SQUARE, ORIENTATION_UNKNOWN, TURNED, compose
from converter.image.gray_image import GrayImage
from converter.image.pixels import render
from tests.support.dicom.phantoms import from_upright, make_dx

ORIENTATIONS = [("L", "F"), ("R", "F"), ("L", "H"), ("R", "H"), ("F", "L"), ("F", "R"), ("H", "L"), ("H", "R")]


def numbered(rows: int = 7, columns: int = 5) -> NDArray[np.uint16]:
    """Every pixel has a value of its own."""
    return np.arange(rows * columns, dtype=np.uint16).reshape(rows, columns)


def shown_raw(ds: Dataset) -> GrayImage:
    """Rendered so that the gray level is the stored value of a 16-bit image."""
    ds.WindowCenter, ds.WindowWidth = 32768, 65536
    return render(ds)


@pytest.mark.parametrize("orientation", ORIENTATIONS, ids="\\".join)
def test_all_eight_orientations_come_upright(orientation: tuple[str, str]) -> None:
    upright = numbered()
    ds = make_dx(from_upright(upright, orientation), bits_stored=16, orientation=orientation)

    image = shown_raw(ds)

    assert np.array_equal(image.pixels, upright)
    assert (TURNED in image.notes) == (orientation != ("L", "F"))


@pytest.mark.parametrize("orientation", ORIENTATIONS, ids="\\".join)
def test_positions_lead_back_to_the_stored_pixel(orientation: tuple[str, str]) -> None:
    stored = from_upright(numbered(), orientation)

    image = shown_raw(make_dx(stored, bits_stored=16, orientation=orientation))

    for row, column in np.ndindex(*image.pixels.shape):
        x, y = image.to_source @ (column, row, 1)
        assert stored[int(y), int(x)] == image.pixels[row, column]
    assert image.source_shape == stored.shape


@pytest.mark.parametrize("value", [None, [], ["L"], ["L", "R"], ["", "F"], ["X", "Y"], ["LEFT"], ["L", "F", "A"]])
def test_a_film_that_does_not_say_how_it_lies_is_left_as_it_is_with_a_note(value: list[str] | None) -> None:
    image = render(make_dx(numbered(), bits_stored=16, PatientOrientation=value))

    assert np.array_equal(image.pixels, render(make_dx(numbered(), bits_stored=16)).pixels)
    assert ORIENTATION_UNKNOWN in image.notes and TURNED not in image.notes


@pytest.mark.parametrize("value", [["A", "F"], ["P", "F"], ["AL", "F"], ["H", "P"]])
def test_a_lateral_film_is_left_as_it_is_and_has_said_how_it_lies(value: list[str]) -> None:
    image = render(make_dx(numbered(), bits_stored=16, PatientOrientation=value))

    assert not {ORIENTATION_UNKNOWN, TURNED} & set(image.notes)


def test_an_oblique_orientation_follows_its_principal_direction() -> None:
    mirrored = numbered()[:, ::-1]

    image = shown_raw(make_dx(np.ascontiguousarray(mirrored), bits_stored=16, PatientOrientation=["RP", "FL"]))

    assert np.array_equal(image.pixels, numbered())


@pytest.mark.parametrize(
    ("spacing", "shape"), [([0.2, 0.1], (40, 30)), ([0.1, 0.2], (20, 60)), ([0.1, 0.1], (40, 60))], ids=str
)
def test_the_finer_axis_is_reduced_until_pixels_are_square(spacing: list[float], shape: tuple[int, int]) -> None:
    image = render(make_dx(rows=40, columns=60, PixelSpacing=spacing))

    assert image.pixels.shape == shape
    assert (NOT_SQUARE in image.notes) == (shape != (40, 60))
    corners = [image.to_source @ (x, y, 1) for x, y in ((-0.5, -0.5), (shape[1] - 0.5, shape[0] - 0.5))]
    assert np.allclose(corners, [(-0.5, -0.5), (59.5, 39.5)])


def test_pixel_aspect_ratio_counts_when_no_spacing_is_given() -> None:
    image = render(make_dx(rows=40, columns=60, PixelSpacing=None, ImagerPixelSpacing=None, PixelAspectRatio=[1, 2]))

    assert image.pixels.shape == (20, 60)


@pytest.mark.parametrize("spacing", [[0.1, 100], [0, 0.1], [-1, 1], ["nan", 1]], ids=str)
def test_an_absurd_spacing_is_left_out(spacing: list[float]) -> None:
    image = render(make_dx(rows=40, columns=60, PixelSpacing=spacing, ImagerPixelSpacing=None))

    assert image.pixels.shape == (40, 60)
    assert (ABSURD_ASPECT in image.notes) == (spacing == [0.1, 100])


def test_a_rotated_film_with_oblong_pixels_leads_back_to_the_stored_frame() -> None:
    image = render(make_dx(rows=60, columns=40, orientation=("F", "L"), PixelSpacing=[0.2, 0.1]))

    # stored 40 rows x 60 columns, columns reduced to 30, then transposed
    assert image.source_shape == (40, 60)
    assert image.pixels.shape == (30, 40)
    assert np.allclose(image.to_source @ (39.5, 29.5, 1), (59.5, 39.5))


def test_affines_compose_from_the_inside() -> None:
    scale = np.array([[2.0, 0, 0.5], [0, 3, 1]])
    mirror = np.array([[-1.0, 0, 9], [0, 1, 0]])

    assert np.allclose(compose(scale, mirror) @ (4, 5, 1), (2 * (9 - 4) + 0.5, 3 * 5 + 1))
