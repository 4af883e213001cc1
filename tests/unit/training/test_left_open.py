"""No package is made while recipe or cohort still ask what only a person can say, wherever the pictures lie now."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.recipes.own_films import OWN_FILMS, draw_described
from tests.support.checkout import CHECKOUT
from training.data.recipe_data import load_recipe_data
from training.data.remembered import remember
from training.learning.first_recipe import TO_BE_SAID
from training.learning.left_open import refuse_left_open
from training.learning.recipe import Recipe, load_recipe

pytestmark = pytest.mark.usefixtures("alone")


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return draw_described(tmp_path_factory.mktemp("own") / "films", 24, 64)


@pytest.fixture
def recipe(whole: Recipe) -> Recipe:
    return whole.model_copy(update={"cohorts": {OWN_FILMS: next(iter(whole.cohorts.values()))}})


@pytest.fixture(scope="module")
def whole() -> Recipe:
    return load_recipe(CHECKOUT / "config" / "training" / "pneumonia.yaml")


def ask(cohort: Path) -> None:
    text = cohort.read_text(encoding="utf-8")
    cohort.write_text(text.replace("licence: ", f"licence: '{TO_BE_SAID}under which' #", 1), encoding="utf-8")
    assert TO_BE_SAID in cohort.read_text(encoding="utf-8")


@pytest.mark.parametrize("is_remembered", [True, False])
@pytest.mark.parametrize("is_moved", [True, False])
def test_the_cohort_is_asked_where_it_lies(recipe: Recipe, films: Path, is_remembered: bool, is_moved: bool) -> None:
    run = Path("runs/first")
    run.mkdir(parents=True)
    given = [f"{OWN_FILMS}={films}"]
    if is_remembered:
        remember(run, {OWN_FILMS: films}, load_recipe_data([OWN_FILMS], given))
    if is_moved:
        films = films.rename(films.parent / "elsewhere")
        given = [f"{OWN_FILMS}={films}"]
    refuse_left_open(run, recipe, given)
    ask(films / "cohort.yaml")
    with pytest.raises(SystemExit, match=r"cohort\.yaml: complete the lines with 'TO BE SAID:'"):
        refuse_left_open(run, recipe, given if is_moved or not is_remembered else [])


def test_the_recipe_is_asked_too(recipe: Recipe, films: Path) -> None:
    asking = recipe.model_copy(update={"title": f"{TO_BE_SAID}what it is called"})
    with pytest.raises(SystemExit, match=r"recipe\.yaml: complete the lines"):
        refuse_left_open(Path("runs"), asking, [f"{OWN_FILMS}={films}"])
