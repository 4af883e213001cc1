"""The modules of this checkout as the tests of the house read them."""

from __future__ import annotations

import ast
import functools
from pathlib import Path

from tests.support.checkout import CHECKOUT

PACKAGES = ("scp_node", "converter", "training", "tests")
MODULES = [path for package in PACKAGES for path in sorted((CHECKOUT / package).rglob("*.py"))]


def name_of(path: Path) -> str:
    return str(path.relative_to(CHECKOUT))


def modules_of(*packages: str) -> list[Path]:
    return [path for path in MODULES if name_of(path).partition("/")[0] in packages]


@functools.cache
def tree_of(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def lines_of(path: Path) -> int:
    return len(path.read_text(encoding="utf-8").splitlines())


def imported_packages(path: Path) -> set[str]:
    """Top-level names that a module imports anywhere."""
    names: set[str] = set()
    for node in ast.walk(tree_of(path)):
        if isinstance(node, ast.Import):
            names |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            names.add(node.module.partition(".")[0])
    return names
