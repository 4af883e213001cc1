"""Every key of the configuration, as a table for each section."""

from __future__ import annotations

from collections.abc import Iterator

from scp_node.settings.reference import facts
from scp_node.settings.schema import Schema, any_value, leaves, settings_schema, value_schemas
from tests.handbook.markdown import table


def settings() -> str:
    """A heading and a table for each section of the file."""
    return "\n\n".join(_sections())


def keys() -> list[str]:
    """Every key with its path, as the handbook writes it: NAME is of one's choice, [] stands for each of a list."""
    return [_shown(path) for path in leaves(settings_schema())]


def _sections() -> Iterator[str]:
    for name, section in value_schemas(settings_schema()).items():
        yield f"## {name}\n\n{section['description']}\n\n{table(('key', 'meaning', 'value'), _rows(section, name))}"


def _rows(section: Schema, path: str) -> Iterator[tuple[str, str, str]]:
    if (value := any_value(section)) is not None:
        yield from _rows(value, f"{path}.NAME")
        return
    if "properties" in section.get("items", {}):
        yield from _rows(section["items"], f"{path}[]")
        return
    required = section.get("required", ())
    for key, field in value_schemas(section).items():
        inner = f"{path}.{key}"
        if value_schemas(field) or any_value(field) is not None:
            yield from _rows(field, inner)
        else:
            yield f"`{inner}`", field["description"], "; ".join(facts(field, key in required))


def _shown(path: str) -> str:
    return path.replace(".*", ".NAME").replace(".[]", "[]")
