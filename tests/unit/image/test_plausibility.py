"""Pixels that cannot be a radiograph are declined; every image of the training cohorts passes."""

from __future__ import annotations

import csv
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from converter.image.colour import COLOURED
from converter.image.gray_image import GrayImage
from converter.image.image_file import read_image
from converter.image.pixels import render
from converter.image.plausibility import SIDE_MIN, check_pixels
from converter.phantom.chest_sketch import sketch_chest
from tests.support.dicom.phantoms import make_dx

RNG = np.random.default_rng(3)


def code_of(gray: NDArray[np.float64], notes: tuple[str, ...] = ()) -> str | None:
    pixels = np.rint(np.clip(gray, 0, 1) * 65535).astype(np.uint16)
    declined = check_pixels(GrayImage(pixels, source_shape=(pixels.shape[0], pixels.shape[1]), notes=notes))
    return None if declined is None else declined.code


def gradient(rows: int, columns: int) -> NDArray[np.float64]:
    return np.tile(np.linspace(0.1, 0.9, columns), (rows, 1))


def picture(path: Path) -> GrayImage:
    image = read_image(path)
    assert isinstance(image, GrayImage)
    return image


def blocks() -> NDArray[np.float64]:
    return RNG.uniform(0.1, 0.9, (4, 4)).repeat(128, axis=0).repeat(128, axis=1)


def bright_with_a_few_dark_lines() -> NDArray[np.float64]:
    image = np.ones((400, 400))
    image[::20] = RNG.uniform(0, 1, (20, 400))
    return image


IMPLAUSIBLE = {
    "black": ("implausible-blank", np.zeros((512, 512))),
    "white": ("implausible-blank", np.ones((512, 512))),
    "gray": ("implausible-blank", np.full((512, 512), 0.5)),
    "gray with faint noise": ("implausible-blank", 0.5 + RNG.normal(0, 0.005, (512, 512))),
    "gradient": ("implausible-blank", gradient(512, 512)),
    "blocks": ("implausible-blank", blocks()),
    "overexposed": ("implausible-saturated", bright_with_a_few_dark_lines()),
    "underexposed": ("implausible-saturated", 1 - bright_with_a_few_dark_lines()),
    "tiny": ("implausible-tiny", sketch_chest(SIDE_MIN - 1, 400)),
    "icon": ("implausible-tiny", sketch_chest(64, 64)),
}


@pytest.mark.parametrize("name", IMPLAUSIBLE)
def test_an_implausible_image_is_declined(name: str) -> None:
    code, gray = IMPLAUSIBLE[name]

    assert code_of(gray) == code


@pytest.mark.parametrize("shape", [(SIDE_MIN, SIDE_MIN), (512, 420), (1400, 1100)], ids=str)
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_phantom_chest_is_plausible(shape: tuple[int, int], seed: int) -> None:
    assert code_of(sketch_chest(*shape, seed=seed)) is None


def test_a_coloured_picture_is_declined_as_derived() -> None:
    assert code_of(sketch_chest(), notes=(COLOURED,)) == "derived"


def test_a_coloured_heat_map_file_is_declined_and_a_gray_one_is_not(tmp_path: Path) -> None:
    gray = np.rint(sketch_chest() * 255).astype(np.uint8)
    cv2.imwrite(str(tmp_path / "heat.png"), cv2.applyColorMap(gray, cv2.COLORMAP_JET))
    cv2.imwrite(str(tmp_path / "gray.png"), np.repeat(gray[..., None], 3, axis=2))

    verdicts = [check_pixels(picture(tmp_path / name)) for name in ("heat.png", "gray.png")]

    assert verdicts[0] is not None and verdicts[0].code == "derived"
    assert verdicts[1] is None


def test_a_misplaced_window_is_no_reason_to_decline() -> None:
    assert check_pixels(render(make_dx(WindowCenter=60000, WindowWidth=10))) is None


@pytest.mark.data
def test_no_image_of_the_cohorts_is_declined(radiographs: Path) -> None:
    with (radiographs / "cxr" / "manifest.csv").open(newline="", encoding="utf-8") as file:
        paths = [row["path"] for row in csv.DictReader(file)]

    declined = {path for path in paths[::8] if check_pixels(picture(radiographs / "cxr" / path)) is not None}

    assert declined == set()
