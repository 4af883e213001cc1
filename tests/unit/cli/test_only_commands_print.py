"""Commands print, and nothing else does: what they know belongs to rooms that a page and an API can use too."""

from __future__ import annotations

import ast
from collections.abc import Iterator

import pytest

from tests.support.checkout import CHECKOUT

MODULES = [path for room in ("scp_node", "converter") for path in sorted((CHECKOUT / room).rglob("*.py"))]
BELOW = [path for path in MODULES if "cli" not in path.relative_to(CHECKOUT).parts]


def printing(source: str) -> Iterator[str]:
    """Each use of a terminal: an import of typer or rich, a call of print, a standard stream that is written to."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            modules = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            modules = [node.module or ""]
        elif isinstance(node, ast.Call):
            call = ast.unparse(node.func)
            if call == "print" or call.startswith(("sys.stdout.", "sys.stderr.", "typer.")):
                yield call
            continue
        else:
            continue
        yield from (name for name in modules if name.partition(".")[0] in ("typer", "rich", "click"))


@pytest.mark.parametrize(
    "source",
    [
        *("import typer", "from rich.console import Console", "def f():\n    import rich.table"),
        *("print('x')", "sys.stderr.write('x')", "if x:\n    typer.echo('x')"),
    ],
)
def test_a_use_of_the_terminal_is_seen(source: str) -> None:
    assert list(printing(source))


def test_only_commands_use_the_terminal() -> None:
    assert len(BELOW) > 200
    found = {str(path.relative_to(CHECKOUT)): list(printing(path.read_text(encoding="utf-8"))) for path in BELOW}
    assert {name: uses for name, uses in found.items() if uses} == {}


def test_nothing_imports_what_commands_know() -> None:
    importers = [
        str(path.relative_to(CHECKOUT))
        for path in BELOW
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.ImportFrom | ast.Import)
        if "scp_node.cli" in ast.unparse(node)
    ]
    assert importers == []


def test_commands_end_with_codes_of_the_table() -> None:
    numbers = {
        str(path.relative_to(CHECKOUT)): ast.unparse(node)
        for path in MODULES
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and ast.unparse(node.func) in ("typer.Exit", "sys.exit")
        if any(isinstance(argument, ast.Constant) for argument in node.args)
    }
    assert numbers == {}
