"""The validation split during a run: AUC by cohort and finding, and one number that a run may be stopped by."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from converter.evaluation.metrics import auc
from training.data.cohorts import Example
from training.learning.batches import known_targets
from training.learning.recipe import Recipe

# Fewer images of a class than this make no AUC worth printing.
SHOWN_IMAGES_MIN = 2


class Watch:
    """Patients of val are in no other split (training.data.splits); none of their images is learned from."""

    def __init__(self, recipe: Recipe, examples: Sequence[Example]) -> None:
        self._targets = known_targets(examples, recipe.finding_names)
        self._cohorts = np.array([example.cohort for example in examples])
        self._names = recipe.finding_names

    def figures(self, scores: NDArray[np.float32], images_min: int = SHOWN_IMAGES_MIN) -> dict[str, float]:
        """The AUC of each cohort (and finding, where there are several) with `images_min` images of either class."""
        found = {}
        for cohort in dict.fromkeys(self._cohorts.tolist()):
            for place, finding in enumerate(self._names):
                members = (self._cohorts == cohort) & (self._targets[:, place] >= 0)
                positive = self._targets[members, place] == 1
                if min(positive.sum(), (~positive).sum()) >= images_min:
                    name = cohort if len(self._names) == 1 else f"{cohort} {finding}"
                    found[name] = round(auc(positive, scores[members, place].astype(np.float64)), 4)
        return found

    def judged_by(self, images_min: int) -> list[str]:
        """Which figures rest on `images_min` images of either class."""
        return list(self.figures(np.zeros(self._targets.shape, np.float32), images_min))

    def mean(self, scores: NDArray[np.float32], images_min: int) -> float:
        """The mean of the figures that rest on enough images: each cohort counts alike, however large."""
        figures = self.figures(scores, images_min)
        return float(np.mean(list(figures.values()))) if figures else float("nan")
