"""What a recipe lets a search try: numbers of a range, or some values."""

from __future__ import annotations

import math
from typing import Any, Literal

from pydantic import Field, model_validator

from converter.package.section import PackageSection


class Range(PackageSection):
    """Numbers that the tuner may try between `low` and `high`."""

    low: float
    high: float
    scale: Literal["linear", "log"] = "linear"

    @model_validator(mode="after")
    def _low_is_below_high(self) -> Range:
        if not self.low < self.high or (self.scale == "log" and self.low <= 0):
            raise ValueError("low must be below high, and above 0 on a log scale")
        return self

    @property
    def values(self) -> tuple[float, ...]:
        """Some of those that may be tried: both ends, and no whole number between them."""
        return self.low, self.low + (self.high - self.low) / math.pi, self.high


class Choices(PackageSection):
    """Values that the tuner may try."""

    choices: tuple[Any, ...] = Field(min_length=2)

    @property
    def values(self) -> tuple[Any, ...]:
        return self.choices
