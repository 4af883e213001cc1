"""Statistics of rendered images, and how they and the scores are spread over the films of a validation split."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import get_args

import cv2
import numpy as np
from numpy.typing import ArrayLike, NDArray

from converter.package.distribution import Distribution, Histogram, InputStatistic

STATISTICS: tuple[InputStatistic, ...] = get_args(InputStatistic)
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
