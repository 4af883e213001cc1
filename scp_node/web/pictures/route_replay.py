"""What routes would do with images that came before, told by their headers alone."""

from __future__ import annotations

from typing import Any

from pydantic import TypeAdapter

from scp_node.analysis.routing import choose_route
from scp_node.settings import Route
from scp_node.web.pictures.workshop import Workshop

_ROUTES = TypeAdapter(list[Route])


def replay_routes(
    workshop: Workshop, arguments: dict[str, Any], blobs: list[bytes]
) -> tuple[dict[str, Any], list[bytes]]:
    """`images`: of each its `spool_name` and its `sources`, one for each of `blobs`, which are lists of routes in JSON.

    Answers, for each image, the `choices`: [route, code of the refusal] for each list, or null where the source is
    null; null for an image whose header cannot be read.
    """
    lists = [_ROUTES.validate_json(blob) for blob in blobs]
    return {"choices": [_choices(workshop, image, lists) for image in arguments["images"]]}, []


def _choices(workshop: Workshop, image: dict[str, Any], lists: list[list[Route]]) -> list[Any] | None:
    try:
        ds = workshop.decoding.header(workshop.blobs.path(image["spool_name"]))
    except workshop.decoding.failures:
        return None
    found: list[Any] = []
    for routes, source in zip(lists, image["sources"], strict=True):
        if source is None:
            found.append(None)
            continue
        choice = choose_route(routes, source, ds)
        found.append([choice.route and choice.route.name, choice.declined and choice.declined.code])
    return found
