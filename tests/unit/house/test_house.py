"""The house stays as it was designed: rooms, names, sizes, first lines."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import pytest

from tests.support.checkout import CHECKOUT
from tests.unit.house import counts
from tests.unit.house.modules import MODULES, lines_of, modules_of, name_of

TOP_LEVEL = {
    *("scp_node", "converter", "training", "models", "config", "tests", "pyproject.toml", "README.md"),
    *("Makefile", "LICENSE", "CHANGELOG.md", ".ci", ".github", ".gitignore"),
    *("requirements.lock", ".editorconfig", ".pre-commit-config.yaml"),
}
FORBIDDEN_MODULES = {"utils", "util", "helpers", "helper", "common", "core", "base", "manager", "misc"}
LINES_MAX, LINES_MEDIAN_MAX = 500, 140
# What is counted, and how many there may be: a limit is what was there when it was written, and only ever comes down.
LIMITS: list[tuple[str, Callable[[], Sequence[str]], float]] = [
    ("modules at the root of scp_node", partial(counts.loose_modules, "scp_node", "__init__", "__main__", "errors"), 0),
    ("modules at the root of training", partial(counts.loose_modules, "training", "__init__", "__main__"), 0),
    ("modules at the root of converter", partial(counts.loose_modules, "converter", "__init__"), 4),
    ("modules at the root of tests", partial(counts.loose_modules, "tests", "__init__", "conftest"), 0),
    ("modules at the root of tests/support", partial(counts.loose_modules, "tests/support", "__init__"), 3),
    ("modules that do not say what they are", counts.silent_modules, 0),
    ("rooms that do not say what they are for", counts.rooms_without_a_first_line, 0),
    ("long modules of the node and the converter", partial(counts.long_modules, "scp_node", "converter"), 1),
    ("long modules of training", partial(counts.long_modules, "training"), 0),
    ("long functions", partial(counts.long_functions, "scp_node", "converter", "training"), 1),
    ("names of classes that mean two things", counts.class_names_used_twice, 0),
    ("broad excepts of the node", partial(counts.broad_excepts, "scp_node"), counts.thousand_lines("scp_node")),
    ("storeys of the contract", counts.storeys_of_the_contract, 14),
    ("lines of README.md", counts.lines_of_the_readme, 90),
]

in_checkout = pytest.mark.skipif(shutil.which("git") is None or not (CHECKOUT / ".git").exists(), reason="no checkout")


def tracked_files() -> list[str]:
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=CHECKOUT, capture_output=True, text=True, check=True).stdout.splitlines()
    return [name for name in listed if (CHECKOUT / name).exists()]


@pytest.mark.parametrize(("what", "count", "most"), LIMITS, ids=[what for what, _, _ in LIMITS])
def test_the_house_has_no_more(what: str, count: Callable[[], Sequence[str]], most: float) -> None:
    found = count()
    assert len(found) <= most, f"{what}: {list(found)}"


def test_modules_are_small() -> None:
    lengths = sorted((lines_of(path), name_of(path)) for path in modules_of("scp_node", "converter", "training"))
    assert [entry for entry in lengths if entry[0] > LINES_MAX] == []
    assert lengths[len(lengths) // 2][0] <= LINES_MEDIAN_MAX


@in_checkout
def test_the_top_level_holds_what_the_design_allows_and_nothing_else() -> None:
    assert {name.partition("/")[0] for name in tracked_files()} <= TOP_LEVEL
    assert {name for name in TOP_LEVEL if not (CHECKOUT / name).exists()} == set()


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


def test_broad_excepts_say_why() -> None:
    """ruff's BLE001 finds each `except Exception`; whoever silences it writes down why it is allowed there."""
    unexplained = [
        f"{name_of(path)}:{number}"
        for path in modules_of("scp_node", "converter", "training")
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if re.search(r"# noqa: BLE001\s*$", line)
    ]
    assert unexplained == []


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
