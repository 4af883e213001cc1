"""Imports only point down, and name only what is declared."""

from __future__ import annotations

import importlib.metadata
import itertools
import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from tests.handbook.house import storeys
from tests.support.checkout import CHECKOUT
from tests.unit.house.modules import PACKAGES, imported_packages, name_of

LINTER = shutil.which("lint-imports", path=Path(sys.executable).parent) or shutil.which("lint-imports")
with_linter = pytest.mark.skipif(LINTER is None, reason="not installed: import-linter")
# Beside the contract about storeys: a line that breaks each in a module of this room.
BREACHES = {
    "The rooms of training": ("training/data", "import training.commands"),
    "No circle inside a room": ("scp_node/host", "import scp_node.cli"),
    "The node and training share the converter, and nothing else": ("training/data", "import scp_node.errors"),
    "The converter knows nobody": ("converter/page", "import scp_node.errors"),
    "Reading an image knows nothing of results": ("converter/image", "import converter.result"),
    "Results know nothing of judging": ("converter/result", "import converter.evaluation"),
    "The converter is pure: no socket, process, database, web or inference": ("converter/page", "import socket"),
    "TensorFlow never reaches a clinical machine": ("scp_node/host", "import tensorflow"),
}


def lint(folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(LINTER), "--no-cache"],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(folder)},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """The code of this checkout and its contracts, to break them."""
    for package in ("scp_node", "converter", "training"):
        shutil.copytree(CHECKOUT / package, tmp_path / package, ignore=shutil.ignore_patterns("__pycache__", "runs"))
    shutil.copy(CHECKOUT / "pyproject.toml", tmp_path)
    return tmp_path


def add_line(file: Path, line: str) -> None:
    file.write_text((file.read_text(encoding="utf-8") if file.exists() else "") + f"{line}\n", encoding="utf-8")


@with_linter
def test_imports_only_point_down() -> None:
    result = lint(CHECKOUT)
    assert result.returncode == 0, result.stdout


@with_linter
def test_whatever_room_imports_from_above_or_beside_it_is_found(copy: Path) -> None:
    """Every room gets a module that imports every room of the storeys above, and the others of its own storey."""
    upward: set[tuple[str, str]] = set()
    above: list[str] = []
    for rooms in storeys():
        for room in rooms:
            place = copy / "scp_node" / room
            forbidden = [*above, *(other for other in rooms if other != room)]
            file = place / "breach.py" if place.is_dir() else place.with_suffix(".py")
            for other in forbidden:
                add_line(file, f"import scp_node.{other}")
            upward |= {(room, other) for other in forbidden}
        above += rooms
    result = lint(copy)
    assert result.returncode == 1
    told = re.findall(r"scp_node\.(\w+) is not allowed to import scp_node\.(\w+):", result.stdout)
    assert upward and set(told) == upward


@with_linter
def test_every_other_contract_is_told_when_it_is_broken(copy: Path) -> None:
    for room, line in BREACHES.values():
        add_line(copy / room / "breach.py", line)
    result = lint(copy)
    told = set(re.findall(r"^(.+) (?:KEPT|BROKEN)$", result.stdout, re.MULTILINE))
    broken = set(re.findall(r"^(.+) BROKEN$", result.stdout, re.MULTILINE))
    assert told - {"The storeys of scp_node"} == set(BREACHES), "a contract without a breach here"
    assert set(BREACHES) <= broken


@pytest.mark.parametrize("package", ["scp_node", "converter"])
def test_what_runs_in_a_hospital_never_imports_the_training_tools(package: str) -> None:
    forbidden = {"tensorflow", "keras", "tf2onnx", "onnx", "sklearn", "matplotlib", "training", "tests"}
    found = {
        name_of(path): names
        for path in (CHECKOUT / package).rglob("*.py")
        if (names := imported_packages(path) & forbidden)
    }
    assert found == {}


def test_importing_the_command_line_loads_no_training_tool() -> None:
    program = "import scp_node.cli, scp_node.cli.check_config, sys; print(*sys.modules)"
    result = subprocess.run(
        [sys.executable, "-c", program], cwd=CHECKOUT, capture_output=True, text=True, check=True, timeout=120
    )
    assert {"tensorflow", "keras", "onnx", "sklearn"} & set(result.stdout.split()) == set()


def test_every_import_is_a_declared_dependency() -> None:
    project = tomllib.loads((CHECKOUT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    chosen = (project["optional-dependencies"][name] for name in ("cpu", "postgresql", "s3"))
    requirements = [*project["dependencies"], *itertools.chain.from_iterable(chosen)]
    declared = {re.split(r"[^A-Za-z0-9._-]", requirement)[0].lower().replace("_", "-") for requirement in requirements}
    owners = importlib.metadata.packages_distributions()
    undeclared = {
        (name_of(path), name)
        for package in ("scp_node", "converter")
        for path in (CHECKOUT / package).rglob("*.py")
        for name in imported_packages(path) - {*sys.stdlib_module_names, *PACKAGES}
        if not {owner.lower().replace("_", "-") for owner in owners.get(name, [name])} & (declared | {"pydantic-core"})
    }
    assert undeclared == set()


def test_no_other_distribution_owns_our_package_names() -> None:
    """pip overwrites files of other distributions without notice; tf2onnx, for one, installs a package `tests`."""
    owners = importlib.metadata.packages_distributions()
    others = {
        name: strangers
        for name in ("scp_node", "converter", "training")
        if (strangers := set(owners.get(name, [])) - {"hilum"})
    }
    assert others == {}
    for name in PACKAGES:
        module = __import__(name)
        assert module.__file__ is not None, f"{name} has no __init__.py"
        assert Path(module.__file__).is_relative_to(CHECKOUT)
