"""One film has one digest, whatever file it comes in; another picture has another."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

from converter.image.convert import shrink
from converter.image.film_digest import DIGEST_SIDE, film_digest
from converter.image.gray_image import GrayImage
from converter.image.image_file import read_image
from converter.package.learned_films import DIGEST_BYTES
from converter.phantom.chest_sketch import sketch_chest


def of(path: Path) -> int:
    image = read_image(path)
    assert isinstance(image, GrayImage)
    return film_digest((shrink(image, DIGEST_SIDE)[0] >> 8).astype(np.uint8))


def test_a_film_is_recognised_in_another_lossless_file_and_under_another_name(tmp_path: Path) -> None:
    film = np.rint(sketch_chest(700, 600, seed=1) * 255).astype(np.uint8)
    for name, options in (("a.png", []), ("b.png", [cv2.IMWRITE_PNG_COMPRESSION, 9])):
        cv2.imwrite(str(tmp_path / name), film, options)
    assert of(tmp_path / "a.png") == of(tmp_path / "b.png") < 2 ** (8 * DIGEST_BYTES)


def test_one_gray_value_makes_another_film() -> None:
    film = np.zeros((40, 30), np.uint8)
    other = film.copy()
    other[20, 10] = 1
    assert len({film_digest(film), film_digest(other), film_digest(film.T), film_digest(film.reshape(30, 40))}) == 3
