"""A finding of a model: its concept, its calibration, and from which probability it is called positive."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from converter.package.calibration import Calibration
from converter.package.concept import Concept
from converter.package.section import Name, PackageSection


class OperatingPoint(PackageSection):
    """How a threshold was chosen on val, and what it kept there of films that the choice had not seen.

    `sensitivity`: the highest threshold that keeps every guarded cohort at `sensitivity_min`. `youden`: of those that
    do, the one with the best mean Youden index. `halfway`: 0.5, because val is too small to choose.
    """

    rule: Literal["sensitivity", "youden", "halfway"]
    sensitivity_min: float = Field(ge=0, le=1)
    guarded: tuple[str, ...] = Field(description="cohorts whose sensitivity counts")
    held_out_sensitivity: float | None = Field(None, description="mean over the guarded cohorts, by cross-validation")
    held_out_specificity: float | None = Field(None, description="mean over all cohorts, by cross-validation")
    reason: str = Field("", description="why this rule")


class MapScale(PackageSection):
    """One colour scale for the maps of all films: what full colour stands for, chosen on val.

    `full` is the median of the largest activation of films that are called present, or more, so that of those called
    absent at most `absent_above` go beyond four fifths of it. A region of a finding is where its map reaches half.
    """

    full: float = Field(gt=0, description="activation in logit units that is shown in full colour")
    fitted_on: str = Field(description="cohort and split, e.g. 'kermany224 val'")
    present: int = Field(ge=1, description="films called present that it was fitted on")
    absent: int = Field(ge=1, description="films called absent that it was fitted on")
    absent_above: float = Field(ge=0, le=1, description="share of the absent ones beyond four fifths of full colour")


class FindingSpec(PackageSection):
    name: Name
    concept: Concept
    operating_threshold: float = Field(gt=0, lt=1)
    threshold_rule: str = Field(description="how the threshold was chosen, and on which split")
    operating_point: OperatingPoint | None = None
    calibration: Calibration
    map_scale: MapScale | None = None
    positive_means: str = Field("", max_length=600, description="what was seen on images labelled with it, and by whom")
