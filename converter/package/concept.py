"""A coded concept, as a finding is named in results."""

from __future__ import annotations

from pydantic import Field

from converter.package.section import PackageSection


class Concept(PackageSection):
    """A coded concept: Code Value, Coding Scheme Designator, Code Meaning (PS3.3 8.8)."""

    value: str = Field(min_length=1, max_length=16)
    scheme: str = Field(min_length=1, max_length=16)
    meaning: str = Field(min_length=1, max_length=64)
