"""Training batches: the same number of images of each class from each cohort, drawn ahead by one thread."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from training.augment import augment
from training.cohorts import Example
from training.recipe import Recipe

AHEAD = 4


@dataclass(frozen=True)
class Batch:
    """images: [n, H, W, 1]; targets: [n], softened labels."""

    images: NDArray[np.float32]
    targets: NDArray[np.float32]


class BatchSource:
    """Batch number k depends on the seed and k alone, so a run can be repeated and continued."""

    def __init__(self, recipe: Recipe, examples: Sequence[Example], images: NDArray[np.uint8]) -> None:
        self._recipe = recipe
        self._images = images
        self._groups = [
            (np.array(members), positive, share)
            for cohort, share in recipe.cohorts.items()
            for positive in (False, True)
            if (members := [i for i, e in enumerate(examples) if e.cohort == cohort and e.positive == positive])
        ]

    def batch(self, number: int) -> Batch:
        rng = np.random.default_rng([self._recipe.seed, number])
        images: list[NDArray[np.float32]] = []
        targets: list[float] = []
        for members, positive, share in self._groups:
            for index in rng.choice(members, share.per_class):
                images.append(augment(self._images[index], self._recipe.augmentation, self._recipe.input, rng))
                targets.append(float(positive) * (1 - share.label_smoothing) + share.label_smoothing / 2)
        return Batch(np.stack(images)[..., np.newaxis], np.array(targets, dtype=np.float32))

    def batches(self, count: int) -> Iterator[Batch]:
        """Batches 0 to count - 1, a few of them prepared while the network works on the one before."""
        with ThreadPoolExecutor(1) as pool:
            waiting = [pool.submit(self.batch, number) for number in range(min(AHEAD, count))]
            for number in range(count):
                done = waiting.pop(0).result()
                if number + AHEAD < count:
                    waiting.append(pool.submit(self.batch, number + AHEAD))
                yield done
            pool.shutdown(cancel_futures=True)
