"""What the first lines of recipes promise: the command that trains it, and runs that another command makes."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.recipes.line import BEFORE, RECIPES, RUNS, START, Stage, in_order, needed, starts_from, text
from tests.support.checkout import CHECKOUT
from training.learning.recipe import load_recipe

NAMES = sorted(file.stem for file in RECIPES.glob("*.yaml"))
MADE = {*NAMES, *(found[3] for found in (BEFORE.search(text(name)) for name in NAMES) if found)}


@pytest.mark.parametrize("name", [name for name in NAMES if starts_from(name)])
def test_what_a_recipe_starts_from_and_learns_from_is_made_by_another_command(name: str) -> None:
    assert START.match(text(name))
    assert f"config/training/{name}.yaml" in text(name).splitlines()[0]
    teachers = load_recipe(RECIPES / f"{name}.yaml").teachers
    for run in [str(starts_from(name)), *(run.removeprefix(RUNS) for run in (teachers.runs if teachers else ()))]:
        assert run in MADE


def test_the_package_whose_weights_a_recipe_takes_is_in_the_repository() -> None:
    commands = [found for found in (BEFORE.search(text(name)) for name in NAMES) if found]
    taken = [found[2].split() for found in commands if found[1] == "from-package"]
    assert taken
    for package, recipe in taken:
        assert (CHECKOUT / package / "model.onnx").is_file()
        assert (CHECKOUT / recipe).is_file()


def test_recipes_come_after_those_they_start_from() -> None:
    assert in_order(["pneumonia-student"]) == ["pneumonia-160", "pneumonia-160-refine", "pneumonia-student"]
    order = in_order(NAMES)
    assert sorted(order) == NAMES
    for name in NAMES:
        assert all(order.index(before) < order.index(name) for before in needed(name))


def test_a_student_of_a_short_run_has_short_runs_as_teachers(tmp_path: Path) -> None:
    stage = Stage("pneumonia-student", tmp_path, steps=5)
    taught = load_recipe(stage.here())
    assert taught.teachers
    assert all(run.startswith(str(tmp_path)) for run in taught.teachers.runs)
    assert load_recipe(RECIPES / "pneumonia-student.yaml").teachers != taught.teachers
