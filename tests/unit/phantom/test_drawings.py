"""Drawings are repeatable, of the size asked for, and show what they are named after."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from converter.image.model_input import normalise
from converter.package.manifest import load_manifest
from converter.phantom import other_regions, patterns
from converter.phantom.chest_sketch import sketch_chest
from converter.phantom.head_slice import sketch_head_slice
from converter.phantom.reference_pictures import reference_pictures
from tests.support.checkout import MODELS

PACKAGES = sorted(path.parent for path in MODELS.rglob("manifest.yaml"))
Draw = Callable[[np.random.Generator], NDArray[np.uint8]]
PATTERNS: tuple[Draw, ...] = (
    patterns.white_noise, patterns.clouds, patterns.ramp, patterns.stripes, patterns.cells, patterns.rings,
    patterns.empty_frame, patterns.blobs, patterns.text_page, patterns.plot, patterns.screen,
)  # fmt: skip
DRAWN: tuple[Draw, ...] = (*dict.fromkeys(other_regions.BODY_PARTS), other_regions.lateral_chest, *PATTERNS)


@pytest.mark.parametrize("draw", DRAWN, ids=lambda draw: draw.__name__)
def test_a_drawing_is_gray_repeatable_and_never_the_same_twice(draw: Draw) -> None:
    first, again, other = (draw(np.random.default_rng(seed)) for seed in (1, 1, 2))
    assert first.dtype == np.uint8 and first.ndim == 2 and min(first.shape) >= 64
    np.testing.assert_array_equal(first, again)
    assert first.shape != other.shape or not np.array_equal(first, other)


def test_a_rod_is_as_thick_as_its_radius_says() -> None:
    thickness = other_regions.rod([(0.5, -1.0), (0.5, 2.0)], [0.1, 0.1])
    assert thickness.max() == pytest.approx(0.2, abs=0.005)
    assert thickness[:, : int(0.38 * other_regions.SIDE)].max() == 0


@pytest.mark.parametrize("shape", [(64, 64), (300, 420), (512, 420)])
def test_a_sketched_chest_has_dark_lungs_and_its_heart_on_the_right_of_the_image(shape: tuple[int, int]) -> None:
    rows, columns = shape
    chest = sketch_chest(rows, columns, noise=0)
    assert chest.shape == shape and 0 <= chest.min() < chest.max() <= 1
    lungs = [chest[rows * 4 // 10, round(columns * place)] for place in (0.285, 0.715)]
    assert max(lungs) < chest[rows * 4 // 10, columns // 2]
    heart = chest[rows * 60 // 100, round(columns * 0.6)] - chest[rows * 60 // 100, round(columns * 0.4)]
    assert heart > 0.1


@pytest.mark.parametrize("sketch", [sketch_chest, sketch_head_slice])
def test_another_seed_draws_another_chest_and_another_head(sketch: Callable[..., NDArray[np.float64]]) -> None:
    np.testing.assert_array_equal(sketch(seed=1), sketch(seed=1))
    assert not np.array_equal(sketch(seed=1), sketch(seed=2))


def test_a_head_slice_is_tissue_in_air() -> None:
    head = sketch_head_slice(128)
    assert head.shape == (128, 128)
    assert head[:6].mean() < 0.1 < 0.4 < head[54:74, 54:74].mean()


@pytest.mark.parametrize("package", PACKAGES, ids=lambda package: f"{package.parent.name}-{package.name}")
def test_the_shipped_packages_are_proven_with_the_reference_pictures(package: Path) -> None:
    spec = load_manifest(package / "manifest.yaml").input
    with np.load(package / "reference.npz") as reference:
        inputs = np.squeeze(reference["inputs"])
    drawn = [normalise(picture, spec) for picture in reference_pictures(spec.height, spec.width)]
    np.testing.assert_allclose(inputs, drawn, atol=1e-5)
