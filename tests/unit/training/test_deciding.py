"""Calibration and threshold see films as they are first, then copies of them as other consoles would show them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.support.checkout import CONFIG
from tests.support.cohorts.small_cohorts import draw_cohorts
from training.data.images import load_model_inputs
from training.data.recipe_data import load_recipe_data
from training.learning.recipe import load_recipe, with_values
from training.packaging.deciding import deciding_films


@pytest.mark.parametrize("layout", ["NCHW", "NHWC"])
@pytest.mark.parametrize("framed", [True, False])
@pytest.mark.parametrize("copies", [0, 2])
def test_copies_follow_the_films_that_they_are_made_of(
    layout: str, framed: bool, copies: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    values = {"operating_point.changed": copies, "input.layout": layout, "input.height": 64, "input.width": 64}
    recipe = with_values(load_recipe(CONFIG / "training" / f"pneumonia{'-framed' if framed else ''}.yaml"), values)
    data = draw_cohorts(tmp_path / "data", "kermany224")
    examples = load_recipe_data(["kermany224"], [str(data)])[:6]
    found = deciding_films(recipe, examples)
    assert (found.plain, len(found.examples), len(found.inputs)) == (6, 6 * (1 + copies), 6 * (1 + copies))
    np.testing.assert_array_equal(found.inputs[:6], load_model_inputs(examples, recipe.input))
    assert found.examples == [*examples] * (1 + copies)
    np.testing.assert_array_equal(found.inputs, deciding_films(recipe, examples).inputs)
    for copy in range(1, 1 + copies):
        changed = np.abs(found.inputs[6 * copy : 6 * copy + 6] - found.inputs[:6]).mean(axis=(1, 2, 3))
        assert (changed > 0.02).all() and np.isfinite(found.inputs).all()
