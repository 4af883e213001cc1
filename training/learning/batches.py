"""Training batches: images of each class of each cohort in fixed numbers, drawn ahead by one thread."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from training.data.cohorts import COHORTS, Example
from training.data.images import load_targets
from training.learning.augment import augment
from training.learning.framed import OutlinedFilm, framed_film
from training.learning.recipe import FrameRecipe, Recipe

AHEAD = 4
# The target of a finding for which a cohort is not labelled: nothing is learned from it.
UNKNOWN = -1.0
# The target of a film that cannot answer.
NO_OPINION = 0.5


@dataclass(frozen=True)
class Batch:
    """images: [n, H, W, 1]; targets: [n, findings], softened labels or UNKNOWN; weights: [n], their mean about 1.

    Where the recipe has a frame: cells and places, [n, h, w, 1], as FramedFilm has them.
    """

    images: NDArray[np.float32]
    targets: NDArray[np.float32]
    weights: NDArray[np.float32]
    cells: NDArray[np.float32] | None = None
    places: NDArray[np.float32] | None = None


@dataclass(frozen=True)
class ExampleGroup:
    """The images of one class of one cohort; or, where the loss is weighted, all images of the cohort.

    members: places among the examples; drawn: how many come into a batch; weights: of each member in the loss.
    """

    members: NDArray[np.int64]
    drawn: int
    weights: NDArray[np.float64]


def known_targets(examples: Sequence[Example], findings: Sequence[str]) -> NDArray[np.float32]:
    """[images, findings]: 1 or 0, and UNKNOWN where the cohort is not labelled for the finding.

    Images of your own are labelled for what any of them shows.
    """
    targets = load_targets(examples, findings)
    labelled: dict[str, set[str]] = {}
    for example in examples:
        known = COHORTS[example.cohort].findings if example.cohort in COHORTS else example.findings
        labelled.setdefault(example.cohort, set()).update(known)
    answered = [[finding in labelled[example.cohort] for finding in findings] for example in examples]
    return np.where(answered, targets, np.float32(UNKNOWN))


def groups(recipe: Recipe, examples: Sequence[Example]) -> list[ExampleGroup]:
    """What a batch is drawn from: each class (each set of findings) of each cohort, or each cohort with weights.

    Ends the program where a cohort has no images.
    """
    labels = known_targets(examples, recipe.finding_names)
    cohorts = np.array([example.cohort for example in examples])
    found: list[ExampleGroup] = []
    for cohort, share in recipe.cohorts.items():
        members = np.flatnonzero(cohorts == cohort)
        if not len(members):
            raise SystemExit(f"{cohort} has no images to learn from")
        classes, of_class = np.unique(labels[members], axis=0, return_inverse=True)
        of_class = of_class.ravel()
        if recipe.imbalance == "class-weights":
            weights = len(members) / len(classes) / np.bincount(of_class)
            found.append(ExampleGroup(members, share.per_class * len(classes), weights[of_class]))
        else:
            parts = [members[of_class == place] for place in range(len(classes))]
            found += [ExampleGroup(part, share.per_class, np.ones(len(part))) for part in parts]
    return found


class BatchSource:
    """Batch number k depends on the seed and k alone, so a run can be repeated and continued.

    `soft` [images, findings] are the answers of teachers, which make up their share of each known target; `lungs`
    [images, 64, 64] the outlines, where the recipe has a frame.
    """

    def __init__(
        self,
        recipe: Recipe,
        examples: Sequence[Example],
        images: NDArray[np.uint8],
        soft: NDArray[np.float32] | None = None,
        lungs: NDArray[np.float32] | None = None,
    ) -> None:
        self._recipe = recipe
        self._images, self._lungs = images, lungs
        labels = known_targets(examples, recipe.finding_names)
        softness = [recipe.cohorts[example.cohort].label_smoothing for example in examples]
        smoothing = np.array(softness, dtype=np.float32)[:, np.newaxis]
        targets = labels * (1 - smoothing) + smoothing / 2
        if soft is not None and recipe.teachers:
            targets = (1 - recipe.teachers.weight) * targets + recipe.teachers.weight * soft
        self._negative = (labels == 0).all(axis=1)
        self._targets = np.where(labels == UNKNOWN, labels, targets).astype(np.float32)
        self._groups = groups(recipe, examples)
        self._weights = np.ones(len(examples), dtype=np.float32)
        for group in self._groups:
            self._weights[group.members] = group.weights

    def batch(self, number: int) -> Batch:
        recipe = self._recipe
        rng = np.random.default_rng([recipe.seed, number])
        drawn = np.concatenate([rng.choice(group.members, group.drawn) for group in self._groups])
        if recipe.frame is not None:
            return self._framed(drawn, recipe.frame, rng)
        images = np.stack([augment(self._images[index], recipe.augmentation, recipe.input, rng) for index in drawn])
        return Batch(images[..., np.newaxis], self._targets[drawn], self._weights[drawn])

    def _framed(self, drawn: NDArray[np.int64], frame: FrameRecipe, rng: np.random.Generator) -> Batch:
        """A drawn opacity makes a film positive for every finding; a film without lungs says nothing either way."""
        targets = self._targets[drawn]
        made = []
        for place, (index, other) in enumerate(zip(drawn, rng.permutation(drawn), strict=True)):
            films = self._film(index), self._film(other)
            negative = bool(self._negative[index])
            one = framed_film(*films, negative, frame, self._recipe.augmentation, self._recipe.map_shape, rng)
            if one.opacity:
                targets[place] = 1 - targets[place]
            if one.removed:
                targets[place] = np.where(targets[place] == UNKNOWN, UNKNOWN, NO_OPINION)
            made.append(one)
        images, cells, places = (
            np.stack([getattr(one, name) for one in made])[..., np.newaxis] for name in ("image", "cells", "places")
        )
        return Batch(images, targets, self._weights[drawn], cells, places)

    def _film(self, index: int) -> OutlinedFilm:
        assert self._lungs is not None, "a recipe with a frame comes with outlines"
        return OutlinedFilm(self._images[index], self._lungs[index])

    def batches(self, count: int, start: int = 0) -> Iterator[Batch]:
        """Batches `start` to `count` - 1, a few of them prepared while the network works on the one before."""
        with ThreadPoolExecutor(1) as pool:
            waiting = [pool.submit(self.batch, number) for number in range(start, min(start + AHEAD, count))]
            for number in range(start, count):
                done = waiting.pop(0).result()
                if number + AHEAD < count:
                    waiting.append(pool.submit(self.batch, number + AHEAD))
                yield done
            pool.shutdown(cancel_futures=True)
