"""Which images and patients a model was made for."""

from __future__ import annotations

from pydantic import Field, model_validator

from converter.package.section import PackageSection


class AgeRange(PackageSection):
    min_years: float = Field(ge=0, le=150)
    max_years: float = Field(ge=0, le=150)

    @model_validator(mode="after")
    def _min_is_not_above_max(self) -> AgeRange:
        if self.min_years > self.max_years:
            raise ValueError("min_years is above max_years")
        return self


class IntendedUse(PackageSection):
    modalities: tuple[str, ...]
    body_parts: tuple[str, ...]
    views: tuple[str, ...]
    ages: AgeRange
    statement: str
    limits: tuple[str, ...] = Field((), description="what its data cannot carry, one sentence or two each; CARD.md")
