"""How much of a place a site's results show: contours, the boxes round them, or none."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Literal

from converter.result.findings import Finding
from converter.result.regions import rectangle
from converter.result.unplaced import SWITCHED_OFF

Localisation = Literal["contours", "boxes", "none"]


def localised(findings: Sequence[Finding], localisation: Localisation) -> tuple[Finding, ...]:
    """`findings` as results of such a site show them."""
    return tuple(map(_SHOWN[localisation], findings))


def _boxed(finding: Finding) -> Finding:
    return replace(
        finding, regions=tuple(replace(region, outline=rectangle(region.outline)) for region in finding.regions)
    )


def _unplaced(finding: Finding) -> Finding:
    return replace(finding, regions=(), unplaced=SWITCHED_OFF) if finding.positive else finding


_SHOWN: dict[Localisation, Callable[[Finding], Finding]] = {
    "contours": lambda finding: finding,
    "boxes": _boxed,
    "none": _unplaced,
}
