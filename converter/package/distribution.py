"""How scores and images were spread over the films that a package was validated with."""

from __future__ import annotations

import math
from typing import Literal

from pydantic import Field, model_validator

from converter.package.section import Name, PackageSection

BINS_MAX = 32

InputStatistic = Literal["mean", "deviation", "p5", "p50", "p95", "aspect"]


class Histogram(PackageSection):
    """How one number was spread over the reference films: the shares of the bins between `edges`, of which the first
    begins at minus infinity and the last has no end; an edge belongs to the bin above it."""

    edges: tuple[float, ...] = Field(min_length=1, max_length=BINS_MAX - 1)
    shares: tuple[float, ...] = Field(min_length=2, max_length=BINS_MAX)

    @model_validator(mode="after")
    def _is_a_histogram(self) -> Histogram:
        if not all(math.isfinite(edge) for edge in self.edges) or list(self.edges) != sorted(set(self.edges)):
            raise ValueError("edges are finite and each is above the one before")
        if len(self.shares) != len(self.edges) + 1:
            raise ValueError(f"{len(self.edges)} edges make {len(self.edges) + 1} bins, not {len(self.shares)}")
        if not all(share >= 0 for share in self.shares) or abs(sum(self.shares) - 1) > 1e-3:
            raise ValueError("shares are not negative and add up to 1")
        return self


class Distribution(PackageSection):
    """What scores and images were like on the films that the package was validated with
    (converter.package.image_statistics). The node compares its own with them; what is left out here is not compared."""

    fitted_on: str = Field(description="cohort and split, e.g. 'kermany224+nih512 val'")
    images: int = Field(ge=1, description="films that were scored")
    scores: dict[Name, Histogram] = Field(description="calibrated probability, by finding")
    inputs: dict[InputStatistic, Histogram] = Field(description="by statistic of the rendered image")
    declined_share: float | None = Field(
        None, ge=0, le=1, description="of the films, those declined for their pixels or by the gate"
    )
