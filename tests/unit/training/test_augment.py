"""Training images are changed strongly, reproducibly, and stay what the network takes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.support.examples import labelled
from tests.support.phantoms import draw_chest
from training.augment import augment
from training.batches import BatchSource
from training.cohorts import Example
from training.recipe import Recipe, load_recipe

RECIPE = Path(__file__).parents[3] / "config" / "training" / "pneumonia.yaml"


@pytest.fixture
def recipe() -> Recipe:
    return load_recipe(RECIPE)


@pytest.fixture
def film() -> np.ndarray:
    return np.rint(draw_chest(160, 160) * 255).astype(np.uint8)


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
