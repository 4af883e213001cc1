"""Nothing that a running job writes is written for a job that another worker has taken over meanwhile."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from scp_node import workflow

# Each of these asks first whether the job is still this worker's, and takes the whole transaction back if not.
FENCES = {"hold", "finish", "again", "postpone", "bury"}
FOLDER = Path(workflow.__file__).parent
# What the worker that runs a job calls; commitment_book and report_plan also serve the listener and the reconciler.
OF_JOBS = sorted([*FOLDER.glob("*_job.py"), FOLDER / "report_choice.py"])


def functions_of(module: ast.Module) -> dict[str, ast.FunctionDef]:
    return {node.name: node for node in module.body if isinstance(node, ast.FunctionDef)}


def is_transaction(node: ast.AST) -> bool:
    return isinstance(node, ast.With) and any(
        isinstance(item.context_expr, ast.Call) and ast.unparse(item.context_expr.func).endswith("ledger.transaction")
        for item in node.items
    )


def is_fenced(body: ast.AST, functions: dict[str, ast.FunctionDef]) -> bool:
    """Whether the job is held in it, or in a function of the same module that it hands its transaction to."""
    calls = [node for node in ast.walk(body) if isinstance(node, ast.Call)]
    if any(isinstance(one.func, ast.Attribute) and one.func.attr in FENCES for one in calls):
        return True
    named = [functions.get(one.func.id) for one in calls if isinstance(one.func, ast.Name)]
    return any(is_fenced(one, functions) for one in named if one is not None and one is not body)


def unfenced(source: str) -> list[int]:
    """The lines at which a transaction begins that no fence guards."""
    module = ast.parse(source)
    found = [node for node in ast.walk(module) if isinstance(node, ast.With) and is_transaction(node)]
    return [node.lineno for node in found if not is_fenced(node, functions_of(module))]


@pytest.mark.parametrize("path", OF_JOBS, ids=[path.stem for path in OF_JOBS])
def test_every_transaction_of_a_job_asks_whether_the_job_is_still_held(path: Path) -> None:
    assert unfenced(path.read_text()) == []


def test_a_transaction_without_fence_is_found() -> None:
    source = (FOLDER / "delivery_job.py").read_text()
    assert "ledger.transaction" in source
    assert len(unfenced(source.replace("services.jobs.hold(tx, case.job)", "pass"))) == source.count("jobs.hold(")


def test_every_transaction_of_a_job_locks_its_study_first() -> None:
    """Otherwise two workers decide about it at the same moment, where the database has many writers."""
    found = {path.stem: unlocked(path.read_text()) for path in OF_JOBS}
    assert {name: lines for name, lines in found.items() if lines} == {}


def unlocked(source: str) -> list[int]:
    """The lines at which a transaction begins that names no study."""
    begun = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.With) and is_transaction(node)]
    calls = [item.context_expr for node in begun for item in node.items]
    return [call.lineno for call in calls if isinstance(call, ast.Call) and not call.args]
