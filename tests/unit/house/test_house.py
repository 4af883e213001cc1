"""The house stays as it was designed: rooms, names, directions of imports, first lines."""

from __future__ import annotations

import ast
import importlib.metadata
import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from tests.support.checkout import CHECKOUT

PACKAGES = ("scp_node", "converter", "training", "tests")
TOP_LEVEL = {
    *("scp_node", "converter", "training", "models", "config", "tests", "pyproject.toml", "README.md"),
    *("Makefile", "LICENSE", "CHANGELOG.md", "requirements.lock", ".ci", ".github", ".gitignore"),
}
FORBIDDEN_MODULES = {"utils", "util", "helpers", "helper", "common", "core", "base", "manager", "misc"}
MODULES = [path for package in PACKAGES for path in sorted((CHECKOUT / package).rglob("*.py"))]
LINES_MAX, LINES_AS_A_RULE, LINES_MEDIAN_MAX = 500, 300, 140

in_checkout = pytest.mark.skipif(shutil.which("git") is None or not (CHECKOUT / ".git").exists(), reason="no checkout")


def name_of(path: Path) -> str:
    return str(path.relative_to(CHECKOUT))


def tracked_files() -> list[str]:
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=CHECKOUT, capture_output=True, text=True, check=True).stdout.splitlines()
    return [name for name in listed if (CHECKOUT / name).exists()]


def imported_packages(path: Path) -> set[str]:
    """Top-level names that a module imports anywhere."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            names.add(node.module.partition(".")[0])
    return names


@in_checkout
def test_the_top_level_holds_what_the_design_allows_and_nothing_else() -> None:
    assert {name.partition("/")[0] for name in tracked_files()} <= TOP_LEVEL
    assert {name for name in TOP_LEVEL if not (CHECKOUT / name).exists()} == set()


def test_imports_only_point_down() -> None:
    program = shutil.which("lint-imports", path=Path(sys.executable).parent) or shutil.which("lint-imports")
    if program is None:
        pytest.skip("not installed: import-linter")
    result = subprocess.run([program, "--no-cache"], cwd=CHECKOUT, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout


def test_every_module_begins_with_a_line_that_says_what_it_is() -> None:
    silent = [
        name_of(path)
        for path in MODULES
        if (source := path.read_text(encoding="utf-8")).strip() and not ast.get_docstring(ast.parse(source))
    ]
    assert silent == []


def test_no_module_has_a_name_that_says_nothing() -> None:
    named = {path for path in MODULES if path.stem in FORBIDDEN_MODULES or path.parent.name in FORBIDDEN_MODULES}
    assert named == set()


def test_one_module_of_the_tests_knows_where_the_checkout_is() -> None:
    counting = [
        name_of(path)
        for path in MODULES
        if name_of(path).startswith("tests/") and re.search(r"__file__.*\.parents\[", path.read_text(encoding="utf-8"))
    ]
    assert counting == ["tests/support/checkout.py"]


def test_modules_are_small() -> None:
    lengths = sorted(
        (len(path.read_text(encoding="utf-8").splitlines()), name_of(path))
        for path in MODULES
        if path.parts[len(CHECKOUT.parts)] in ("scp_node", "converter") and path.name != "__init__.py"
    )
    assert [entry for entry in lengths if entry[0] > LINES_MAX] == []
    assert len([entry for entry in lengths if entry[0] > LINES_AS_A_RULE]) <= len(lengths) // 20
    assert lengths[len(lengths) // 2][0] <= LINES_MEDIAN_MAX


def test_broad_excepts_say_why() -> None:
    """ruff's BLE001 finds each `except Exception`; whoever silences it writes down why it is allowed there."""
    unexplained = [
        f"{name_of(path)}:{number}"
        for path in MODULES
        if path.parts[len(CHECKOUT.parts)] != "tests"
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if re.search(r"# noqa: BLE001\s*$", line)
    ]
    assert unexplained == []


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


def test_inference_keeps_quiet_about_itself(tmp_path: Path) -> None:
    """ONNX Runtime's telemetry begins with an identifier on the disk and ends with packets to its maker."""
    environment = {k: v for k, v in os.environ.items() if k not in ("ORT_DISABLE_TELEMETRY", "CI", "GITHUB_ACTIONS")}
    subprocess.run(
        [sys.executable, "-c", "import scp_node.inference.session"],
        cwd=CHECKOUT,
        env={**environment, "HOME": str(tmp_path), "TMPDIR": str(tmp_path), "XDG_CACHE_HOME": str(tmp_path)},
        check=True,
        timeout=120,
    )
    assert list(tmp_path.rglob("*")) == []


def test_every_import_is_a_declared_dependency() -> None:
    project = tomllib.loads((CHECKOUT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    requirements = [*project["dependencies"], *project["optional-dependencies"]["cpu"]]
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


@in_checkout
def test_nothing_committed_names_a_host_or_folder_of_one_machine() -> None:
    """Registry hosts, home folders and workplaces of whoever wrote a file do not belong into it."""
    pattern = re.compile(r"/home/\w|/root/|/Users/\w|^--?(extra-)?index-url|--find-links|files\.pythonhosted", re.M)
    found = {
        name
        for name in tracked_files()
        if name != "tests/unit/house/test_house.py"
        and Path(name).suffix in ("", ".py", ".toml", ".md", ".lock", ".yaml", ".yml", ".json", ".service", ".csv")
        and pattern.search((CHECKOUT / name).read_text(encoding="utf-8", errors="ignore"))
    }
    assert found == set()


def test_the_lock_is_bound_to_hashes_and_to_no_host() -> None:
    lock = (CHECKOUT / "requirements.lock").read_text(encoding="utf-8")
    packages = re.findall(r"^([A-Za-z0-9._-]+)==\S+", lock, re.M)
    assert {"pynetdicom", "pydicom", "highdicom", "onnxruntime", "pytest", "hatchling"} <= set(packages)
    assert not {"tensorflow", "keras", "onnxruntime-gpu"} & set(packages)
    assert "://" not in lock and "@" not in lock
    assert all(" --hash=sha256:" in part for part in re.split(r"\n(?=\S)", lock))
