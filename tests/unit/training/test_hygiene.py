"""A graph that is no graph for serving is told so. Skipped where the package onnx (the extra [training]) is missing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.support.checkout import MODELS
from tests.support.models.tiny_model import TINY

onnx = pytest.importorskip("onnx")
from training.packaging.hygiene import TRANSPOSES_MAX, problems  # noqa: E402

OUTPUTS = ("probability", "cam")


def tiny() -> Any:
    return onnx.load(TINY / "model.onnx")


def with_node(kind: str, **attributes: Any) -> Any:
    graph = tiny()
    graph.graph.node.append(onnx.helper.make_node(kind, ["image"], ["unused"], name=f"the {kind}", **attributes))
    return graph


def test_a_graph_for_serving_has_no_problem() -> None:
    assert problems(tiny(), OUTPUTS) == []


@pytest.mark.parametrize("package", sorted(MODELS.glob("*/*/model.onnx")), ids=lambda path: path.parent.parent.name)
def test_every_shipped_graph_is_one_for_serving(package: Path) -> None:
    graph = onnx.load(package)
    assert problems(graph, [value.name for value in graph.graph.output]) == []


@pytest.mark.parametrize("kind", ["Dropout", "RandomNormalLike", "Loop"])
def test_what_belongs_to_training_is_found(kind: str) -> None:
    assert problems(with_node(kind), OUTPUTS) == [f"the {kind} belongs to training, not to serving"]


def test_a_batch_normalisation_that_learns_is_found_and_one_at_rest_is_not() -> None:
    assert "belongs to training" in problems(with_node("BatchNormalization", training_mode=1), OUTPUTS)[0]
    assert problems(with_node("BatchNormalization"), OUTPUTS) == []


def test_a_graph_full_of_transposes_is_found() -> None:
    graph = tiny()
    for number in range(TRANSPOSES_MAX):
        graph.graph.node.append(onnx.helper.make_node("Transpose", ["image"], [f"t{number}"]))
    assert problems(graph, OUTPUTS) == []
    graph.graph.node.append(onnx.helper.make_node("Transpose", ["image"], ["one more"]))
    assert "5 Transpose nodes" in problems(graph, OUTPUTS)[0]


def test_another_opset_or_domain_is_found() -> None:
    graph = with_node("Gelu", domain="com.microsoft")
    graph.opset_import[0].version = 18
    assert problems(graph, OUTPUTS) == ["opset 18 instead of 17", "the Gelu is of the domain 'com.microsoft'"]


def test_one_size_of_batch_is_found() -> None:
    graph = tiny()
    graph.graph.input[0].type.tensor_type.shape.dim[0].dim_value = 1
    assert problems(graph, OUTPUTS) == ["image is made for one size of batch"]


def test_outputs_of_other_names_order_or_type_are_found() -> None:
    graph = tiny()
    graph.graph.output[1].type.tensor_type.elem_type = onnx.TensorProto.FLOAT16
    assert problems(graph, ("cam", "probability")) == [
        "outputs probability, cam instead of cam, probability",
        "cam is no float32",
    ]


def test_weights_in_another_file_are_found() -> None:
    graph = tiny()
    graph.graph.initializer[0].data_location = onnx.TensorProto.EXTERNAL
    assert problems(graph, OUTPUTS) == ["weights lie in a file of their own"]
