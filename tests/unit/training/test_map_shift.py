"""The shift of a map is measured as it is: on graphs whose maps are the picture itself, moved."""

from __future__ import annotations

import numpy as np
import pytest

from converter.package.network import InputSpec
from training.judging.map_shift import displacement, mirror_shift, response_shift
from training.packaging.scores import Array

SPEC = InputSpec.model_validate(
    {"height": 64, "width": 64, "layout": "NCHW", "normalisation": {"name": "centre-standardise"}}
)


def moving_graph(down: int, right: int) -> bytes:
    """cam = the picture in cells of 4 x 4 pixels, drawn `down` and `right` pixels beside its place."""
    onnx = pytest.importorskip("onnx")
    kernel = np.full((1, 1, 4, 4), 1 / 16, np.float32)
    pads = [8 + down, 8 + right, 8 - down, 8 - right]
    nodes = [
        onnx.helper.make_node("Pad", ["image", "pads"], ["padded"]),
        onnx.helper.make_node("Slice", ["padded", "from", "to", "axes"], ["moved"]),
        onnx.helper.make_node("Conv", ["moved", "kernel"], ["cam"], strides=[4, 4]),
        onnx.helper.make_node("ReduceMean", ["cam"], ["mean"], axes=[2, 3], keepdims=0),
        onnx.helper.make_node("Sigmoid", ["mean"], ["probability"]),
    ]
    constants = {
        "pads": np.array([0, 0, *pads[:2], 0, 0, *pads[2:]], np.int64),
        "from": np.array([8, 8], np.int64),
        "to": np.array([72, 72], np.int64),
        "axes": np.array([2, 3], np.int64),
        "kernel": kernel,
    }
    value = onnx.helper.make_tensor_value_info
    graph = onnx.helper.make_graph(
        nodes,
        "moving",
        [value("image", onnx.TensorProto.FLOAT, ["N", 1, 64, 64])],
        [
            value("probability", onnx.TensorProto.FLOAT, ["N", 1]),
            value("cam", onnx.TensorProto.FLOAT, ["N", 1, 16, 16]),
        ],
        [onnx.numpy_helper.from_array(array, name) for name, array in constants.items()],
    )
    model = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 17)], ir_version=9)
    return bytes(model.SerializeToString())


def blobs(images: int = 6) -> Array:
    """Soft spots away from the border."""
    rng = np.random.default_rng(3)
    y, x = np.mgrid[:64, :64]
    spots = [
        sum(np.exp(-((x - u) ** 2 + (y - v) ** 2) / 50) for u, v in rng.uniform(18, 46, (3, 2))) for _ in range(images)
    ]
    return np.asarray(spots, np.float32)[:, np.newaxis]


@pytest.mark.parametrize("down,right", [(0, 0), (4, 0), (-2, -6)])
def test_both_measures_find_the_shift_of_a_map(down: int, right: int) -> None:
    graph = moving_graph(down, right)
    mirrored = mirror_shift(graph, blobs(), SPEC)
    assert mirrored.x == pytest.approx(right, abs=0.6)
    assert mirrored.films == 6
    assert response_shift(graph, blobs(), SPEC) == pytest.approx((right, down), abs=0.6)


def test_maps_without_anything_in_common_have_no_displacement() -> None:
    one, other = np.random.default_rng(4).normal(size=(2, 64, 64)).astype(np.float32)
    assert displacement(one, other) is None
    assert displacement(one, np.zeros_like(one)) is None
