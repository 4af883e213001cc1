"""The weights of a package's graph, taken back into a network that can learn on."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import keras
import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import numpy_helper

from converter.package.network import OutputSpec
from training.packaging.canonical import cut, needed_by

Array = NDArray[np.float32]
OUTPUTS = (OutputSpec().probability, OutputSpec().cam)
# What a graph with a frame has besides; the convolutions that make it are those of the outline.
OUTLINE = "lungs"
# Films that are looked at together for the batch statistics.
BATCH = 16


class Convolution(NamedTuple):
    """kernel and bias of the graph, and the scale and shift that follow. The kernel is as Keras has it: [rows, columns,
    in, out], or [rows, columns, channels, 1] where each channel is by itself."""

    kernel: Array
    bias: Array
    scale: Array
    shift: Array


def take_over(network: keras.Model, graph: bytes, films: Sequence[Array]) -> None:
    """Give `network` the answers of `graph`, with batch statistics of `films`, its inputs, so that it can learn on.

    An exported batch normalisation is a scale and a shift; what it once subtracted and divided by is measured again.
    Raises ValueError when the convolutions are not the same ones.
    """
    found = list(convolutions(graph))
    kinds = (keras.layers.Conv2D, keras.layers.DepthwiseConv2D)
    layers = [layer for layer in network.layers if isinstance(layer, kinds)]
    if sorted(one.kernel.shape for one in found) != sorted(tuple(layer.kernel.shape) for layer in layers):
        raise ValueError("the package has another network: its convolutions are not those of the recipe")
    alike: dict[tuple[int, ...], list[Convolution]] = {}
    for one in found:
        alike.setdefault(one.kernel.shape, []).append(one)
    # those of one shape follow each other, in the graph and in the network
    pairs = [(layer, alike[tuple(layer.kernel.shape)].pop(0)) for layer in layers]
    norms = {id(norm.input): norm for norm in network.layers if isinstance(norm, keras.layers.BatchNormalization)}
    followed = []
    for layer, one in pairs:
        norm = norms.get(id(layer.output))
        if layer.use_bias:
            layer.set_weights([one.kernel, one.bias])
        else:
            layer.set_weights([one.kernel])
            one = one._replace(bias=np.zeros_like(one.bias), shift=one.shift + one.bias * one.scale)
        if norm is not None:
            zero, one_less = np.zeros_like(one.scale), np.full_like(one.scale, 1 - norm.epsilon)
            norm.set_weights([one.scale, one.shift, zero, one_less])
            followed.append((norm, layer, one))
        elif not (np.all(one.scale == 1) and np.all(one.shift == 0)):
            raise ValueError(f"{layer.name}: the package scales what the recipe does not")
    if not followed:
        return
    spreads = spreads_of(keras.Model(network.input, [layer.output for _, layer, _ in followed]), films)
    for (norm, _, one), (mean, variance) in zip(followed, spreads, strict=True):
        gamma = one.scale * np.sqrt(variance + norm.epsilon)
        norm.set_weights([gamma, one.shift + mean * one.scale, mean, variance])


def spreads_of(seen: keras.Model, films: Sequence[Array]) -> list[tuple[Array, Array]]:
    """Mean and variance of each channel of each output of `seen`, over all places of all `films`.

    Batch by batch: all outputs of all films at once are many gigabytes.
    """
    outputs = seen.outputs
    totals = [np.zeros((2, one.shape[-1])) for one in outputs]
    places = [0] * len(outputs)
    for start in range(0, len(films[0]), BATCH):
        made = seen([one[start : start + BATCH] for one in films], training=False)
        for place, one in enumerate(made if isinstance(made, list) else [made]):
            values = np.asarray(one, np.float64).reshape(-1, one.shape[-1])
            totals[place] += values.sum(axis=0), np.square(values).sum(axis=0)
            places[place] += len(values)
    means = [total / number for total, number in zip(totals, places, strict=True)]
    return [(mean.astype(np.float32), (squares - mean**2).clip(0).astype(np.float32)) for mean, squares in means]


def convolutions(graph: bytes) -> Iterator[Convolution]:
    """Every convolution of an exported graph, in its order, with the multiplication and addition that follow it.

    Those of an input gate, and those that outline lungs, are not among them.
    """
    whole = onnx.load_model_from_string(graph)
    outlined = OUTLINE in [one.name for one in whole.graph.output]
    model = cut(whole, (*OUTPUTS, OUTLINE) if outlined else OUTPUTS)
    of_outline = needed_by(model.graph, OUTLINE) if outlined else set()
    constants = {one.name: numpy_helper.to_array(one) for one in model.graph.initializer}
    after = {name: node for node in model.graph.node for name in node.input}
    for node in model.graph.node:
        if node.op_type != "Conv" or node.output[0] in of_outline:
            continue
        weights = constants[node.input[1]]
        filters = len(weights)
        alone = any(one.name == "group" and one.i > 1 for one in node.attribute)
        kernel = weights.transpose((2, 3, 0, 1) if alone else (2, 3, 1, 0))
        bias = constants[node.input[2]] if len(node.input) > 2 else np.zeros(filters, np.float32)
        parts = {"Mul": np.ones(filters, np.float32), "Add": np.zeros(filters, np.float32)}
        output = node.output[0]
        for kind in parts:
            following = after.get(output)
            values = [constants[name] for name in following.input if name in constants] if following else []
            if following and following.op_type == kind and values and values[0].size == filters:
                parts[kind] = values[0].reshape(filters)
                output = following.output[0]
        yield Convolution(kernel, bias, parts["Mul"], parts["Add"])
