"""How scores and images are spread: measured once on a package's validation films, counted again where it serves.

The distance between the two is the population stability index (PSI), sum of (p - q) ln(p / q) over the bins: below 0.1
little has changed, above 0.25 the films are others than those the model was validated with (the custom of Siddiqi,
Credit Risk Scorecards, 2006). Of few images it is large by chance alone; see `by_chance`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import get_args

import cv2
import numpy as np
from numpy.typing import ArrayLike, NDArray

from converter.package.manifest import Distribution, Histogram, InputStatistic

STATISTICS: tuple[InputStatistic, ...] = get_args(InputStatistic)
DECLINED = "declined"
BINS = 10
# Every image is averaged to this size first, so that a film of 12 megapixels and a preview of it have equal statistics.
SIDE = 128
PERCENTILES = (5, 50, 95)
DIGITS = 6


def input_statistics(preview: NDArray[np.uint8]) -> dict[InputStatistic, float]:
    """Mean, standard deviation and percentiles of the gray levels (0..1) of a rendered image [rows, columns], before
    any normalisation, and its width over its height. `preview` is that of converter.image.convert."""
    gray = cv2.resize(preview, (SIDE, SIDE), interpolation=cv2.INTER_AREA).astype(np.float64) / 255
    p5, p50, p95 = np.percentile(gray, PERCENTILES)
    rows, columns = preview.shape
    values = (gray.mean(), gray.std(), p5, p50, p95, columns / rows)
    return {name: float(value) for name, value in zip(STATISTICS, values, strict=True)}


def measure_distribution(
    fitted_on: str,
    findings: Sequence[str],
    probability: ArrayLike,
    statistics: Sequence[Mapping[InputStatistic, float]],
    declined: int | None = None,
) -> Distribution:
    """The `distribution` section of a manifest. Raises ValueError when there is nothing to measure.

    probability: calibrated, [films, findings]. statistics: `input_statistics` of the same films. declined: films of the
    same split that were declined for their pixels or by the gate, beside those scored; None = not measured.
    A number that is (nearly) the same on all films makes no histogram, and is left out.
    """
    scores = np.asarray(probability, dtype=np.float64)
    images = len(scores)
    if scores.shape != (len(statistics), len(findings)) or not images:
        raise ValueError(f"{scores.shape} scores and {len(statistics)} films do not belong together")
    measured_scores = {name: histogram(scores[:, place]) for place, name in enumerate(findings)}
    measured_inputs = {name: histogram([film[name] for film in statistics]) for name in STATISTICS}
    return Distribution(
        fitted_on=fitted_on,
        images=images,
        scores={name: found for name, found in measured_scores.items() if found is not None},
        inputs={name: found for name, found in measured_inputs.items() if found is not None},
        declined_share=None if declined is None else round(declined / (images + declined), DIGITS),
    )


def histogram(values: ArrayLike, bins: int = BINS) -> Histogram | None:
    """Bins that hold about as many values each; None where the values do not spread over two."""
    numbers = np.asarray(values, dtype=np.float64)
    if not np.isfinite(numbers).all():
        raise ValueError("NaN or infinity among the values")
    edges = np.unique(np.round(np.quantile(numbers, np.linspace(0, 1, bins + 1)[1:-1]), DIGITS))
    counts = np.bincount(np.searchsorted(edges, numbers, side="right"), minlength=len(edges) + 1)
    if np.count_nonzero(counts) < 2:
        return None
    return Histogram(edges=tuple(edges.tolist()), shares=tuple(round(n / numbers.size, DIGITS) for n in counts))


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
