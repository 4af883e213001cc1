"""Where in the lungs something is: which lung, and which thirds of its height, as a record and in words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any, Literal, get_args

from converter.words.catalogue import ENGLISH, Say

Zone = Literal["upper", "middle", "lower"]
Side = Literal["right", "left", "both"]
ZONES: tuple[Zone, ...] = get_args(Zone)
OUTSIDE = "outside the outlined lungs"


@dataclass(frozen=True)
class Place:
    """Zones of the patient's right and left lung, from above: thirds of the height of each lung's own outline. Neither
    lung: what was found lies outside both."""

    right: tuple[Zone, ...] = ()
    left: tuple[Zone, ...] = ()

    @property
    def side(self) -> Side | None:
        if self.right and self.left:
            return "both"
        return "right" if self.right else "left" if self.left else None

    @property
    def parts(self) -> tuple[tuple[str, ...], ...]:
        """Phrases of a lung and its zones, or the one phrase that it is outside."""
        if self.right and self.right == self.left:
            return (("both lungs", _zones(self.right, "zones")),)
        told = (("right lung", self.right), ("left lung", self.left))
        return tuple((lung, _zones(zones, "zone")) for lung, zones in told if zones) or ((OUTSIDE,),)

    @property
    def words(self) -> str:
        """As a reader says it: "right lung, lower zone"; "both lungs, middle zones"."""
        return self.told(ENGLISH)

    def told(self, say: Say) -> str:
        """The same in another language."""
        return "; ".join(", ".join(map(say, part)) for part in self.parts)

    def stored(self) -> dict[str, list[str]]:
        return {"right": list(self.right), "left": list(self.left)}

    @classmethod
    def together(cls, places: Sequence[Place]) -> Place | None:
        """The zones of all `places`; None of none."""
        if not places:
            return None
        found = {side: {zone for place in places for zone in getattr(place, side)} for side in ("right", "left")}
        right, left = (tuple(zone for zone in ZONES if zone in found[side]) for side in ("right", "left"))
        return cls(right, left)

    @classmethod
    def of_stored(cls, found: dict[str, Any] | None) -> Place | None:
        """What `stored` gave, or None where nothing was kept."""
        if found is None:
            return None
        right, left = (tuple(zone for zone in ZONES if zone in found.get(side, ())) for side in ("right", "left"))
        return cls(right, left)


def _zones(zones: tuple[Zone, ...], single: str) -> str:
    if len(zones) == len(ZONES):
        return "all zones"
    return f"{' and '.join(zones)} {single if len(zones) == 1 else 'zones'}"


_CHOICES = [some for count in range(len(ZONES) + 1) for some in combinations(ZONES, count)]
# Every phrase that a place is told in.
PHRASES: tuple[str, ...] = tuple(
    dict.fromkeys(
        phrase for right in _CHOICES for left in _CHOICES for part in Place(right, left).parts for phrase in part
    )
)
