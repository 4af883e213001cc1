"""The plan of the house: its storeys from the import contract, what a room is for from its first line."""

from __future__ import annotations

import ast
import tomllib
from collections.abc import Callable
from functools import cache, partial
from pathlib import Path
from typing import Any

from converter.analysis.analyse import ANALYSIS
from scp_node.workflow.delivery_job import DELIVERY_JOB
from scp_node.workflow.image_job import choose_route
from scp_node.workflow.study_job import study_steps
from tests.handbook.markdown import table
from tests.support.checkout import CHECKOUT

WIDTH = 76
STOREYS_CONTRACT = "The storeys of scp_node"


@cache
def storeys() -> tuple[tuple[str, ...], ...]:
    """The rooms of each storey, from the roof down."""
    project: dict[str, Any] = tomllib.loads((CHECKOUT / "pyproject.toml").read_text(encoding="utf-8"))
    contracts = project["tool"]["importlinter"]["contracts"]
    (layers,) = [one["layers"] for one in contracts if one["name"] == STOREYS_CONTRACT]
    return tuple(tuple(name.strip() for name in layer.split("|")) for layer in layers)


def first_line(path: Path) -> str:
    """What a module says it is; empty for one that says nothing."""
    return (ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or "").split("\n\n")[0].replace("\n", " ")


def purpose(room: str, package: str = "scp_node") -> str:
    """The first line of a room, which may be one file."""
    folder = CHECKOUT / package / room
    return first_line(folder / "__init__.py" if folder.is_dir() else folder.with_suffix(".py"))


def plan() -> str:
    """The storeys of scp_node as a picture."""
    lines = ["```text", f"┌{'─' * WIDTH}┐"]
    for number, rooms in enumerate(storeys()):
        if number:
            lines.append(f"├{'─' * WIDTH}┤")
        lines.append(f"│{_walls(rooms)}│")
    lines += [f"└{'─' * WIDTH}┘", "  converter: pure functions, which every storey may use".ljust(WIDTH), "```"]
    return "\n".join(line.rstrip() for line in lines)


def _walls(rooms: tuple[str, ...]) -> str:
    wide = (WIDTH - len(rooms) + 1) // len(rooms)
    inside = "│".join(room.center(wide) for room in rooms[:-1])
    last = rooms[-1].center(WIDTH - len(inside) - bool(inside))
    return f"{inside}│{last}" if inside else last


def rooms() -> str:
    """What each room of the node is for, from the roof down."""
    return table(("room", "what it is for"), [(f"`{room}`", purpose(room)) for storey in storeys() for room in storey])


def converter_rooms() -> str:
    """The same of the converter."""
    found = sorted((CHECKOUT / "converter").iterdir())
    names = [path.name for path in found if (path / "__init__.py").is_file() or _is_module(path)]
    return table(("room", "what it is for"), [(f"`{name}`", _converter_purpose(name)) for name in names])


def _is_module(path: Path) -> bool:
    return path.suffix == ".py" and path.name != "__init__.py"


def _converter_purpose(name: str) -> str:
    return purpose(name.removesuffix(".py"), "converter")


def steps() -> str:
    """The lists of steps that jobs run, in their order."""
    rows = [("image", step.__name__, step.__doc__ or "") for step in (choose_route, *ANALYSIS)]
    rows += [("study", name, _told(step)) for name, step in study_steps()]
    rows += [("delivery", step.__name__, step.__doc__ or "") for step in DELIVERY_JOB]
    return table(("job", "step", "what it does"), [(kind, f"`{name}`", told) for kind, name, told in rows])


def _told(step: Callable[..., None]) -> str:
    """What a step does; one that builds a kind of result says which."""
    if isinstance(step, partial):
        return f"Build {step.args[0].summary}, where the route asks for it."
    return step.__doc__ or ""
