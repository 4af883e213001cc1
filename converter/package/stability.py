"""How far the scores and images of a node are from those that its model was validated with.

The distance is the population stability index (PSI), sum of (p - q) ln(p / q) over the bins: below 0.1 little has
changed, above 0.25 the films are others than those the model was validated with (the custom of Siddiqi, Credit Risk
Scorecards, 2006). Of few images it is large by chance alone; see `by_chance`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np

from converter.package.distribution import Distribution, Histogram, InputStatistic

DECLINED = "declined"


def references(distribution: Distribution) -> dict[str, Histogram]:
    """Everything of `distribution` that can be compared, by name: score:FINDING, input:STATISTIC, declined."""
    found = {f"score:{name}": one for name, one in distribution.scores.items()}
    found |= {f"input:{name}": one for name, one in distribution.inputs.items()}
    if distribution.declined_share is not None:
        share = distribution.declined_share
        found[DECLINED] = Histogram(edges=(0.5,), shares=(1 - share, share))
    return found


def bins_of_image(
    distribution: Distribution,
    probability: Mapping[str, float] | None,
    statistics: Mapping[InputStatistic, float] | None,
) -> dict[str, int]:
    """The bin of each compared number of one image. `probability` is None for one that was declined for its pixels;
    `statistics` too where it was not rendered."""
    values: dict[str, float] = {DECLINED: float(probability is None)}
    values |= {f"score:{name}": value for name, value in (probability or {}).items()}
    values |= {f"input:{name}": value for name, value in (statistics or {}).items()}
    return {
        name: int(np.searchsorted(one.edges, values[name], side="right"))
        for name, one in references(distribution).items()
        if name in values
    }


def stability_index(reference: Histogram, reference_images: int, counts: Sequence[int]) -> float:
    """PSI of `counts` against `reference`. A bin that is empty on one side counts as half an image there."""
    images = sum(counts)
    if len(counts) != len(reference.shares) or not images:
        raise ValueError(f"{len(counts)} counts of {images} images for {len(reference.shares)} bins")
    floors = (0.5 / images, 0.5 / reference_images)
    pairs = (
        (max(count / images, floors[0]), max(share, floors[1]))
        for count, share in zip(counts, reference.shares, strict=True)
    )
    return sum((p - q) * math.log(p / q) for p, q in pairs)


def by_chance(reference: Histogram, reference_images: int, images: int) -> tuple[float, float]:
    """The PSI to expect of `images` films that are just like the reference, (bins - 1)(1/n + 1/m), and the one that
    they hardly ever reach, five standard deviations above: PSI is nearly a multiple of a chi-squared variable with
    bins - 1 degrees of freedom (Yurdakul, Statistical Properties of Population Stability Index, 2018)."""
    free, scale = len(reference.shares) - 1, 1 / images + 1 / reference_images
    return free * scale, (free + 5 * math.sqrt(2 * free)) * scale
