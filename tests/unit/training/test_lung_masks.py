"""Outlines that people drew: of one or several pictures, on the grid asked for, and used where a recipe wants it."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from tests.support.checkout import CONFIG
from tests.support.cohorts import made_cohorts as made
from training.data.cohorts import COHORTS, WrongLayout
from training.data.lung_masks import outlined_films, read_mask, shares
from training.data.recipe_data import load_recipe_data
from training.learning.recipe import load_recipe, with_values


def test_the_pictures_of_an_outline_add_up(tmp_path: Path) -> None:
    examples = COHORTS["montgomery"].load(made.montgomery(tmp_path, side=64))
    found = shares(next(one for one in examples if one.masks).masks, 8)
    wanted = np.zeros((8, 8), np.float32)
    wanted[2:6] = 1
    np.testing.assert_allclose(found, wanted)
    with pytest.raises(WrongLayout, match="expected an outline of lungs, which cannot be read"):
        read_mask(tmp_path / "MontgomerySet" / "ClinicalReadings" / "MCUCXR_0001_0.txt")


def test_films_of_a_split_come_with_their_outlines_and_without_any_it_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    folder = made.montgomery(tmp_path / "films", patients=12, side=64)
    examples = load_recipe_data(["montgomery"], [f"montgomery={folder}"])
    films = outlined_films(examples, "train")
    assert films.films.shape == films.masks.shape == (len(films.examples), 160, 160)
    assert {*np.unique(films.masks)} == {0, 255} and 0.4 < (films.masks / 255).mean() < 0.6
    for mask in (folder / "MontgomerySet" / "ManualMask").rglob("*.png"):
        mask.unlink()
    with pytest.raises(SystemExit, match="no film of train has an outline of its lungs"):
        outlined_films(load_recipe_data(["montgomery"], [f"montgomery={folder}"]), "train")


@pytest.mark.parametrize("wanted", [False, True])
def test_a_recipe_frames_by_drawn_outlines_where_it_says_so(
    wanted: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("onnx", reason="the package onnx is not installed (extra [training])")
    from tests.support.models.outline import outline_graph
    from training.lungs.framing import LungFraming

    monkeypatch.chdir(tmp_path)
    (tmp_path / "lungs").mkdir()
    (tmp_path / "lungs" / "lungs.onnx").write_bytes(outline_graph())
    (tmp_path / "lungs" / "lungs.yaml").write_text("output: lungs\n")
    recipe = with_values(
        load_recipe(CONFIG / "training" / "pneumonia-framed.yaml"), {"frame.lungs": "lungs", "frame.masks": wanted}
    )
    examples = COHORTS["montgomery"].load(made.montgomery(tmp_path / "films", side=64))
    outlines = LungFraming(recipe).outlines(examples)
    for example, outline in zip(examples, outlines, strict=True):
        drawn = shares(example.masks, 64) if example.masks else None
        assert (drawn is not None and np.array_equal(outline, drawn)) == (wanted and bool(example.masks))


def test_an_outline_keeps_half_cells(tmp_path: Path) -> None:
    cv2.imwrite(str(tmp_path / "mask.png"), np.repeat([[255, 0, 0, 255]], 4, axis=0).astype(np.uint8))
    np.testing.assert_allclose(shares([tmp_path / "mask.png"], 2), 0.5)
