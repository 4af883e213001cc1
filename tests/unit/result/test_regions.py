"""From an activation map to a rectangle in the stored frame, however the film lay on the plate."""

import numpy as np
import pytest

from converter.image.pixels import render
from converter.result.regions import attention_region, evidence, whole_frame
from tests.support.dicom.phantoms import make_dx
from tests.support.results.reports import a_cam

IDENTITY = np.array([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]])
ORIENTATIONS = [("L", "F"), ("R", "F"), ("L", "H"), ("R", "H"), ("F", "L"), ("H", "L"), ("F", "R"), ("H", "R")]


def test_the_region_surrounds_the_hot_cell() -> None:
    region = attention_region(a_cam(row=4, column=2), (700, 700), IDENTITY, (700, 700))
    (left, top), (right, bottom) = region[0], region[2]
    assert left == pytest.approx(200, abs=35) and right == pytest.approx(300, abs=35)
    assert top == pytest.approx(400, abs=35) and bottom == pytest.approx(500, abs=35)
    assert region[0] == region[-1] and len(region) == 5


def test_the_region_scales_from_the_preview_to_the_frame() -> None:
    to_source = np.array([[4.0, 0.0, 1.5], [0.0, 4.0, 1.5]])
    small = np.array(attention_region(a_cam(), (100, 80), IDENTITY, (100, 80)))
    large = np.array(attention_region(a_cam(), (100, 80), to_source, (400, 320)))
    assert np.allclose(large, small * 4, atol=0.1)


@pytest.mark.parametrize("orientation", ORIENTATIONS)
def test_in_a_turned_film_the_region_lies_where_the_hot_spot_is_stored(orientation: tuple[str, str]) -> None:
    image = render(make_dx(rows=420, columns=340, orientation=orientation))
    cam = a_cam(row=5, column=1)
    region = np.array(attention_region(cam, image.pixels.shape, image.to_source, image.source_shape))
    rows, columns = image.pixels.shape
    upright = np.array([1.5 / 7 * columns - 0.5, 5.5 / 7 * rows - 0.5, 1.0])
    column, row = image.to_source @ upright + 0.5
    assert region[:, 0].min() < column < region[:, 0].max()
    assert region[:, 1].min() < row < region[:, 1].max()
    area = np.ptp(region[:, 0]) * np.ptp(region[:, 1])
    assert area < 0.1 * rows * columns


def test_only_the_spot_with_the_maximum_counts() -> None:
    cam = a_cam(row=1, column=1, side=14, peak=9.0)
    cam[11, 11] = 8.0
    region = np.array(attention_region(cam, (140, 140), IDENTITY, (140, 140)))
    assert region.max() < 70


def test_a_spot_at_the_border_stays_inside_the_frame() -> None:
    region = np.array(attention_region(a_cam(row=6, column=0), (300, 200), IDENTITY, (300, 200)))
    assert region.min() >= 0.5 and region[:, 0].max() <= 199.5 and region[:, 1].max() <= 299.5


def test_without_positive_evidence_the_region_is_the_whole_frame() -> None:
    cam = np.full((7, 7), -1.0, dtype=np.float32)
    assert attention_region(cam, (300, 200), IDENTITY, (300, 200)) == whole_frame((300, 200))
    assert whole_frame((300, 200)) == ((0.5, 0.5), (199.5, 0.5), (199.5, 299.5), (0.5, 299.5), (0.5, 0.5))


@pytest.mark.parametrize("shape", [(1, 1), (7, 7), (14, 10)])
@pytest.mark.parametrize("size", [(5, 4), (56, 56), (640, 480)])
def test_evidence_is_positive_and_no_higher_than_the_map(shape: tuple[int, int], size: tuple[int, int]) -> None:
    cam = np.random.default_rng(0).normal(0, 3, shape).astype(np.float32)
    fine = evidence(cam, *size)
    assert fine.shape == size and fine.min() >= 0 and fine.max() <= max(0.0, float(cam.max()))
