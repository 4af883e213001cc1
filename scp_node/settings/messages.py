"""What is wrong with a value of the configuration, in words for the person who wrote it."""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from scp_node.settings.schema import Schema, any_value, schema_at, settings_schema, value_schemas
from scp_node.settings.strict_yaml import Loc

SHOWN_CHARACTERS_MAX = 60

MESSAGES = {
    "missing": "missing (required)",
    "extra_forbidden": "unknown key",
    "int_type": "must be a whole number",
    "float_type": "must be a number",
    "bool_type": "must be true or false",
    "string_type": "must be text",
    "path_type": "must be a path",
    "list_type": "must be a list",
    "dict_type": "must be a section with keys of its own",
    "model_type": "must be a section with keys of its own",
    "greater_than_equal": "must be at least {ge}",
    "greater_than": "must be greater than {gt}",
    "less_than_equal": "must be at most {le}",
    "less_than": "must be less than {lt}",
    "literal_error": "must be {expected}",
    "too_short": "must have at least {min_length} entry",
    "string_too_short": "must have at least {min_length} character",
    "string_too_long": "must have at most {max_length} characters",
}


@dataclass(frozen=True)
class Explanation:
    """`about_key`: the key is wrong, not its value. `meant`: the path that an unknown key was probably meant to be."""

    loc: Loc
    message: str
    hint: str
    about_key: bool
    meant: Loc


def explained(error: ValidationError, data: dict[str, Any]) -> Iterator[Explanation]:
    """Every problem that validation found in `data`; a key that is only missing because it is misspelt is left out."""
    details = error.errors(include_url=False)
    meant = {d["loc"]: _probably_meant(d["loc"], data) for d in details if d["type"] == "extra_forbidden"}
    for detail in details:
        if detail["type"] != "missing" or detail["loc"] not in meant.values():
            yield _explained(detail, meant.get(detail["loc"], detail["loc"]))


def _explained(detail: ErrorDetails, meant: Loc) -> Explanation:
    kind, value = detail["type"], detail["input"]
    about_key = kind in ("missing", "extra_forbidden") or detail["loc"][-1] == "[key]"
    loc = tuple(part for part in detail["loc"] if part != "[key]")
    field = schema_at(loc[:-1] if detail["loc"][-1] == "[key]" else loc) or {}
    if kind == "extra_forbidden":
        return Explanation(loc, MESSAGES[kind], _hint_for_unknown_key(loc, meant), about_key, meant)
    if kind == "missing":
        return Explanation(loc, MESSAGES[kind], str(field.get("description", "")), about_key, meant)
    if kind.endswith("_type") and value is None:
        return Explanation(loc, "has no value", str(field.get("description", "")), about_key, meant)
    if kind == "value_error":
        return Explanation(loc, str(detail["ctx"]["error"]), "", about_key, meant)
    if kind == "string_pattern_mismatch":
        message = f"must be {field['rule']}" if "rule" in field and not about_key else str(field.get("rule", ""))
    else:
        message = MESSAGES.get(kind, detail["msg"]).format(**_plain(detail.get("ctx", {})))
    seen = "" if field.get("env") else f"; this is {_shown(value)}"
    return Explanation(loc, message + seen, _hint(kind, value, field), about_key, meant)


def _probably_meant(loc: Loc, data: dict[str, Any]) -> Loc:
    """The known key most like the unknown one that is not in the file already, or `loc` itself."""
    section: Any = data
    for part in loc[:-1]:
        section = section[part]
    known = [key for key in value_schemas(schema_at(loc[:-1]) or {}) if key not in section]
    near = difflib.get_close_matches(str(loc[-1]), known, n=1)
    return (*loc[:-1], near[0]) if near else loc


def _hint_for_unknown_key(loc: Loc, meant: Loc) -> str:
    if meant != loc:
        return f"Did you mean '{meant[-1]}'?"
    sections = value_schemas(settings_schema())
    homes = [name for name, section in sections.items() if loc[-1] in value_schemas(_item_of(section))]
    if homes:
        return f"This key belongs under {' or '.join(homes)}."
    return f"Known keys: {', '.join(value_schemas(schema_at(loc[:-1]) or {}))}."


def _item_of(section: Schema) -> Schema:
    return any_value(section) or section.get("items") or section


def _hint(kind: str, value: Any, field: Schema) -> str:
    text = value if isinstance(value, str) else ""
    match kind:
        case "string_type" | "path_type" if isinstance(value, bool | int | float):
            return "Put it in quotes."
        case "bool_type":
            return "Write true or false, in lower case and without quotes."
        case "int_type" | "float_type" if text.lstrip("+-").replace(".", "", 1).isdigit():
            return "Write the number without quotes and without leading zeros."
        case "list_type" if text and not field.get("env"):
            return f"Write [{_clipped(text)}]."
        case "literal_error":
            near = difflib.get_close_matches(text, field.get("enum", ()), n=1, cutoff=0.5)
            return f"Did you mean '{near[0]}'?" if near else ""
    return ""


def _plain(context: dict[str, Any]) -> dict[str, Any]:
    """Limits such as 5.0 without the decimals."""
    return {k: int(v) if isinstance(v, float) and v.is_integer() else v for k, v in context.items()}


def _shown(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return repr(_clipped(value))
    if isinstance(value, dict | list):
        return ("a section" if isinstance(value, dict) else "a list") if value else "empty"
    return _clipped(str(value))


def _clipped(text: str) -> str:
    return text if len(text) <= SHOWN_CHARACTERS_MAX else text[: SHOWN_CHARACTERS_MAX - 3] + "..."
