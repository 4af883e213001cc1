"""A DICOM person name in its parts, as other standards take it (PS3.5 6.2.1)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Representation = Literal["alphabetic", "ideographic", "phonetic"]
REPRESENTATIONS: tuple[Representation, ...] = ("alphabetic", "ideographic", "phonetic")


@dataclass(frozen=True)
class NameGroup:
    """One component group: the name in one writing."""

    representation: Representation
    family: str = ""
    given: str = ""
    middle: str = ""
    prefix: str = ""
    suffix: str = ""

    @property
    def words(self) -> str:
        return " ".join(part for part in (self.prefix, self.given, self.middle, self.family, self.suffix) if part)


def name_groups(name: str) -> tuple[NameGroup, ...]:
    """The groups that say anything. A name without a delimiter is all family name, as devices that type it so mean."""
    found = []
    for representation, group in zip(REPRESENTATIONS, name.split("="), strict=False):
        parts = [part.strip() for part in group.split("^")]
        if any(parts):
            family, given, middle, prefix, suffix = (parts + [""] * 5)[:5]
            found.append(NameGroup(representation, family, given, middle, prefix, suffix))
    return tuple(found)
