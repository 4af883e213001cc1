"""The bill of materials names what a production install brings, no more and no less, each with its licence."""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path
from typing import Any

import pytest

from tests.handbook.documents import HANDBOOK
from tests.supply import BILL
from tests.supply.lock import PRODUCTION, locked
from tests.support.checkout import CHECKOUT
from tests.unit.supply.made_wheels import made_wheel

pytest.importorskip("cyclonedx", reason="cyclonedx-python-lib is not installed: it is in .ci/requirements-dev.lock")

from tests.supply.bill import bill

KEPT: dict[str, Any] = json.loads(BILL.read_text(encoding="utf-8"))
AUDITWHEEL = json.dumps(
    {
        "components": [
            {"name": "thing", "version": "1.0"},
            {"name": "openssl-libs", "version": "1.1.1k", "purl": "pkg:rpm/almalinux/openssl-libs@1.1.1k"},
            {"name": "tool", "version": "2", "scope": "excluded"},
            {"name": "codec", "version": "2", "licenses": [{"license": {"id": "MIT"}}, {"license": {"id": "IJG"}}]},
        ]
    }
)


def faults(text: str) -> Any:
    from cyclonedx.schema import SchemaVersion
    from cyclonedx.validation.json import JsonStrictValidator

    return JsonStrictValidator(SchemaVersion.V1_6).validate_str(text)


def parts() -> list[dict[str, Any]]:
    return [part for component in KEPT["components"] for part in component.get("components", [])]


def test_it_is_valid_cyclonedx() -> None:
    assert faults(BILL.read_text(encoding="utf-8")) is None
    assert faults('{"bomFormat": "CycloneDX", "specVersion": "1.6", "components": [{}]}') is not None


def test_it_names_exactly_what_the_lock_installs_under_hashes_of_the_lock() -> None:
    """After a change of the lock: make sbom."""
    entries = {(entry.name, entry.version): entry for entry in locked(PRODUCTION)}
    named = {(one["name"], one["version"]): one for one in KEPT["components"]}
    assert set(named) == set(entries)
    for identity, component in named.items():
        (digest,) = component["hashes"]
        assert digest["content"] in entries[identity].sha256
        assert component["purl"] == "pkg:pypi/{}@{}".format(*identity)


def test_it_is_of_this_version_of_hilum() -> None:
    project = tomllib.loads((CHECKOUT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert KEPT["metadata"]["component"]["version"] == project["version"]


def test_everything_has_a_licence_parts_of_wheels_too() -> None:
    bare = [one["name"] for one in (*KEPT["components"], *parts()) if not one.get("licenses")]
    assert bare == []


def test_what_wheels_bundle_is_named() -> None:
    """What a security officer looks for: which OpenSSL, which FFmpeg, and where."""
    bundled = {(one["name"], part["name"]) for one in KEPT["components"] for part in one.get("components", [])}
    assert {
        ("python-gdcm", "openssl-libs"),
        ("opencv-python-headless", "openssl-libs"),
        ("cryptography", "openssl"),
    } <= bundled
    assert any(name.startswith("libavcodec") for holder, name in bundled if holder == "opencv-python-headless")


def test_the_handbook_names_the_openssl_that_wheels_bundle() -> None:
    """After a change of the lock: what config/handbook/security.md says of it may have to change, too."""
    bundled = {part["version"] for part in parts() if part["name"] == "openssl-libs"}
    said = set(re.findall(r"\((\d[\w.]+-[\w.]+el\w+)\)", (HANDBOOK / "security.md").read_text(encoding="utf-8")))
    assert said == bundled


def test_the_same_wheels_make_the_same_valid_bytes(tmp_path: Path) -> None:
    thing = made_wheel(
        tmp_path, "thing", "License: MIT License\nRequires-Dist: other>1\nRequires-Dist: none; extra == 'x'\n",
        **{"thing-1.0.dist-info__sboms__auditwheel.cdx.json": AUDITWHEEL, "thing.libs__libz.so.1": "\x7fELF"},
    )  # fmt: skip
    other = made_wheel(tmp_path, "other")
    text = bill([other, thing], 1_700_000_000)
    assert text == bill([other, thing], 1_700_000_000) and faults(text) is None
    document = json.loads(text)
    found = {one["name"]: one for one in document["components"]}
    assert [part["name"] for part in found["thing"]["components"]] == ["libz.so.1", "codec", "openssl-libs"]
    needs = {one["ref"]: one.get("dependsOn", []) for one in document["dependencies"]}
    assert needs["thing@1.0"] == ["other@1.0"] and needs["hilum"] == ["other@1.0", "thing@1.0"]


@pytest.mark.parametrize("metadata", ["", "License: Ask me\n", "Classifier: License :: Other/Proprietary License\n"])
def test_a_distribution_of_unknown_licence_is_no_part_of_it(tmp_path: Path, metadata: str) -> None:
    with pytest.raises(LookupError, match=r"thing: no licence in its metadata that SPDX knows"):
        bill([made_wheel(tmp_path, "thing", metadata)], 0)


def test_a_bundled_library_of_unknown_licence_is_no_part_of_it(tmp_path: Path) -> None:
    files = {"thing-1.0.dist-info__sboms__a.json": '{"components": [{"name": "mystery", "version": "1"}]}'}
    with pytest.raises(LookupError, match="mystery: bundled without a licence"):
        bill([made_wheel(tmp_path, "thing", **files)], 0)
