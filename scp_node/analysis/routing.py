"""Which route an image takes, how urgent it is there, and under which one it is declined when none takes it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pydicom import Dataset

from converter.declined import Declined
from converter.image.eligibility import check_header
from converter.image.header import BROKEN_INPUT, words
from converter.image.priority import PRIORITIES, ROUTINE
from converter.image.routing_header import RoutingHeader, header_of_texts, routing_header
from converter.package.intended_use import AgeRange, AgeSpan, IntendedUse
from scp_node.settings import Route, When
from scp_node.settings.routes import PATTERN_KEYS
from scp_node.settings.wildcards import matches

ANY_AGE = AgeRange(min_years=0, max_years=150)
# The attribute that the patterns of each key are about: STATION_NAME is StationName.
ATTRIBUTES = {key: key.title().replace("_", "") for key in PATTERN_KEYS}


@dataclass(frozen=True)
class RouteChoice:
    """The route of an image, and its rank among `PRIORITIES` there. `declined` says why not even the first route that
    is meant for it takes it; `route` is None when no route is."""

    route: Route | None
    declined: Declined | None = None
    rank: int = ROUTINE


def choose_route(routes: Sequence[Route], source: str, ds: Dataset) -> RouteChoice:
    """The first route that takes `ds` as sent by `source`; see `choose_by_header`."""
    return choose_by_header(routes, source, routing_header(ds))


def choose_by_header(routes: Sequence[Route], source: str, header: RoutingHeader) -> RouteChoice:
    """The first route that takes an image. Sources, patterns and ages say which images a route is meant for; what is
    refused then belongs to the first of those routes, so that it is reported where the result would have gone."""
    of_source = [route for route in routes if not route.when.from_ or source in route.when.from_]
    meant = [route for route in of_source if not unmet(route.when, header)]
    first_refusal: Declined | None = None
    for route in meant:
        outcome = check_header(header.ds, _as_use(route.when))
        if not isinstance(outcome, Declined):
            return RouteChoice(route, None, rank_in(route, header))
        first_refusal = first_refusal or outcome
    if first_refusal is not None:
        return RouteChoice(meant[0], first_refusal, rank_in(meant[0], header))
    if of_source:
        first = of_source[0]
        asked = f"route {first.name} asks for another {unmet(first.when, header)}"
        return RouteChoice(None, Declined("no-route", f"no route takes such an image from {source}: {asked}"))
    return RouteChoice(None, Declined("no-route", f"no route takes images from {source}"))


def expected_rank(routes: Sequence[Route], source: str, texts: Mapping[str, str]) -> int:
    """How urgent an image is that just came, by the texts of its header alone: sequences, and characters beyond ASCII,
    are not understood yet. What is chosen when it is analysed may differ; this only says when that will be."""
    if not any(route.priority_from_header or PRIORITIES.index(route.priority) != ROUTINE for route in routes):
        return ROUTINE
    try:
        return choose_by_header(routes, source, header_of_texts(texts)).rank
    except BROKEN_INPUT:
        return ROUTINE


def unmet(when: When, header: RoutingHeader) -> str:
    """The first key of `when` by which a route is not meant for an image; empty where it is. An image without the
    attribute, or without an age, is not meant."""
    for key, attribute in ATTRIBUTES.items():
        patterns: list[str] = getattr(when, key)
        texts = words(header.ds, attribute)
        if patterns and not any(matches(text, pattern) for text in texts if text for pattern in patterns):
            return key
    youngest, oldest = when.patient_age.min_years, when.patient_age.max_years
    if youngest is None and oldest is None:
        return ""
    span = AgeSpan(min_years=youngest or 0, max_years=ANY_AGE.max_years if oldest is None else oldest)
    return "" if header.age_years is not None and header.age_years in span else "patient_age"


def rank_in(route: Route, header: RoutingHeader) -> int:
    """The priority of the route, or the more urgent one that the header asks for where the route listens to it."""
    own = PRIORITIES.index(route.priority)
    requested = header.requested_rank if route.priority_from_header else None
    return own if requested is None else min(own, requested)


def _as_use(when: When) -> IntendedUse:
    return IntendedUse(
        modalities=tuple(when.modality),
        body_parts=tuple(when.body_part),
        views=tuple(when.view),
        ages=ANY_AGE,
        statement="what a route takes",
    )
