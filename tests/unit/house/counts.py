"""What is counted in the house; each count names what it found."""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Iterator

from tests.handbook.house import storeys
from tests.support.checkout import CHECKOUT
from tests.unit.house.modules import MODULES, lines_of, modules_of, name_of, tree_of

LINES_AS_A_RULE, FUNCTION_LINES_AS_A_RULE = 300, 40
# Scripts of the past: a migration is never written anew.
MIGRATIONS = "scp_node/ledger/migrations/versions"
OURS = ("scp_node", "converter", "training")


def loose_modules(folder: str, *expected: str) -> list[str]:
    """Modules at the root of a package that stand in no room."""
    return [name_of(path) for path in sorted((CHECKOUT / folder).glob("*.py")) if path.stem not in expected]


def rooms_without_a_first_line() -> list[str]:
    """Folders of modules whose __init__ does not say what they are for."""
    folders = {path.parent for path in modules_of(*OURS)} - {CHECKOUT / MIGRATIONS}
    inits = [folder / "__init__.py" for folder in sorted(folders)]
    return [name_of(init) for init in inits if not init.exists() or not ast.get_docstring(tree_of(init))]


def long_modules(*packages: str) -> list[str]:
    return [name_of(path) for path in modules_of(*packages) if lines_of(path) > LINES_AS_A_RULE]


def long_functions(*packages: str) -> list[str]:
    return [
        f"{name_of(path)}:{node.name}"
        for path in modules_of(*packages)
        if not name_of(path).startswith(MIGRATIONS)
        for node in ast.walk(tree_of(path))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and (node.end_lineno or 0) - node.lineno >= FUNCTION_LINES_AS_A_RULE
    ]


def class_names_used_twice() -> list[str]:
    places = defaultdict(list)
    for path in modules_of(*OURS):
        for node in ast.walk(tree_of(path)):
            if isinstance(node, ast.ClassDef):
                places[node.name].append(name_of(path))
    return [f"{name}: {', '.join(where)}" for name, where in sorted(places.items()) if len(where) > 1]


def broad_excepts(package: str) -> list[str]:
    """`except Exception`, alone or among others, and an `except` of everything."""
    return [f"{name_of(path)}:{node.lineno}" for path in modules_of(package) for node in _handlers(tree_of(path))]


def _handlers(tree: ast.Module) -> Iterator[ast.ExceptHandler]:
    for node in ast.walk(tree):
        if isinstance(node, ast.ExceptHandler):
            caught = node.type.elts if isinstance(node.type, ast.Tuple) else [node.type]
            names = {one.id if isinstance(one, ast.Name) else "" for one in caught if one is not None}
            if node.type is None or names & {"Exception", "BaseException"}:
                yield node


def thousand_lines(package: str) -> float:
    return sum(map(lines_of, modules_of(package))) / 1000


def storeys_of_the_contract() -> list[str]:
    return [" | ".join(rooms) for rooms in storeys()]


def lines_of_the_readme() -> list[str]:
    return (CHECKOUT / "README.md").read_text(encoding="utf-8").splitlines()


def silent_modules() -> list[str]:
    """Modules with content whose first line does not say what they are."""
    return [name_of(path) for path in MODULES if lines_of(path) and not ast.get_docstring(tree_of(path))]
