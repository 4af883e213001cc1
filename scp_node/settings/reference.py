"""Writes node.reference.yaml and node.schema.json from the settings: `python -m scp_node.settings.reference`."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from scp_node.settings.schema import Schema, any_value, settings_schema, value_schemas
from scp_node.settings.strict_yaml import read_yaml

CONFIG_DIR = Path(__file__).resolve().parents[2] / "config"
REFERENCE_NAME, SCHEMA_NAME = "node.reference.yaml", "node.schema.json"
LINE_CHARACTERS_MAX = 100

HEADER = """\
# yaml-language-server: $schema=node.schema.json
#
# Every key that a configuration of Hilum may have, with the value that holds when the key is left out.
# Generated from the code (`make reference`); write your own file, starting from node.yaml.
# `hilum check-config FILE` shows everything that is wrong with a file.
"""

TYPES = {"integer": "whole number", "number": "number", "boolean": "true or false", "string": "text"}
FORMATS = {
    **{"ae": "AE title", "ip": "IP address", "host": "host", "folder": "folder", "file": "file"},
    **{"network": "IP address or network", "fingerprint": "SHA-256", "subject": "subject of a certificate"},
    "wildcards": "pattern",
}


def reference_text() -> str:
    """The reference configuration: loadable, and commented key by key."""
    return "\n".join([HEADER.rstrip(), *_section(settings_schema(), 0)]) + "\n"


def schema_text() -> str:
    """The JSON schema for editors."""
    return json.dumps(settings_schema(), indent=2, ensure_ascii=False) + "\n"


def _section(section: Schema, indent: int) -> Iterator[str]:
    required = section.get("required", ())
    for key, field in value_schemas(section).items():
        if indent == 0:
            yield ""
        yield from _comment(field["description"], indent)
        yield from _comment(f"[{'; '.join(facts(field, key in required))}]", indent)
        if any_value(field) is not None:
            yield f"{' ' * indent}{key}:"
            yield from _named_section(field, indent + 2)
        elif "properties" in field:
            yield f"{' ' * indent}{key}:"
            yield from _section(field, indent + 2)
        elif "properties" in field.get("items", {}):
            yield f"{' ' * indent}{key}:"
            yield from _list_of_sections(field["items"], indent + 2)
        else:
            yield f"{' ' * indent}{key}: {_value(_shown_value(field, key))}"


def _named_section(field: Schema, indent: int) -> Iterator[str]:
    section: Schema = any_value(field) or {}
    name, example = next(iter(field["examples"][0].items()))
    yield from _comment(section["description"], indent)
    yield f"{' ' * indent}{name}:"
    yield from _section(_with_examples(section, example), indent + 2)


def _list_of_sections(section: Schema, indent: int) -> Iterator[str]:
    yield from _comment(section["description"], indent)
    lines = list(_section(section, indent + 2))
    first = next(number for number, line in enumerate(lines) if not line.lstrip().startswith("#"))
    lines[first] = f"{' ' * indent}- {lines[first].lstrip()}"
    yield from lines


def _with_examples(section: Schema, example: dict[str, Any]) -> Schema:
    """The section showing the values of `example`, so that the reference as a whole is a configuration that loads."""
    fields = {key: {**field, "shown": example.get(key)} for key, field in value_schemas(section).items()}
    return {**section, "properties": fields}


def facts(field: Schema, required: bool) -> Iterator[str]:
    """Type, bounds and default of a field."""
    default = "required" if required else "optional"
    if any_value(field) is not None:
        yield "keys of your choice"
    elif "properties" in field.get("items", {}):
        yield "list of sections"
    elif "properties" in field:
        yield "section"
    else:
        yield _type(field)
        default = "required" if required else f"default: {_value(field.get('default', []))}"
    yield from _bounds(field)
    if field.get("env"):
        yield "may hold ${ENVIRONMENT_VARIABLE}"
    yield default


def _type(field: Schema) -> str:
    if "anyOf" in field:
        return " or ".join(_type(choice) for choice in field["anyOf"])
    if "enum" in field:
        return f"one of {', '.join(field['enum'])}"
    if field["type"] == "array":
        return f"list of {_type(field['items'])}"
    if field["type"] == "null":
        return "null"
    return FORMATS.get(field.get("format", "")) or TYPES[field["type"]]


def _bounds(field: Schema) -> Iterator[str]:
    low, high = field.get("minimum"), field.get("maximum")
    if (above := field.get("exclusiveMinimum")) is not None:
        yield f"greater than {above}"
        low = None
    if low is not None and high is not None:
        yield f"{low} to {high}"
    elif low is not None or high is not None:
        yield f"at least {low}" if high is None else f"at most {high}"
    if "minItems" in field or "minProperties" in field:
        yield "at least one"
    if "maxLength" in field:
        yield f"{field['minLength']} to {field['maxLength']} characters"
    if "rule" in field:
        yield field["rule"]


def _shown_value(field: Schema, key: str) -> Any:
    if field.get("shown") is not None:
        return field["shown"]
    if "default" in field:
        return field["default"]
    return field.get("examples", [[]])[0]


def _value(value: Any) -> str:
    """`value` as YAML in one line."""
    if isinstance(value, list):
        return f"[{', '.join(_value(item) for item in value)}]"
    if isinstance(value, str) and read_yaml(f"[{value}]".encode()).data == [value]:
        return value
    return json.dumps(value, ensure_ascii=False)


def _comment(text: str, indent: int) -> list[str]:
    prefix = f"{' ' * indent}# "
    return textwrap.wrap(
        text,
        LINE_CHARACTERS_MAX,
        initial_indent=prefix,
        subsequent_indent=prefix,
        break_long_words=False,
        break_on_hyphens=False,
    )


def main() -> None:
    (CONFIG_DIR / REFERENCE_NAME).write_text(reference_text(), encoding="utf-8")
    (CONFIG_DIR / SCHEMA_NAME).write_text(schema_text(), encoding="utf-8")


if __name__ == "__main__":
    main()
