"""What reaches the network: squashed, centre-standardised, blind to size, and the same in training and serving."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from converter.image.gray_image import GrayImage
from converter.image.model_input import normalise, squash, to_model_input
from converter.package.network import InputSpec, Normalisation
from converter.phantom.chest_sketch import sketch_chest
from training.judging.size_leak import pad_to_aspect, resize


def spec(layout: str = "NCHW", **normalisation: float) -> InputSpec:
    return InputSpec.model_validate(
        {
            "height": 128,
            "width": 128,
            "layout": layout,
            "normalisation": {"name": "centre-standardise", **normalisation},
        }
    )


def test_ranked_film_is_the_same_whatever_the_exposure_was() -> None:
    gray = squash(chest(600, 500, noise=0.02), 128, 128)
    ranked = spec().model_copy(update={"normalisation": Normalisation(name="centre-rank")})
    first = normalise(gray, ranked)
    assert np.allclose(first, normalise((gray**1.7 * 0.6 + 0.2).astype(np.float32), ranked), atol=0.02)
    inner = first[16:-16, 16:-16]
    assert abs(inner.mean()) < 1e-3
    assert abs(inner.std() - 1) < 0.01
    assert np.abs(first).max() <= np.float32(3**0.5)
    assert not normalise(np.full((128, 128), 0.4, np.float32), ranked).any()


def chest(rows: int, columns: int, noise: float = 0.0) -> GrayImage:
    pixels = np.rint(sketch_chest(rows, columns, noise=noise) * 65535).astype(np.uint16)
    return GrayImage(pixels, (rows, columns))


def test_layout_is_the_one_the_graph_takes() -> None:
    image = chest(300, 200)
    first, last = to_model_input(image, spec("NCHW")), to_model_input(image, spec("NHWC"))
    assert first.shape == (1, 128, 128)
    assert last.shape == (128, 128, 1)
    assert first.dtype == last.dtype == np.float32
    assert np.array_equal(first[0], last[..., 0])


def test_gray_is_between_zero_and_one_and_keeps_its_mean() -> None:
    image = chest(1000, 870)
    gray = squash(image, 128, 128)
    assert gray.min() >= 0
    assert gray.max() <= 1
    assert gray.mean() == pytest.approx(image.pixels.mean() / 65535, abs=1e-3)


def test_fine_detail_is_averaged_and_does_not_alias() -> None:
    stripes = np.zeros((1024, 1024), np.uint16)
    stripes[::2] = 65535
    assert np.ptp(squash(GrayImage(stripes, stripes.shape), 128, 128)) < 1e-3


def test_centre_is_standardised_whatever_the_window_was() -> None:
    gray = squash(chest(600, 500), 128, 128)
    darker = (gray * 0.3 + 0.1).astype(np.float32)
    standard = normalise(gray, spec(epsilon=1e-6))
    assert np.allclose(standard, normalise(darker, spec(epsilon=1e-6)), atol=1e-3)
    centre = standard[16:-16, 16:-16]
    assert centre.mean() == pytest.approx(0, abs=0.02)
    assert centre.std() == pytest.approx(1, abs=0.02)


def test_a_bright_border_does_not_move_the_centre() -> None:
    gray = squash(chest(600, 500), 128, 128)
    framed = gray.copy()
    framed[:10], framed[-10:] = 1, 1
    centre = np.s_[16:-16, 16:-16]
    assert np.array_equal(normalise(gray, spec())[centre], normalise(framed, spec())[centre])


def test_values_are_clipped_and_a_blank_image_is_zero() -> None:
    gray = np.zeros((128, 128), np.float32)
    assert not normalise(gray, spec()).any()
    gray[0, 0] = 1
    assert normalise(gray, spec()).max() == 3


def test_scale_uses_the_numbers_of_the_manifest() -> None:
    rule = InputSpec(height=32, width=32, layout="NCHW", normalisation=Normalisation(name="scale", mean=0.5, std=0.25))
    assert np.all(normalise(np.ones((32, 32), np.float32), rule) == 2)


@pytest.mark.parametrize("rows,columns", [(256, 256), (500, 900), (1800, 700), (2140, 1760)])
def test_size_and_aspect_of_the_stored_film_do_not_reach_the_network(rows: int, columns: int) -> None:
    """The area alone separates the classes of the children's films (AUC 0.9): see training/judging/size_leak.py."""
    film = chest(1024, 840)
    squashed, other = to_model_input(film, spec()), to_model_input(resize(film, rows, columns), spec())
    # sharp ribs and the letter are averaged a little differently; nowhere near what a size would have to change
    assert np.abs(squashed - other).mean() < 0.02


def test_a_film_padded_to_another_aspect_keeps_its_anatomy_in_the_centre() -> None:
    film = chest(400, 400)
    padded = pad_to_aspect(film, 300, 450)
    assert padded.pixels.shape == (400, 600)
    assert np.array_equal(padded.pixels[:, 100:500], film.pixels)
    assert not padded.pixels[:, :100].any()


def test_training_reads_a_jpeg_as_the_node_does(tmp_path: Path) -> None:
    convert = pytest.importorskip("converter.image.convert")
    images = pytest.importorskip("training.data.images")
    file = tmp_path / "film.jpg"
    cv2.imwrite(str(file), np.rint(sketch_chest(300, 260) * 255).astype(np.uint8))
    served = convert.convert(file, spec(), None, 512, 100_000_000)
    assert np.array_equal(to_model_input(images.open_gray(file), spec()), served.model_input)
