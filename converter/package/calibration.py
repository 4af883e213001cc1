"""What the graph does to the network's logit before it is a probability."""

from __future__ import annotations

from itertools import pairwise
from typing import Literal

from pydantic import Field, model_validator

from converter.package.section import PackageSection

KNOTS_MAX = 16


class Knot(PackageSection):
    """A corner of an isotonic calibration: the logit `raw`, after temperature and bias, becomes `calibrated`."""

    raw: float
    calibrated: float


class Calibration(PackageSection):
    """What the graph itself does to the network's logit, so that `mean(cam)` is the logit after it.

    `temperature`: logit / temperature. `platt`: logit / temperature + bias. `isotonic`: that, and then straight lines
    between `knots`, of slope 1 before the first and after the last.
    """

    method: Literal["none", "temperature", "platt", "isotonic"]
    temperature: float = Field(1.0, gt=0)
    bias: float = 0.0
    knots: tuple[Knot, ...] = Field((), max_length=KNOTS_MAX)
    fitted_on: str = Field(description="cohort and split, e.g. 'kermany224+nih512 val'")
    reason: str = Field("", description="why this method: what cross-validation on val said of each")

    @model_validator(mode="after")
    def _numbers_fit_the_method(self) -> Calibration:
        if (len(self.knots) >= 2) != (self.method == "isotonic"):
            raise ValueError("isotonic needs two knots or more, and nothing else has any")
        if any(a.raw >= b.raw or a.calibrated >= b.calibrated for a, b in pairwise(self.knots)):
            raise ValueError("knots must rise, or two scores could change places")
        return self

    @property
    def summary(self) -> str:
        """The method and its numbers, as a report prints them."""
        if self.method == "isotonic":
            return (
                f"isotonic with {len(self.knots)} knots after temperature {self.temperature:g} and bias {self.bias:g}"
            )
        if self.method == "none":
            return "none"
        bias = f" and bias {self.bias:g}" if self.method == "platt" else ""
        return f"{self.method} {self.temperature:g}{bias}"
