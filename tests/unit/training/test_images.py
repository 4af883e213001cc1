"""Images are read once, as the node reads them, and again where anything that makes them has changed."""

from __future__ import annotations

import os
from pathlib import Path

import cv2
import numpy as np
import pytest

from converter.image.image_file import read_image
from converter.package.network import InputSpec
from tests.support.cohorts import made_cohorts as made
from tests.support.cohorts.examples import labelled
from training.data import images
from training.data.cohorts import COHORTS, Example
from training.data.images import load_model_inputs, load_targets, load_thumbnails, load_training_images

SPEC = InputSpec.model_validate(
    {"height": 32, "width": 32, "layout": "NCHW", "normalisation": {"name": "scale", "mean": 0.0, "std": 1.0}}
)


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(images, "CACHE", tmp_path / "cache")
    return tmp_path / "cache"


def film(path: Path, value: int) -> Example:
    cv2.imwrite(str(path), np.full((40, 50), value, np.uint8))
    return labelled(path, "kermany", value > 100, "train", "p")


def test_an_array_is_kept_and_read_again_without_the_images(tmp_path: Path, cache: Path) -> None:
    one = film(tmp_path / "a.png", 51)
    first = load_model_inputs([one], SPEC)
    assert first.shape == (1, 1, 32, 32) and first.mean() == pytest.approx(0.2)
    (kept,) = cache.iterdir()
    np.save(kept, np.zeros_like(first))
    assert not load_model_inputs([one], SPEC).any()


def test_a_changed_file_and_another_purpose_are_read_anew(tmp_path: Path, cache: Path) -> None:
    one = film(tmp_path / "a.png", 51)
    load_model_inputs([one], SPEC)
    before = one.path.stat()
    film(one.path, 204)
    os.utime(one.path, ns=(before.st_atime_ns, before.st_mtime_ns + 1))
    assert load_model_inputs([one], SPEC).mean() == pytest.approx(0.8)
    assert load_training_images([one], 20).shape == (1, 20, 20) and load_training_images([one], 20).dtype == np.uint8
    assert load_thumbnails([one]).shape == (1, 32, 32)
    assert len(list(cache.iterdir())) == 4


def test_the_order_of_the_images_is_the_order_of_the_array(tmp_path: Path) -> None:
    films = [film(tmp_path / f"{value}.png", value) for value in (0, 51, 102, 255)]
    for order in (films, films[::-1]):
        assert load_thumbnails(order).mean(axis=(1, 2)) == pytest.approx(
            [int(one.path.stem) / 255 for one in order], abs=1e-4
        )


def test_dicom_films_are_rendered_as_the_node_renders_them(tmp_path: Path) -> None:
    examples = COHORTS["rsna"].load(made.rsna(tmp_path))
    assert not hasattr(read_image(examples[0].path), "pixels")  # a data set, which has to be rendered
    loaded = load_training_images(examples, 16)
    assert loaded.shape == (4, 16, 16) and loaded.std() > 10


def test_an_image_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    one = film(tmp_path / "a.png", 51)
    one.path.write_bytes(b"no picture")
    with pytest.raises(SystemExit, match=r"a\.png: .*neither DICOM nor PNG nor JPEG"):
        load_thumbnails([one])


def test_targets_have_one_column_a_finding(tmp_path: Path) -> None:
    examples = COHORTS["nih14"].load(made.nih14(tmp_path))
    assert load_targets(examples, ["pneumonia", "emphysema"]).tolist() == [[0, 1], [0, 0], [1, 0]]
