"""Which route an image takes, and under which one it is refused."""

from __future__ import annotations

from typing import Any

import pytest
from pydicom import Dataset

from scp_node.analysis.routing import choose_route
from scp_node.settings import Route
from tests.support.dicom.phantoms import make_dx

CHEST = {"name": "chest", "model": "pneumonia", "to": ["pacs"], "when": {"from": ["pacs"]}}
HANDS = {"name": "hands", "model": "fracture", "to": ["pacs"], "when": {"from": ["pacs"], "body_part": ["HAND"]}}
ROOM_2 = {"name": "room2", "model": "pneumonia", "to": ["pacs"], "when": {"from": ["room2"]}}


def routes(*documents: dict[str, Any]) -> list[Route]:
    return [Route.model_validate(document) for document in documents]


def image(**attributes: Any) -> Dataset:
    return make_dx(rows=64, columns=64, **attributes)


def test_the_first_route_that_takes_an_image_gets_it() -> None:
    both = routes(CHEST, {**CHEST, "name": "second"})
    choice = choose_route(both, "pacs", image())
    assert choice.route is both[0] and choice.declined is None


def test_a_later_route_takes_what_an_earlier_one_does_not() -> None:
    both = routes(CHEST, HANDS)
    choice = choose_route(both, "pacs", image(BodyPartExamined="HAND"))
    assert choice.route is both[1] and choice.declined is None


@pytest.mark.parametrize(
    ("attributes", "code"),
    [
        ({"BodyPartExamined": "KNEE"}, "wrong-body-part"),
        ({"ViewPosition": "LL"}, "not-frontal"),
        ({"Modality": "CT"}, "wrong-modality"),
    ],
)
def test_what_no_route_takes_is_refused_under_the_first_of_its_source(attributes: dict[str, str], code: str) -> None:
    two = routes(ROOM_2, CHEST)
    choice = choose_route(two, "pacs", image(**attributes))
    assert choice.route is two[1] and choice.declined is not None and choice.declined.code == code


def test_an_image_from_a_source_without_route_belongs_to_none() -> None:
    choice = choose_route(routes(ROOM_2), "pacs", image())
    assert choice.route is None and choice.declined is not None and choice.declined.code == "no-route"


def test_a_route_without_sources_takes_images_from_all() -> None:
    open_to_all = routes({"name": "all", "model": "pneumonia", "to": ["pacs"]})
    assert choose_route(open_to_all, "anybody", image()).route is open_to_all[0]


def test_an_absent_attribute_neither_admits_nor_excludes() -> None:
    one = routes(CHEST)
    assert choose_route(one, "pacs", image(BodyPartExamined=None, ViewPosition=None)).declined is None
