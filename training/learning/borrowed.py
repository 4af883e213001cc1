"""Sentences of a shipped recipe in a recipe for other films: copied, and therefore not true."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from training.learning.first_recipe import TEMPLATE
from training.learning.recipe import Recipe, load_recipe


def refuse_borrowed(run: Path, recipe: Recipe) -> None:
    """End the program where `recipe` says of its model, word for word, what was said of one of other films."""
    for key, sentence, shipped in borrowed(recipe):
        raise SystemExit(
            f"{run / 'recipe.yaml'}: {key} is word for word that of {shipped}, which learned from other films: "
            f'"{sentence[:100]}..." would stand in reports about a model that never saw them. Say what is true of yours'
        )


def borrowed(recipe: Recipe) -> Iterator[tuple[str, str, str]]:
    """(key, sentence, a shipped recipe) of each sentence that only recipes without a cohort of `recipe` say."""
    shipped = [load_recipe(file) for file in sorted(TEMPLATE.parent.glob("*.yaml")) if file != TEMPLATE]
    for key, sentence in sentences(recipe):
        saying = [other for other in shipped if sentence in {text for _, text in sentences(other)}]
        if saying and not any({*other.cohorts} & {*recipe.cohorts} for other in saying):
            yield key, sentence, saying[0].name


def sentences(recipe: Recipe) -> Iterator[tuple[str, str]]:
    use = recipe.intended_use
    yield "intended_use.statement", use.statement
    if use.ages.reason:
        yield "intended_use.ages.reason", use.ages.reason
    for limit in use.limits:
        yield "intended_use.limits", limit
