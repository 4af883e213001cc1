"""The regions of a finding in one column of the ledger, as JSON."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from converter.result.findings import Region
from converter.result.place import Place


def written(regions: Sequence[Region]) -> list[dict[str, Any]]:
    return [
        {
            "outline": [list(point) for point in region.outline],
            "place": None if region.place is None else region.place.stored(),
        }
        for region in regions
    ]


def read(stored: Sequence[dict[str, Any]]) -> tuple[Region, ...]:
    """What `written` gave."""
    return tuple(
        Region(tuple((float(x), float(y)) for x, y in one["outline"]), Place.of_stored(one["place"])) for one in stored
    )
