"""The settings as far as a file tells them: for commands that only look at a node, while the file is being edited, or
holds secrets that only the service knows."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, TypeVar

from pydantic import ValidationError

from scp_node.errors import ConfigurationError
from scp_node.settings.file import read_content, read_settings, with_absolute_paths, with_environment
from scp_node.settings.model import Settings
from scp_node.settings.network import Node, RemoteAE
from scp_node.settings.routes import Route
from scp_node.settings.section import Section
from scp_node.settings.strict_yaml import Document, Loc, Problem, dotted, read_yaml

# What says where ledger and packages are: a guess would show those of another node.
PLACES: tuple[tuple[str, str], ...] = (("node", "data_dir"), ("storage", "database_url"), ("inference", "models_dir"))
NO_NAME = "UNKNOWN"
_SECTION = re.compile(rb"^(?=[A-Za-z_]+[ \t]*:)", re.MULTILINE)
AnySection = TypeVar("AnySection", bound=Section)


def settings_for_reading(path: Path) -> Settings:
    """The settings of a file, whatever else is wrong with it; of a data folder, the defaults.

    Sections, remote AEs and routes that cannot be used are left out, and settings with problems have their defaults.
    Raises ConfigurationError where the file cannot be read, or where it does not tell the places of the data.
    """
    if path.is_dir():
        node = Node(ae_title=NO_NAME, data_dir=path.absolute())
        return Settings.model_construct(node=node, remote_aes={}, routes=[])
    file = read_settings(path)
    if file.settings is not None:
        return file.settings
    try:
        sections, unread = _sections(read_content(path))
    except OSError:
        raise _places_unknown(path, file.problems) from None
    scratch = Document()
    data = with_environment(scratch, sections, ())
    if unread & {section for section, _ in PLACES} or any(place in scratch.unusable for place in PLACES):
        raise _places_unknown(path, file.problems)
    for loc in scratch.unusable:
        _drop(data, loc)
    settings = _constructed(data)
    if settings is None:
        raise _places_unknown(path, file.problems)
    return with_absolute_paths(settings, path)


def _sections(content: bytes) -> tuple[dict[str, Any], set[str]]:
    """What can be read, and the names of the sections that cannot: each begins at the left margin, so that a mistake
    in one ends before the next."""
    document = read_yaml(content)
    if isinstance(document.data, dict):
        return document.data, {str(loc[0]) for loc in document.unusable if loc} | _repeated(document)
    sections: dict[str, Any] = {}
    unread: set[str] = set()
    for block in _SECTION.split(content):
        name = block.partition(b":")[0].strip().decode(errors="replace")
        part = read_yaml(block)
        if name in sections or not isinstance(part.data, dict) or part.problems:
            unread.add(name)
        else:
            sections |= part.data
    return {name: value for name, value in sections.items() if name not in unread}, unread


def _repeated(document: Document) -> set[str]:
    return {problem.key.partition(".")[0] for problem in document.problems if "is given twice" in problem.message}


def _constructed(data: dict[str, Any]) -> Settings | None:
    """None where the places cannot be told."""
    node = data.get("node")
    if not all(isinstance(data.get(section, {}), dict) for section, _ in PLACES) or not isinstance(node, dict):
        return None
    parts: dict[str, Any] = {}
    for name, field in Settings.model_fields.items():
        kind = field.annotation
        if name in data and isinstance(kind, type) and issubclass(kind, Section):
            value = data[name]
            if name == "node" and isinstance(value, dict):
                value = {"ae_title": NO_NAME, **value}
            parts[name] = _usable_part(kind, value)
    for section, key in PLACES:
        if key in data.get(section, {}) and key not in getattr(parts[section], "model_fields_set", ()):
            return None
    if parts["node"] is None or ("data_dir" not in node and not node.keys() <= Node.model_fields.keys()):
        return None  # it may have been meant by a key that is misspelt
    aes, routes = data.get("remote_aes"), data.get("routes")
    known = aes.items() if isinstance(aes, dict) else ()
    parts["remote_aes"] = {name: ae for name, value in known if (ae := _usable_part(RemoteAE, value)) is not None}
    parts["routes"] = list(_usable_routes(routes if isinstance(routes, list) else ()))
    return Settings.model_construct(**{name: part for name, part in parts.items() if part is not None})


def _usable_routes(values: Iterable[Any]) -> Iterator[Route]:
    return (route for value in values if (route := _usable_part(Route, value)) is not None)


def _usable_part(kind: type[AnySection], value: Any) -> AnySection | None:
    """`value` without the keys that cannot be used; None where it cannot be used without them."""
    for _ in range(2):
        try:
            return kind.model_validate(value)
        except ValidationError as error:
            if not isinstance(value, dict):
                return None
            faulty = {detail["loc"][0] for detail in error.errors(include_url=False) if detail["loc"]}
            value = {key: item for key, item in value.items() if key not in faulty}
    return None


def _drop(data: Any, loc: Loc) -> None:
    *way, last = loc
    for part in way:
        data = data[part]
    if isinstance(data, dict):
        data.pop(last, None)


def _places_unknown(path: Path, problems: list[Problem]) -> ConfigurationError:
    lines = [problem.lines(str(path)) for problem in problems]
    asked = ", ".join(dotted(loc) for loc in PLACES)
    return ConfigurationError(
        "\n".join(
            [
                *lines,
                f"This file does not tell where the node keeps what it has ({asked}). Mend it, or name the data folder "
                "with --data-dir FOLDER, where the command has this option.",
            ]
        )
    )
