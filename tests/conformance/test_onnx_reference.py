"""The shipped graphs mean what their packages say by the standard's own evaluator: plain NumPy, none of our runtime."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from scp_node.inference.packages import list_packages
from tests.support.checkout import CHECKOUT

onnx = pytest.importorskip("onnx", reason="the package onnx is not installed")

# Largest differences measured: 6e-8 for probabilities, 4e-6 for maps of up to 16 logit units, 2e-5 for outlines.
TOLERANCES = {"probability": 1e-6, "gate": 1e-6, "cam": 1e-4, "lungs": 1e-4}
PACKAGES = [package.folder for package in list_packages(CHECKOUT / "models")]


@pytest.mark.parametrize("folder", PACKAGES, ids=lambda folder: f"{folder.parent.name}-{folder.name}")
def test_the_reference_evaluator_gives_the_reference_outputs(folder: Path) -> None:
    from onnx.reference import ReferenceEvaluator

    graph = onnx.load(str(folder / "model.onnx"), load_external_data=False)
    onnx.checker.check_model(graph, full_check=True)
    names = [output.name for output in graph.graph.output]
    with np.load(folder / "reference.npz") as reference:
        outputs = ReferenceEvaluator(graph).run(None, {graph.graph.input[0].name: reference["inputs"]})
        assert {"probability", "cam"} <= set(names) == set(reference.files) - {"inputs"}
        for name, found in zip(names, outputs, strict=True):
            np.testing.assert_allclose(found, reference[name], rtol=0, atol=TOLERANCES[name])
