"""What is said of a model is said by its own recipe: no statement of another one is taken over by silence."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.support.checkout import CONFIG
from training.learning.borrowed import borrowed, refuse_borrowed
from training.learning.inheritance import STATEMENTS, refuse_inherited
from training.learning.recipe import load_recipe, save_recipe, with_values

FOLDER = CONFIG / "training"
RECIPES = sorted(FOLDER.glob("*.yaml"))
OWN_USE = {
    "modalities": ["DX"],
    "body_parts": ["CHEST"],
    "views": ["PA"],
    "ages": {"min_years": 18, "max_years": 90},
    "statement": "Research use only. Learned from films of St. Elsewhere.",
    "limits": ["One hospital."],
}
WHOLE: dict[str, Any] = {
    "title": "Pneumonia at St. Elsewhere",
    "intended_use": OWN_USE,
    "cohorts": {"st-elsewhere": {"per_class": 4, "label_smoothing": 0}},
    "operating_point": {"decided_on": ["st-elsewhere"], "guarded": ["st-elsewhere"], "sensitivity_min": 0.9},
}


def extending(folder: Path, parent: Any = "seed-cam-224.yaml", **settings: Any) -> Path:
    file = folder / "own.yaml"
    file.write_text(yaml.safe_dump({"extends": str(FOLDER / parent), "name": "own", **settings}), encoding="utf-8")
    return file


@pytest.mark.parametrize("file", RECIPES, ids=lambda file: file.stem)
def test_every_shipped_recipe_makes_its_own_statements(file: Path) -> None:
    assert load_recipe(file).inherited == ()


@pytest.mark.parametrize("parent", RECIPES, ids=lambda file: file.stem)
def test_a_recipe_that_only_extends_may_not_be_packaged_and_reads_which_keys_are_missing(
    parent: Path, tmp_path: Path
) -> None:
    recipe = load_recipe(extending(tmp_path, parent.name))
    assert recipe.inherited == STATEMENTS
    with pytest.raises(SystemExit) as told:
        refuse_inherited(tmp_path, recipe.inherited)
    assert all(key in str(told.value) for key in STATEMENTS)


@pytest.mark.parametrize("key", ["title", "intended_use", "cohorts"])
def test_each_statement_that_is_left_out_is_named(key: str, tmp_path: Path) -> None:
    stated = {name: value for name, value in WHOLE.items() if name != key}
    if key == "cohorts":
        del stated["operating_point"]  # it names cohorts
    inherited = load_recipe(extending(tmp_path, **stated)).inherited
    assert key in inherited and not ({"title", "cohorts"} - {key}) & {*inherited}


def test_limits_are_a_statement_of_their_own(tmp_path: Path) -> None:
    without = {name: value for name, value in OWN_USE.items() if name != "limits"}
    assert load_recipe(extending(tmp_path, **WHOLE | {"intended_use": without})).inherited == ("intended_use.limits",)


def test_nothing_of_another_intended_use_stays_in_an_own_one(tmp_path: Path) -> None:
    recipe = load_recipe(extending(tmp_path, **WHOLE))
    assert recipe.inherited == ()
    assert recipe.intended_use.model_dump(mode="json", exclude_defaults=True) == OWN_USE
    whole = recipe.model_dump_json()
    assert "Guangzhou" not in whole and "children" not in whole


def test_an_intended_use_in_part_is_told_by_the_keys_that_it_lacks(tmp_path: Path) -> None:
    file = extending(tmp_path, **WHOLE | {"intended_use": {"statement": "Mine.", "limits": ["None known."]}})
    with pytest.raises(SystemExit, match=r"intended_use\.ages: Field required"):
        load_recipe(file)


def test_a_stage_of_the_same_films_and_findings_may_say_so(tmp_path: Path) -> None:
    assert load_recipe(extending(tmp_path, same_use=True)).inherited == ()


@pytest.mark.parametrize(
    ("other", "told"),
    [
        ({key: WHOLE[key] for key in ("cohorts", "operating_point")}, "cohorts"),
        ({"findings": [{"name": "effusion", "concept": {"value": "1", "scheme": "SCT", "meaning": "x"}}]}, "findings"),
    ],
)
def test_same_use_is_refused_for_other_films_or_findings(other: dict[str, Any], told: str, tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match=f"same_use: its {told} are not those"):
        load_recipe(extending(tmp_path, same_use=True, **other))


def test_what_a_middle_recipe_left_out_stays_missing_until_somebody_says_it(tmp_path: Path) -> None:
    middle = extending(tmp_path)
    last = tmp_path / "last.yaml"
    last.write_text(yaml.safe_dump({"extends": str(middle), "name": "last", "same_use": True}), encoding="utf-8")
    assert load_recipe(last).inherited == STATEMENTS
    last.write_text(yaml.safe_dump({"extends": str(middle), "name": "last", **WHOLE}), encoding="utf-8")
    assert load_recipe(last).inherited == ()


def test_a_run_and_a_tuned_recipe_remember_what_was_inherited(tmp_path: Path) -> None:
    recipe = load_recipe(extending(tmp_path))
    save_recipe(tmp_path / "recipe.yaml", with_values(recipe, {"learning_rate": 0.002}))
    assert load_recipe(tmp_path / "recipe.yaml").inherited == STATEMENTS


@pytest.mark.parametrize("file", RECIPES, ids=lambda file: file.stem)
def test_no_shipped_recipe_borrows_sentences_of_other_films(file: Path) -> None:
    assert list(borrowed(load_recipe(file))) == []


@pytest.mark.parametrize("parent", ["pneumonia.yaml", "seed-trio-pneumonia.yaml", "seed-covid-four-classes.yaml"])
def test_a_copied_recipe_for_other_films_is_refused_until_it_speaks_for_itself(parent: str, tmp_path: Path) -> None:
    of_others = load_recipe(FOLDER / parent)
    cohorts = {key: WHOLE[key] for key in ("cohorts", "operating_point")}
    copied = with_values(of_others, {"name": "own", **cohorts})
    with pytest.raises(
        SystemExit, match=r"intended_use\.statement is word for word that of .*, which learned from other"
    ):
        refuse_borrowed(tmp_path, copied)
    refuse_borrowed(tmp_path, with_values(copied, {"intended_use": OWN_USE}))
    kept = {**OWN_USE, "limits": [of_others.intended_use.limits[0]]}
    with pytest.raises(SystemExit, match=r"intended_use\.limits is word for word"):
        refuse_borrowed(tmp_path, with_values(copied, {"intended_use": kept}))
