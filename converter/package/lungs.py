"""The outline of the lungs that a graph gives: when there are lungs, when a film has the whole of them, and how well
outlines fit."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from converter.package.section import PackageSection

Outline = NDArray[np.float32]

LEVEL = 0.5
SIDE_CELLS_MIN, SIDE_CELLS_MAX = 16, 512


class OutlineFit(PackageSection):
    """How well outlines fit those drawn by hand, on films that the network did not learn from: Dice, twice the common
    area over the sum of the areas, of each film."""

    films: int = Field(ge=1)
    mean: float = Field(ge=0, le=1)
    median: float = Field(ge=0, le=1)
    fifth_percentile: float = Field(ge=0, le=1)
    least: float = Field(ge=0, le=1)


class OutlineSource(PackageSection):
    """Films with lungs drawn by hand that the outline was learned from."""

    name: str
    films: int = Field(ge=1)
    licence: str


class Lungs(PackageSection):
    """An output of the graph that outlines the lungs: [N, 1, h, w], whatever the layout of the input, the share of lung
    in each cell of the whole input, 0..1. The graph looks at a frame round them, or at the whole film where it finds
    none; `level` to `beyond` are the numbers that it goes by, and have to be the same here.

    A film whose lungs touch more than `edge_max` of one of its edges does not have the whole of them, and is declined.
    So is one with a single lung in its middle: that is one half of a film. A lung that is the only one because the
    other is opaque lies on its side of the film.
    """

    output: str = "lungs"
    level: float = Field(LEVEL, ge=LEVEL, le=LEVEL, description="share from above which a cell counts as lung")
    area_min: float = Field(0.05, ge=0, lt=1, description="least share of the film that is lung")
    side_min: float = Field(0.3, ge=0, lt=1, description="least width and height of their box, as shares of the film")
    beyond: float = Field(0.01, ge=0, lt=0.5, description="share of the lungs that may lie beyond each side of the box")
    edge_max: float = Field(0.45, gt=0, le=1, description="largest share of one edge of the film that lung may touch")
    middle_min: float = Field(
        0.2, gt=0, le=0.5, description="share of a single lung on either side of the middle from which it lies there"
    )
    fit: OutlineFit | None = None
    sources: tuple[OutlineSource, ...] = ()
    limits: tuple[str, ...] = Field((), description="what it must not be relied on for, a sentence each")


def inside(outline: Outline) -> NDArray[np.bool_]:
    """Which cells of `outline` [h, w] are lung."""
    return np.asarray(outline > LEVEL)
