"""Which images and patients a model was made for."""

from __future__ import annotations

from typing import Self

from pydantic import Field, model_validator

from converter.package.section import PackageSection


class AgeSpan(PackageSection):
    """Ages in years, both ends included: whoever is 5 years and 11 months old is 5 years old."""

    min_years: float = Field(ge=0, le=150)
    max_years: float = Field(ge=0, le=150)

    @model_validator(mode="after")
    def _min_is_not_above_max(self) -> Self:
        if self.min_years > self.max_years:
            raise ValueError("min_years is above max_years")
        return self

    def __contains__(self, years: float) -> bool:
        is_old = years >= self.max_years + 1 if self.max_years.is_integer() else years > self.max_years
        return years >= self.min_years and not is_old

    def __str__(self) -> str:
        return f"{self.min_years:g} to {self.max_years:g} years"


class AgeRange(AgeSpan):
    """The ages that a model is for: those of the span, and those of `also`, where there is a gap between them."""

    also: tuple[AgeSpan, ...] = ()
    reason: str = Field("", max_length=300, description="why not others, for who reads that an image was declined")

    @property
    def oldest_years(self) -> float:
        return max(span.max_years for span in (self, *self.also))

    def __contains__(self, years: float) -> bool:
        return super().__contains__(years) or any(years in span for span in self.also)

    def __str__(self) -> str:
        return " and ".join([super().__str__(), *map(str, self.also)])


class IntendedUse(PackageSection):
    modalities: tuple[str, ...]
    body_parts: tuple[str, ...]
    views: tuple[str, ...]
    ages: AgeRange
    statement: str
    limits: tuple[str, ...] = Field((), description="what its data cannot carry, one sentence or two each; CARD.md")
