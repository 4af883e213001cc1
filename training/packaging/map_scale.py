"""One colour scale for the maps of all films of a package, from the split that decided."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from converter.package.finding import MapScale
from converter.package.network import InputSpec
from converter.result.regions import OUTLINE_SIDE, evidence
from training.packaging.scores import Array, GraphScores

# Without so many films called present, and so many called absent, no scale is stated.
FILMS_MIN = 20
# What of the films called absent may go beyond STRONG of full colour.
ABSENT_MAX, STRONG = 0.01, 0.8


def map_scales(
    scores: GraphScores, spec: InputSpec, thresholds: Sequence[float], fitted_on: str
) -> list[MapScale | None]:
    """The scale of each finding, in the order of the outputs; None where too few films are called present or absent."""
    cams = scores.cam if spec.layout == "NCHW" else np.moveaxis(scores.cam, -1, 1)
    return [
        map_scale(cams[:, place], scores.probability[:, place] >= threshold, fitted_on)
        for place, threshold in enumerate(thresholds)
    ]


def map_scale(cams: Array, called: NDArray[np.bool_], fitted_on: str) -> MapScale | None:
    """`cams` [films, h, w] of one finding, and which of the films are called present."""
    if min(called.sum(), (~called).sum()) < FILMS_MIN:
        return None
    peaks = np.array([evidence(cam, OUTLINE_SIDE, OUTLINE_SIDE).max() for cam in cams], np.float64)
    present, absent = peaks[called], peaks[~called]
    full = round(max(float(np.median(present)), float(np.quantile(absent, 1 - ABSENT_MAX)) / STRONG), 1)
    if full <= 0:
        return None
    beyond = float((absent > STRONG * full).mean())
    return MapScale(full=full, fitted_on=fitted_on, present=len(present), absent=len(absent), absent_above=beyond)
