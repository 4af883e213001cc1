"""Children's films with hand-made outlines of their lungs, for everything that asks where the evidence lies."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from converter.evaluation.changes import SIDE_MAX, Gray
from converter.evaluation.shown import gray_values
from training.data.cohorts import Example
from training.data.images import open_gray
from training.data.lung_masks import read_mask
from training.judging.bench import Bench, NotMeasured

# The outlines belong to films of this size; larger copies of them would show nothing more.
COHORT, SPLIT = "kermany224", "devtest"


@dataclass(frozen=True)
class Outlined:
    """gray: 0..1 [H, W]; lungs: bool [H, W]; positive: whether the finding is there."""

    example: Example
    gray: Gray
    lungs: NDArray[np.bool_]
    positive: bool


def outlined_examples(bench: Bench) -> list[Example]:
    """The films that training did not see and that have an outline. Raises NotMeasured where there are none."""
    found = [example for example in bench.examples(COHORT, [SPLIT]) if example.masks]
    if not found:
        raise NotMeasured(f"no film of {COHORT} in {SPLIT} has an outline of its lungs")
    return found


def load_outlined(bench: Bench, examples: Sequence[Example]) -> list[Outlined]:
    """Each film with its outline, at the size of the film. Raises NotMeasured for an outline that cannot be read."""
    found = []
    for example in examples:
        gray = gray_values(open_gray(example.path), SIDE_MAX)
        try:
            drawn = np.max([read_mask(file) for file in example.masks], axis=0)
        except SystemExit as error:  # WrongLayout
            raise NotMeasured(str(error)) from error
        fitted = cv2.resize(drawn, gray.shape[::-1], interpolation=cv2.INTER_LINEAR)
        found.append(Outlined(example, gray, np.asarray(fitted) >= 0.5, bench.is_positive(example)))
    return found


def grown(lungs: NDArray[np.bool_], share: float) -> NDArray[np.bool_]:
    """`lungs` wider by `share` of the film's width on every side."""
    pixels = round(share * lungs.shape[1])
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * pixels + 1, 2 * pixels + 1))
    return np.asarray(cv2.dilate(lungs.astype(np.uint8), kernel), dtype=np.bool_)


def midline(left: NDArray[np.bool_], right: NDArray[np.bool_]) -> float | None:
    """The column half way between the two lungs, in pixels from the left edge: in each row that both reach, the middle
    between the last column of `left` and the first of `right`; the median over rows. None where no row has both."""
    rows = np.flatnonzero(left.any(axis=1) & right.any(axis=1))
    if not len(rows):
        return None
    columns = left.shape[1]
    ends = columns - np.argmax(left[rows, ::-1], axis=1)
    starts = np.argmax(right[rows], axis=1)
    return float(np.median((ends + starts) / 2))
