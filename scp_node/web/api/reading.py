"""Reads the description of the API for the page that shows it to people."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

EXAMPLE_CHARS_MAX = 4_000


@dataclass(frozen=True)
class ShownParameter:
    """`place` is query, path or form."""

    name: str
    place: str
    kind: str
    required: bool
    text: str


@dataclass(frozen=True)
class ShownOperation:
    """One route: what to send, an example of the answer, and what may go wrong."""

    method: str
    path: str
    summary: str
    text: str
    parameters: tuple[ShownParameter, ...]
    examples: Mapping[str, str]
    problems: tuple[tuple[str, str], ...]
    curl: str

    @property
    def ident(self) -> str:
        return f"{self.method}{self.path}".replace("/", "-").replace("{", "").replace("}", "").lower()


def operations_of(description: Mapping[str, Any]) -> list[ShownOperation]:
    """Every route, in the order of the document."""
    base = description["servers"][0]["url"]
    return [
        _operation(base, path, method, one)
        for path, methods in description["paths"].items()
        for method, one in methods.items()
    ]


def _operation(base: str, path: str, method: str, one: Mapping[str, Any]) -> ShownOperation:
    answers = one["responses"]
    shown = answers["200"]["content"].get("application/json", {}).get("examples", {})
    form = one.get("requestBody", {}).get("content", {}).get("multipart/form-data", {}).get("schema", {})
    fields = form.get("properties", {})
    parameters = [
        ShownParameter(
            each["name"], each["in"], _kind(each["schema"]), each.get("required", False), each.get("description", "")
        )
        for each in one.get("parameters", ())
    ]
    parameters += [
        ShownParameter(name, "form", _kind(field), name in form.get("required", ()), field.get("description", ""))
        for name, field in fields.items()
    ]
    return ShownOperation(
        method=method.upper(),
        path=f"{base}{path}",
        summary=one.get("summary", ""),
        text=one.get("description", ""),
        parameters=tuple(parameters),
        examples={name: json.dumps(example["value"], indent=2)[:EXAMPLE_CHARS_MAX] for name, example in shown.items()},
        problems=tuple((status, each["description"]) for status, each in answers.items() if status != "200"),
        curl=_curl(f"{base}{path}", method, bool(fields)),
    )


def _kind(schema: Mapping[str, Any]) -> str:
    """What may be sent, in words."""
    if "anyOf" in schema:
        return " or ".join(dict.fromkeys(_kind(one) for one in schema["anyOf"] if one.get("type") != "null"))
    if "enum" in schema:
        return ", ".join(map(str, schema["enum"]))
    if schema.get("type") == "array":
        return f"{_kind(schema['items'])}; may be given more than once"
    if "const" in schema:
        return str(schema["const"])
    return str(schema.get("format", schema.get("type", "")))


def _curl(path: str, method: str, has_file: bool) -> str:
    words = ["curl", *(["-X", "POST"] if method == "post" and not has_file else [])]
    words += ["-H", '"Authorization: Bearer $HILUM_TOKEN"', *(["-F", "file=@film.dcm"] if has_file else [])]
    return " ".join([*words, f"http://127.0.0.1:8043{path}"])
