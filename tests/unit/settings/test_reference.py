"""Reference and schema of the configuration are what the code says, and say everything."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from scp_node.settings import Settings
from scp_node.settings.file import load_settings
from scp_node.settings.reference import CONFIG_DIR, REFERENCE_NAME, SCHEMA_NAME, reference_text, schema_text
from scp_node.settings.schema import leaves, settings_schema


@pytest.mark.parametrize(("name", "text"), [(REFERENCE_NAME, reference_text()), (SCHEMA_NAME, schema_text())])
def test_the_generated_files_are_fresh(name: str, text: str) -> None:
    assert (CONFIG_DIR / name).read_text(encoding="utf-8") == text, "stale: run `make reference`"


def test_the_reference_loads_and_holds_the_defaults(tmp_path: Path) -> None:
    least = tmp_path / "least.yaml"
    least.write_text(
        "node: {ae_title: HILUM}\n"
        "remote_aes: {pacs: {ae_title: ORTHANC, host: 127.0.0.1, port: 4242, may_send: true}}\n"
        "routes: [{name: chest, model: pneumonia@2.0.0, to: [pacs]}]\n"
        "systems: {ris: {kind: hl7, host: 127.0.0.1, port: 2575}}\n"
    )
    reference = tmp_path / REFERENCE_NAME
    reference.write_text(reference_text(), encoding="utf-8")
    assert load_settings(reference) == load_settings(least)


def test_the_reference_has_every_key() -> None:
    lines = [line.strip().removeprefix("- ") for line in reference_text().splitlines() if "#" not in line]
    shown = {line.partition(":")[0] for line in lines}
    assert {path.rpartition(".")[2] for path in leaves(settings_schema())} <= shown


def test_every_section_and_field_has_a_description() -> None:
    undescribed = [path for path, field in leaves(settings_schema()).items() if not field.get("description")]
    assert undescribed == []
    assert [name for name, field in Settings.model_fields.items() if not field.description] == []


def test_every_limit_is_in_the_schema_and_unknown_keys_are_refused_everywhere() -> None:
    schema: dict[str, Any] = json.loads(schema_text())
    assert schema["$schema"].endswith("2020-12/schema")
    assert schema["properties"]["node"]["properties"]["port"]["maximum"] == 65535
    assert "$ref" not in schema_text()

    def open_sections(part: Any) -> int:
        if isinstance(part, list):
            return sum(map(open_sections, part))
        if not isinstance(part, dict):
            return 0
        is_open = part.get("type") == "object" and part.get("additionalProperties") is not False
        return is_open + sum(map(open_sections, part.values()))

    assert open_sections(schema) == 0


def test_names_of_fields_say_their_unit() -> None:
    numbers = {
        path.rpartition(".")[2]
        for path, field in leaves(settings_schema()).items()
        if field.get("type") in ("number", "integer")
    }
    counts = {"port", "threads", "decode_processes", "images", "studies", "deliveries", "niceness"}
    unclear = {
        name
        for name in numbers - counts
        if not name.endswith(("_s", "_h", "_days", "_max", "_min", "_factor", "_jitter"))
    }
    assert unclear == set()
