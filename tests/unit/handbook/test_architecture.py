"""The architecture page shows every room of the node, and the states that the code has."""

from __future__ import annotations

import re

import pytest

from tests.handbook.code import words_of
from tests.handbook.house import plan, purpose, storeys
from tests.handbook.markdown import inline_code
from tests.support.checkout import CHECKOUT

PAGE = (CHECKOUT / "scp_node" / "ARCHITECTURE.md").read_text(encoding="utf-8")
ROOMS = [room for storey in storeys() for room in storey]


def section(heading: str) -> str:
    return PAGE.split(f"\n## {heading}\n")[1].split("\n## ")[0]


def test_the_plan_has_every_room_that_stands() -> None:
    standing = {path.parent.name for path in (CHECKOUT / "scp_node").glob("*/__init__.py")}
    loose = {path.stem for path in (CHECKOUT / "scp_node").glob("*.py")} - {"__init__"}
    assert set(ROOMS) == standing | loose


def test_the_picture_has_every_room_once_and_every_line_is_as_wide_as_the_others() -> None:
    picture = plan().splitlines()[1:-2]
    assert sorted(re.findall(r"[a-z_]+", " ".join(picture))) == sorted(ROOMS)
    assert len({len(line) for line in picture}) == 1


@pytest.mark.parametrize("room", ROOMS)
def test_a_room_says_what_it_is_for_and_the_page_what_goes_there(room: str) -> None:
    assert purpose(room).endswith(".")
    assert {room, f"{room}.py"} & set(inline_code(section("Where to put what")))


@pytest.mark.parametrize(
    ("what", "name"),
    [
        *(("image", "InstanceState"), ("job", "JobState"), ("delivery", "DeliveryState")),
        ("commitment", "CommitmentState"),
    ],
)
def test_states_are_those_of_the_code(what: str, name: str) -> None:
    (row,) = re.findall(rf"^\| {what} \| (.*?) \|", section("States and statuses"), re.M)
    assert set(inline_code(row)) == set(words_of(name))
