"""That a graph of fewer bits may serve in place of the float32 one: the evidence, and its limits."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from converter.package.section import Name, PackageSection, Sha256

PRECISION_AUC_FALL_MAX = 0.002

PRECISION_ECE_RISE_MAX = 0.005

PRECISION_IMAGES_MIN = 100


class PrecisionCohort(PackageSection):
    """One finding on the same images of one cohort, by the full network and by that of fewer bits."""

    cohort: str
    finding: Name
    split: str
    images: int = Field(ge=1)
    auc_full: float = Field(ge=0, le=1)
    auc: float = Field(ge=0, le=1)
    ece_full: float = Field(ge=0, le=1)
    ece: float = Field(ge=0, le=1)
    largest_change: float = Field(ge=0, le=1, description="of one image's probability")


class Precision(PackageSection):
    """That fewer bits (python -m training quantize) cost neither separation nor calibration, source by source."""

    kind: Literal["int8", "fp16"]
    full_sha256: Sha256 = Field(description="the graph in float32 that this one was made of")
    prepared_on: str = Field(description="the images that the ranges of int8 were measured on")
    cohorts: tuple[PrecisionCohort, ...] = Field(min_length=1)

    def problems(self) -> list[str]:
        """Why the fewer bits may not serve, as sentences; empty when they may."""
        images = sum(one.images for one in self.cohorts)
        found = [] if images >= PRECISION_IMAGES_MIN else [f"{images} images, fewer than {PRECISION_IMAGES_MIN}"]
        for one in self.cohorts:
            if one.auc_full - one.auc >= PRECISION_AUC_FALL_MAX:
                found.append(f"AUC of {one.finding} on {one.cohort} falls from {one.auc_full:.4f} to {one.auc:.4f}")
            if one.ece - one.ece_full > PRECISION_ECE_RISE_MAX:
                found.append(f"ECE of {one.finding} on {one.cohort} rises from {one.ece_full:.4f} to {one.ece:.4f}")
        return found
