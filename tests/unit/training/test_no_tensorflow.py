"""TensorFlow stays with those who train: nothing that runs in a hospital imports it, or the training code."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from tests.support.checkout import CHECKOUT

TRAINING_ONLY = {"tensorflow", "keras", "tf2onnx", "onnx", "sklearn", "training"}
MODULES = sorted([*(CHECKOUT / "converter").rglob("*.py"), *(CHECKOUT / "scp_node").rglob("*.py")])
# Training code that must run where only the node is installed: it measures and checks packages.
LIGHT = [CHECKOUT / "training" / "packaging" / name for name in ("calibrate.py", "operating_point.py", "scores.py")]
LIGHT += [CHECKOUT / "training" / "__main__.py", *sorted((CHECKOUT / "training" / "data").rglob("*.py"))]


def imported(file: Path) -> set[str]:
    """The top-level packages that `file` imports anywhere, inside functions too."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names.add(node.module.split(".")[0])
    return names


@pytest.mark.parametrize("file", MODULES, ids=lambda file: str(file.relative_to(CHECKOUT)))
def test_the_node_imports_neither_tensorflow_nor_training(file: Path) -> None:
    assert not imported(file) & TRAINING_ONLY


@pytest.mark.parametrize("file", LIGHT, ids=lambda file: file.name)
def test_splits_figures_and_calibration_need_no_tensorflow(file: Path) -> None:
    assert not imported(file) & (TRAINING_ONLY - {"training"})
