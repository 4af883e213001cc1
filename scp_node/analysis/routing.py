"""Which route an image takes, and under which one it is declined when none takes it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pydicom import Dataset

from converter.declined import Declined
from converter.image.eligibility import check_header
from converter.package.intended_use import AgeRange, IntendedUse
from scp_node.settings import Route, When

ANY_AGE = AgeRange(min_years=0, max_years=150)


@dataclass(frozen=True)
class RouteChoice:
    """The route of an image. `declined` says why not even the first route of its source takes it; `route` is None
    when no route takes images of that source at all."""

    route: Route | None
    declined: Declined | None = None


def choose_route(routes: Sequence[Route], source: str, ds: Dataset) -> RouteChoice:
    """The first route that takes `ds` as sent by `source`. A refusal belongs to the first route of the source, so
    that it is reported where the result would have gone."""
    candidates = [route for route in routes if not route.when.from_ or source in route.when.from_]
    first_refusal: Declined | None = None
    for route in candidates:
        outcome = check_header(ds, _as_use(route.when))
        if not isinstance(outcome, Declined):
            return RouteChoice(route)
        first_refusal = first_refusal or outcome
    if first_refusal is None:
        return RouteChoice(None, Declined("no-route", f"no route takes images from {source}"))
    return RouteChoice(candidates[0], first_refusal)


def _as_use(when: When) -> IntendedUse:
    return IntendedUse(
        modalities=tuple(when.modality),
        body_parts=tuple(when.body_part),
        views=tuple(when.view),
        ages=ANY_AGE,
        statement="what a route takes",
    )
