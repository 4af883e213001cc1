"""The locks: bound to hashes and to no host, of the same versions, and nothing but what runs on a clinical machine."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.supply.lock import DEVELOPMENT, GPU, PRODUCTION, PYTHONS, environment, locked
from tests.support.checkout import CHECKOUT

LOCKS = [PRODUCTION, GPU, DEVELOPMENT]
PROJECT = tomllib.loads((CHECKOUT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
HASH = "0" * 64


def named(requirements: list[str]) -> dict[str, Requirement]:
    """Those that Linux needs, by name."""
    wanted = [Requirement(text) for text in requirements]
    here = environment(PYTHONS[0])
    return {canonicalize_name(one.name): one for one in wanted if one.marker is None or one.marker.evaluate(here)}


def versions(path: Path) -> dict[str, set[str]]:
    entries = locked(path)
    return {entry.name: {one.version for one in entries if one.name == entry.name} for entry in entries}


@pytest.mark.parametrize("path", LOCKS, ids=lambda path: path.name)
def test_a_lock_is_bound_to_hashes_and_to_no_host(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert "://" not in text and "@" not in text
    assert all(" --hash=sha256:" in part for part in re.split(r"\n(?=\S)", text))


@pytest.mark.parametrize(
    ("path", "extra"), [(PRODUCTION, "cpu"), (GPU, "gpu"), (DEVELOPMENT, "dev")], ids=["cpu", "gpu", "dev"]
)
def test_a_lock_has_what_the_project_asks_for_in_versions_that_it_allows(path: Path, extra: str) -> None:
    wanted = named([*PROJECT["dependencies"], *PROJECT["optional-dependencies"][extra]])
    there = versions(path)
    assert set(wanted) - set(there) == set()
    wrong = {name for name, one in wanted.items() for version in there[name] if version not in one.specifier}
    assert wrong == set()


def test_a_clinical_machine_gets_nothing_of_development_or_training() -> None:
    extras = PROJECT["optional-dependencies"]
    tools = set(named([*extras["dev"], *extras["training"]]))
    for path in (PRODUCTION, GPU):
        assert tools & set(versions(path)) == set()


def test_a_version_is_the_same_in_every_lock() -> None:
    production = versions(PRODUCTION)
    for path in (GPU, DEVELOPMENT):
        others = versions(path)
        assert {name for name in set(production) & set(others) if production[name] != others[name]} == set()


def test_the_two_runtimes_of_onnx_never_meet() -> None:
    """They hold the same files: whichever is installed last wins, and half of the other is left."""
    runtimes = [{name for name in versions(path) if name.startswith("onnxruntime")} for path in LOCKS]
    assert runtimes == [{"onnxruntime"}, {"onnxruntime-gpu"}, set()]


def test_an_entry_belongs_to_the_first_python_that_installs_it(tmp_path: Path) -> None:
    lock = tmp_path / "some.lock"
    markers = {
        "Every_where": "",
        "older": " ; python_full_version < '3.12'",
        "newer": " ; python_full_version >= '3.12'",
        "windows": " ; sys_platform == 'win32'",
        "snake": " ; implementation_name != 'PyPy' and platform_python_implementation != 'PyPy'",
    }
    two = f"    --hash=sha256:{HASH} \\\n    --hash=sha256:{HASH.replace('0', 'f')}\n"
    lock.write_text("".join(f"{name}==1.0{marker} \\\n{two}" for name, marker in markers.items()))
    found = {entry.name: entry.python for entry in locked(lock)}
    assert found == {"every-where": "3.11", "older": "3.11", "newer": "3.12", "snake": "3.11"}
    assert {len(entry.sha256) for entry in locked(lock)} == {2}


def test_every_entry_of_a_lock_is_read() -> None:
    for path in LOCKS:
        lines = re.findall(r"^([A-Za-z0-9._-]+)==", path.read_text(encoding="utf-8"), re.M)
        elsewhere = set(map(canonicalize_name, lines)) - set(versions(path))
        assert elsewhere <= {"colorama", "pywin32", "onnxruntime"}, path.name
