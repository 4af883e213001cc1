"""A package can be refined without the run it came from: same answers, and batch statistics that films have."""

from __future__ import annotations

import importlib.util
import warnings
from types import SimpleNamespace

import numpy as np
import pytest

from converter.package.network import InputSpec
from training.learning.network_shapes import EfficientNetLite, Plain, Residual

pytestmark = [
    pytest.mark.skipif(importlib.util.find_spec("tensorflow") is None, reason="TensorFlow ([training]) not installed"),
    pytest.mark.filterwarnings("ignore"),
]
SPEC = InputSpec.model_validate({"height": 32, "width": 32, "layout": "NCHW", "normalisation": {"name": "scale"}})
NETWORKS = {
    "residual": Residual(stem=4, stages=(6, 8), strides=(2, 1), dropout=0.1),
    "repeated": Residual(stem=4, stages=(6, 6, 6), strides=(2, 1, 2), dropout=0.1),
    "plain": Plain(family="plain", filters=(4, 6), dense=(5,), dropout=0),
    "efficientnet": EfficientNetLite(family="efficientnet-lite0", stages=3, halvings=3, dropout=0.1),
}
NORMS = {"residual": 7, "repeated": 9, "plain": 0, "efficientnet": 15}


@pytest.fixture(scope="module")
def lab() -> SimpleNamespace:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import keras

        from training.learning import zoo
        from training.packaging import export, package_weights
    return SimpleNamespace(keras=keras, export=export, take=package_weights, zoo=zoo)


@pytest.mark.parametrize("family", list(NETWORKS))
def test_a_network_out_of_a_package_answers_as_the_package_and_knows_the_statistics_of_films(
    lab: SimpleNamespace, family: str
) -> None:
    rng = np.random.default_rng(0)
    films = rng.normal(0.5, 0.3, (24, 32, 32, 1)).astype(np.float32)
    packaged = lab.zoo.build(NETWORKS[family], SPEC, 2)
    packaged.set_weights([weight + rng.uniform(0, 0.1, weight.shape) for weight in packaged.get_weights()])
    network = lab.zoo.build(NETWORKS[family], SPEC, 2)
    lab.take.take_over(network, lab.export.to_onnx(packaged, SPEC), [films])
    for wanted, found in zip(packaged.predict(films, verbose=0), network.predict(films, verbose=0), strict=True):
        assert np.allclose(wanted, found, atol=1e-4)
    norms = [layer for layer in network.layers if isinstance(layer, lab.keras.layers.BatchNormalization)]
    assert len(norms) == NORMS[family]
    for norm in norms:
        seen = lab.keras.Model(network.input, norm.input).predict(films, verbose=0)
        assert np.allclose(norm.get_weights()[2], seen.mean(axis=(0, 1, 2)), atol=1e-4)
        assert np.allclose(norm.get_weights()[3], seen.var(axis=(0, 1, 2)), rtol=1e-3, atol=1e-5)


def test_the_convolutions_of_an_input_gate_are_left_out(lab: SimpleNamespace) -> None:
    import onnx

    packaged = lab.zoo.build(NETWORKS["plain"], SPEC, 1)
    graph = onnx.load_model_from_string(lab.export.to_onnx(packaged, SPEC))
    kernel = onnx.numpy_helper.from_array(np.ones((1, 1, 32, 32), np.float32), "gate_kernel")
    graph.graph.initializer.append(kernel)
    graph.graph.node.append(onnx.helper.make_node("Conv", ["image", "gate_kernel"], ["gate"]))
    graph.graph.output.append(onnx.helper.make_tensor_value_info("gate", onnx.TensorProto.FLOAT, ["N", 1, 1, 1]))
    network = lab.zoo.build(NETWORKS["plain"], SPEC, 1)
    films = np.random.default_rng(0).normal(0.5, 0.3, (4, 32, 32, 1)).astype(np.float32)
    lab.take.take_over(network, graph.SerializeToString(), [films])
    for wanted, found in zip(packaged.predict(films, verbose=0), network.predict(films, verbose=0), strict=True):
        assert np.allclose(wanted, found, atol=1e-5)


def test_a_package_of_another_network_is_refused(lab: SimpleNamespace) -> None:
    graph = lab.export.to_onnx(lab.zoo.build(NETWORKS["plain"], SPEC, 1), SPEC)
    network = lab.zoo.build(NETWORKS["residual"], SPEC, 1)
    with pytest.raises(ValueError, match="another network"):
        lab.take.take_over(network, graph, [np.zeros((2, 32, 32, 1), np.float32)])
