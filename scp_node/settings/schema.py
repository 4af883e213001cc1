"""The JSON schema of the configuration, and what it says about the value at a path."""

from __future__ import annotations

from functools import cache
from typing import Any

from scp_node.settings.model import Settings
from scp_node.settings.strict_yaml import Loc

Schema = dict[str, Any]


@cache
def settings_schema() -> Schema:
    """JSON schema (draft 2020-12) with all references resolved; `title` of fields left out."""
    schema = Settings.model_json_schema(by_alias=True)
    definitions = schema.pop("$defs")

    def resolved(part: Any, *, named: bool = False) -> Any:
        if isinstance(part, list):
            return [resolved(item) for item in part]
        if not isinstance(part, dict):
            return part
        if "$ref" in part:
            part = definitions[part["$ref"].rpartition("/")[2]] | {k: v for k, v in part.items() if k != "$ref"}
        plain = {key: value for key, value in part.items() if named or key != "title"}
        if "patternProperties" in plain:
            plain["additionalProperties"] = False
        return {key: resolved(value, named=key in ("properties", "patternProperties")) for key, value in plain.items()}

    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Hilum configuration",
        **resolved(schema),
    }


def schema_at(loc: Loc) -> Schema | None:
    """What the value at `loc` has to look like, or None when there can be no such value."""
    schema: Schema | None = settings_schema()
    for part in loc:
        if schema is None:
            return None
        schema = schema.get("items") if isinstance(part, int) else value_schemas(schema).get(part, any_value(schema))
    return schema


def value_schemas(schema: Schema) -> dict[str, Schema]:
    """The keys a section knows; none for a plain value, and none where the keys are the user's choice."""
    properties: dict[str, Schema] = schema.get("properties", {})
    return properties


def any_value(schema: Schema) -> Schema | None:
    """For a section with keys of the user's choice: what each of its values has to look like."""
    patterns: dict[str, Schema] = schema.get("patternProperties", {})
    return next(iter(patterns.values()), None)


def leaves(schema: Schema, loc: tuple[str, ...] = ()) -> dict[str, Schema]:
    """Every value with its dotted path; `*` stands for a name of the user's choice, `[]` for each item of a list."""
    inner = {key: (key, value) for key, value in value_schemas(schema).items()}
    if (value := any_value(schema)) is not None:
        inner["*"] = ("*", value)
    if "properties" in schema.get("items", {}):
        inner["[]"] = ("[]", schema["items"])
    if not inner:
        return {".".join(loc): schema}
    return {path: leaf for key, value in inner.values() for path, leaf in leaves(value, (*loc, key)).items()}
