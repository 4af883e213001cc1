"""The variants that are timed are the same network. Skipped where the package onnx ([training]) is missing."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.support.models.tiny_model import TINY, TINY_NHWC

onnx = pytest.importorskip("onnx")
onnxruntime = pytest.importorskip("onnxruntime")
from training.judging.latency import figures, measure, plain, table, variants  # noqa: E402
from training.packaging.canonical import cut  # noqa: E402


@pytest.mark.parametrize("package", [TINY, TINY_NHWC], ids=lambda path: path.parent.name)
def test_the_plain_network_gives_the_same_probability_without_the_map(package: Path) -> None:
    whole = onnx.load(package / "model.onnx")
    with np.load(package / "reference.npz") as reference:
        inputs, wanted = reference["inputs"], reference["probability"]
    bare = plain(whole)
    kinds = [node.op_type for node in bare.graph.node]
    assert kinds.index("GlobalAveragePool") < kinds.index("Conv")
    assert [value.name for value in bare.graph.output] == ["probability"]
    session = onnxruntime.InferenceSession(bare.SerializeToString(), providers=["CPUExecutionProvider"])
    assert np.abs(session.run(None, {"image": inputs})[0] - wanted).max() < 1e-5


def test_a_gate_is_timed_by_itself() -> None:
    whole = onnx.load(TINY / "model.onnx")
    assert list(variants(whole)) == ["plain", "with map"]
    whole.graph.node.append(onnx.helper.make_node("Softmax", ["mean_of_image"], ["gate"]))
    whole.graph.node.insert(0, onnx.helper.make_node("Flatten", ["image"], ["mean_of_image"]))
    whole.graph.output.append(onnx.helper.make_tensor_value_info("gate", onnx.TensorProto.FLOAT, ["N", 4096]))
    found = variants(whole)
    assert list(found) == ["plain", "with map", "with map and gate"]
    assert not any(node.op_type == "Softmax" for node in found["with map"].graph.node)
    assert any(node.op_type == "Softmax" for node in found["with map and gate"].graph.node)


def test_what_no_output_needs_is_cut() -> None:
    kinds = [node.op_type for node in cut(onnx.load(TINY / "model.onnx"), ["cam"]).graph.node]
    assert "Sigmoid" not in kinds


def test_every_run_takes_its_turn_on_every_image() -> None:
    seen: dict[str, list[float]] = {"a": [], "b": []}
    images = np.arange(3, dtype=np.float32).reshape(3, 1)
    runs = {name: lambda image, name=name: seen[name].append(float(image[0, 0])) for name in seen}
    times = measure(runs, images, rounds=6)  # type: ignore[arg-type]
    assert [len(taken) for taken in times.values()] == [6, 6]
    assert seen["a"] == seen["b"]
    assert set(seen["a"]) == {0.0, 1.0, 2.0}


def test_ratios_are_to_the_first_run() -> None:
    found = figures({"plain": [(1.0, 1.0), (2.0, 1.0), (3.0, 1.0)], "with map": [(2.0, 1.1), (3.0, 1.2), (4.0, 1.3)]})
    assert (found["with map"]["ratio"], found["with map"]["processor_ratio"]) == (1.5, 1.2)
    assert table(found)[-1] == "| with map | 3.00 | 2.20 to 3.80 | 1.50 | 1.20 | 1.20 |"
