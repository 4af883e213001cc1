"""What the first lines of recipes promise: the command that trains it, and runs that another command makes."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.recipes.line import RECIPES, START, Stage, in_order, needed, starts_from, text
from training.learning.recipe import load_recipe

NAMES = sorted(file.stem for file in RECIPES.glob("*.yaml"))


@pytest.mark.parametrize("name", [name for name in NAMES if starts_from(name)])
def test_what_a_recipe_starts_from_is_made_by_another_command(name: str) -> None:
    assert START.match(text(name))
    assert f"config/training/{name}.yaml" in text(name).splitlines()[0]
    assert starts_from(name) in NAMES


def test_recipes_come_after_those_they_start_from() -> None:
    assert in_order(["pneumonia-cause"]) == ["pneumonia-framed", "pneumonia-framed-refine", "pneumonia-cause"]
    order = in_order(NAMES)
    assert sorted(order) == NAMES
    for name in NAMES:
        assert all(order.index(before) < order.index(name) for before in needed(name))


def test_a_short_run_with_a_frame_has_lungs_of_a_short_fit(tmp_path: Path) -> None:
    stage = Stage("pneumonia-framed-refine", tmp_path, steps=5)
    taught = load_recipe(stage.here())
    assert taught.frame and taught.frame.lungs == tmp_path / "runs" / "lungs"
    commands = [command[1] for command in stage.commands([])]
    assert commands[:2] == ["lungs", "train"]
    stage.lungs.mkdir(parents=True)
    assert "lungs" not in [command[1] for command in stage.commands([])]
