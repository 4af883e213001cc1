"""A recipe says everything, and a wrong one is told by field before anything runs."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from pydantic import ValidationError

from tests.support.checkout import CONFIG
from training.learning.inheritance import EXTENDS_MAX
from training.learning.recipe import load_recipe, save_recipe, with_values

FOLDER = CONFIG / "training"
RECIPES = sorted(FOLDER.glob("*.yaml"))


@pytest.mark.parametrize("file", RECIPES, ids=lambda file: file.stem)
def test_every_shipped_recipe_is_valid_and_has_its_own_name(file: Path) -> None:
    recipe = load_recipe(file)
    assert [other for other in RECIPES if other != file and load_recipe(other).name == recipe.name] == []


@pytest.mark.parametrize("file", RECIPES, ids=lambda file: file.stem)
def test_every_shipped_recipe_declares_what_may_be_tuned(file: Path) -> None:
    assert load_recipe(file).search


def test_a_run_keeps_the_whole_recipe_whatever_it_extended(tmp_path: Path) -> None:
    recipe = load_recipe(FOLDER / "pneumonia-framed-refine.yaml")
    save_recipe(tmp_path / "recipe.yaml", recipe)
    assert "extends" not in (tmp_path / "recipe.yaml").read_text(encoding="utf-8")
    assert load_recipe(tmp_path / "recipe.yaml") == recipe


def test_an_extending_recipe_repeats_only_what_differs(tmp_path: Path) -> None:
    (tmp_path / "own.yaml").write_text(
        yaml.safe_dump({"extends": str(FOLDER / "pneumonia.yaml"), "name": "own", "augmentation": {"flip": 0.0}}),
        encoding="utf-8",
    )
    own, parent = load_recipe(tmp_path / "own.yaml"), load_recipe(FOLDER / "pneumonia.yaml")
    assert own.augmentation.flip == 0
    assert own.augmentation.gamma == parent.augmentation.gamma
    same = {"name": parent.name, "augmentation": parent.augmentation, "inherited": ()}
    assert own.model_copy(update=same) == parent


def test_other_cohorts_replace_those_of_the_extended_recipe() -> None:
    assert set(load_recipe(FOLDER / "seed-cam-224.yaml").cohorts) == {"kermany224"}


def test_recipes_that_extend_each_other_in_a_circle_are_told(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("extends: a.yaml\n", encoding="utf-8")
    with pytest.raises(SystemExit, match=f"more than {EXTENDS_MAX} recipes"):
        load_recipe(tmp_path / "a.yaml")


@pytest.mark.parametrize(
    ("path", "value", "told"),
    [
        ("augmentation.rotation_degrees", 90, "rotation_degrees"),
        ("augmentation.vertical_flip", 0.5, "there is no setting augmentation.vertical_flip"),
        ("network.strides", [2], "as many strides"),
        ("operating_point.guarded", ["nobody"], "not among those that decide"),
        ("operating_point.decided_on", ["kermany224", "nobody"], "nobody is not among the cohorts"),
        ("search", {"network.depth": {"low": 1, "high": 2}}, "there is no setting network.depth"),
        ("search", {"learning_rate": {"low": 0.1, "high": 0.01}}, "low must be below high"),
        ("search", {"network.dropout": {"low": 0.1, "high": 1.5}}, "network.dropout cannot be 1.5: .* less than 1"),
        ("search", {"network.stem": {"low": 8, "high": 24}}, "network.stem cannot be 13.09"),
        ("search", {"augmentation.flip": {"choices": [0, 2]}}, "augmentation.flip cannot be 2"),
        ("augmentation.zoom", [0, 1.2], "both above 0"),
        ("augmentation.zoom", [1.2, 0.8], "least, most"),
        ("network", {"family": "plain", "filters": [4] * 7, "dropout": 0}, "7 halvings leave no map of 128 x 128"),
        ("network.border", 0.1, "there is no setting network.border"),
        ("search", {"learning_rate": {"low": 0, "high": 1, "scale": "log"}}, "above 0 on a log scale"),
    ],
)
def test_an_impossible_setting_is_refused(path: str, value: object, told: str) -> None:
    with pytest.raises(ValueError, match=told):
        with_values(load_recipe(FOLDER / "pneumonia.yaml"), {path: value})


def test_two_findings_of_one_name_are_refused() -> None:
    recipe = load_recipe(FOLDER / "pneumonia.yaml")
    twice = [finding.model_dump() for finding in recipe.findings] * 2
    with pytest.raises(ValidationError, match="two findings have the same name"):
        with_values(recipe, {"findings": twice})


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (None, r"recipe\.yaml: No such file or directory"),
        ("name: [unclosed", r"recipe\.yaml: no YAML: "),
        ("- a list", r"recipe\.yaml: no recipe"),
        ("extends: nowhere.yaml", r"nowhere\.yaml: No such file or directory"),
        ("name: x", r"recipe\.yaml: network: Field required"),
    ],
)
def test_a_file_that_is_no_recipe_is_told_in_a_sentence(text: str | None, told: str, tmp_path: Path) -> None:
    if text is not None:
        (tmp_path / "recipe.yaml").write_text(text, encoding="utf-8")
    with pytest.raises(SystemExit, match=told):
        load_recipe(tmp_path / "recipe.yaml")


def test_a_network_without_a_family_is_told_and_not_a_key_error(tmp_path: Path) -> None:
    (tmp_path / "parent.yaml").write_text("network: {dropout: 0.1}", encoding="utf-8")
    (tmp_path / "child.yaml").write_text("{extends: parent.yaml, network: {stem: 4}}", encoding="utf-8")
    with pytest.raises(SystemExit, match="network: Unable to extract tag"):
        load_recipe(tmp_path / "child.yaml")


def test_a_wrong_file_is_told_by_field(tmp_path: Path) -> None:
    (tmp_path / "wrong.yaml").write_text(
        yaml.safe_dump({"extends": str(FOLDER / "pneumonia.yaml"), "steps": 0}), encoding="utf-8"
    )
    with pytest.raises(SystemExit, match=r"wrong\.yaml: steps: "):
        load_recipe(tmp_path / "wrong.yaml")
