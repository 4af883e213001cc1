"""Training images are changed strongly, reproducibly, and stay what the network takes."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from converter.phantom.chest_sketch import sketch_chest
from tests.support.checkout import CONFIG
from tests.support.cohorts.examples import labelled
from training.data.cohorts import Example
from training.learning.artefacts import add_artefacts, collimate
from training.learning.augment import augment
from training.learning.batches import UNKNOWN, BatchSource, groups, known_targets
from training.learning.recipe import Recipe, load_recipe, with_values

RECIPE = CONFIG / "training" / "pneumonia.yaml"


@pytest.fixture
def recipe() -> Recipe:
    return load_recipe(RECIPE)


@pytest.fixture
def film() -> np.ndarray:
    return np.rint(sketch_chest(160, 160) * 255).astype(np.uint8)


def examples_of(recipe: Recipe) -> list[Example]:
    return [
        labelled(Path(f"{cohort}/{n}.jpg"), cohort, n % 2 == 0, "train", f"{cohort}:{n}")
        for cohort in recipe.cohorts
        for n in range(4)
    ]


def test_an_augmented_film_is_a_valid_network_input(recipe: Recipe, film: np.ndarray) -> None:
    for seed in range(20):
        changed = augment(film, recipe.augmentation, recipe.input, np.random.default_rng(seed))
        assert changed.shape == (recipe.input.height, recipe.input.width)
        assert changed.dtype == np.float32
        assert np.abs(changed).max() <= recipe.input.normalisation.clip
        assert changed.std() > 0.1


def test_the_same_seed_makes_the_same_film(recipe: Recipe, film: np.ndarray) -> None:
    first, again, other = (
        augment(film, recipe.augmentation, recipe.input, np.random.default_rng(seed)) for seed in (1, 1, 2)
    )
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


def test_a_batch_holds_both_classes_of_every_cohort_in_equal_number(recipe: Recipe, film: np.ndarray) -> None:
    examples = examples_of(recipe)
    batch = BatchSource(recipe, examples, np.stack([film] * len(examples))).batch(0)
    assert len(batch.images) == 2 * sum(share.per_class for share in recipe.cohorts.values())
    assert (batch.targets > 0.5).sum() == (batch.targets < 0.5).sum()
    assert batch.targets.min() > 0
    assert batch.targets.max() < 1


def test_batches_depend_on_the_seed_and_their_number_alone(recipe: Recipe, film: np.ndarray) -> None:
    examples = examples_of(recipe)
    source = BatchSource(recipe, examples, np.stack([film] * len(examples)))
    drawn = list(source.batches(6))
    assert len(drawn) == 6
    assert all(np.array_equal(batch.images, source.batch(n).images) for n, batch in enumerate(drawn))
    assert not np.array_equal(drawn[0].images, drawn[1].images)


def test_rarer_classes_weigh_more_where_images_come_as_they_are(recipe: Recipe, film: np.ndarray) -> None:
    weighted = with_values(recipe, {"imbalance": "class-weights"})
    examples = examples_of(recipe)
    examples += [labelled(Path(f"nih512/{n}.jpg"), "nih512", True, "train", f"nih512:{n}") for n in range(4, 12)]
    found = groups(weighted, examples)
    assert len(found) == len(recipe.cohorts)
    nih = found[list(recipe.cohorts).index("nih512")]
    positive = np.array([examples[place].positive for place in nih.members])
    assert nih.weights[positive].sum() == pytest.approx(nih.weights[~positive].sum())
    assert nih.weights.mean() == pytest.approx(1)
    batch = BatchSource(weighted, examples, np.stack([film] * len(examples))).batch(0)
    assert len(batch.images) == 2 * sum(share.per_class for share in recipe.cohorts.values())
    assert {round(float(weight), 3) for weight in batch.weights} == {1.0, 0.6, 3.0}


def test_a_cohort_without_images_is_told(recipe: Recipe) -> None:
    others = [example for example in examples_of(recipe) if example.cohort != "nih512"]
    with pytest.raises(SystemExit, match="nih512 has no images"):
        groups(recipe, others)


def test_classes_are_sets_of_findings_and_what_a_cohort_does_not_say_is_unknown() -> None:
    examples = [
        replace(labelled(Path("a"), "hannover512", True, "train", "a"), findings=frozenset({"covid-19", "pneumonia"})),
        labelled(Path("b"), "nih512", False, "train", "b"),
    ]
    assert known_targets(examples, ("pneumonia", "covid-19")).tolist() == [[1, 1], [0, UNKNOWN]]
    own = [replace(example, cohort="st-elsewhere") for example in examples]
    assert known_targets(own, ("covid-19", "effusion")).tolist() == [[1, UNKNOWN], [0, UNKNOWN]]


@pytest.mark.parametrize("artefact", ["device", "scatter", "quantum_noise", "collimation", "marker"])
def test_an_artefact_changes_the_film_and_leaves_it_one(artefact: str, recipe: Recipe, film: np.ndarray) -> None:
    gray = film.astype(np.float32) / np.float32(255)
    always = recipe.augmentation.model_copy(update={artefact: 1.0})
    for seed in range(10):
        before = gray.copy()
        changed = add_artefacts(gray, always, np.random.default_rng(seed))
        assert changed.dtype == np.float32
        assert changed.shape == gray.shape
        assert changed.min() >= 0
        assert changed.max() <= 1
        assert not np.array_equal(changed, gray)
        assert np.corrcoef(changed.ravel(), gray.ravel())[0, 1] > 0.4
        assert np.array_equal(before, gray)


def test_no_artefact_is_drawn_unless_a_recipe_asks_for_it(recipe: Recipe, film: np.ndarray) -> None:
    none = recipe.augmentation.model_copy(
        update=dict.fromkeys(("device", "scatter", "quantum_noise", "collimation", "marker"), 0.0)
    )
    gray = film.astype(np.float32) / np.float32(255)
    assert add_artefacts(gray, none, np.random.default_rng(0)) is gray


def test_shutters_leave_the_middle_of_the_film(film: np.ndarray) -> None:
    gray = film.astype(np.float32) / np.float32(255)
    for seed in range(20):
        cut = collimate(gray, np.random.default_rng(seed))
        assert np.array_equal(cut[27:133, 27:133], gray[27:133, 27:133])
