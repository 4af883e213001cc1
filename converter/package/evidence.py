"""What a model was made and measured with: cohorts, figures, where it comes from."""

from __future__ import annotations

from pydantic import Field

from converter.package.section import PackageSection


class CohortSummary(PackageSection):
    name: str
    images: int = Field(ge=1)
    patients: int = Field(ge=1)
    licence: str
    citation: str
    population: str = Field("", description="who the patients are, as published or as their owners say")
    made: bool = Field(False, description="drawn pictures in the published layout: no patient, no clinical meaning")


class Metric(PackageSection):
    """A figure measured on a split that training never saw, with its 95 % bootstrap interval (by patient)."""

    name: str
    value: float
    low: float | None = None
    high: float | None = None
    cohort: str
    split: str
    images: int = Field(ge=1)


PROBABILITY_DIFFERENCE_MAX = 1e-4


class Parity(PackageSection):
    """The exported graph beside the network it was made of, over every image of a split."""

    split: str
    images: int = Field(ge=1)
    probability: float = Field(ge=0, le=PROBABILITY_DIFFERENCE_MAX, description="largest difference")
    cam: float = Field(ge=0, description="largest difference, in logit units")


class Provenance(PackageSection):
    git_commit: str
    recipe: str
    seed: int
    created: str
    tools: dict[str, str]
    begun_with: str = Field("", description="the published weights that training began with, and their licence")
    parity: Parity | None = None
